"""Salesforce record ids: 15 characters that differ by case, and the 18-character form that does not.

Rule (Salesforce's own; checked on recorded real ids): for each of the three
chunks of five characters, bit k is set when character k is A..Z; the number 0..31 indexes
``ABCDEFGHIJKLMNOPQRSTUVWXYZ012345``.
"""

from __future__ import annotations

import re

_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FIFTEEN = re.compile(r"[0-9A-Za-z]{15}\Z")


def salesforce_id(fifteen: str) -> str:
    """The 18-character form of a 15-character id.

    Raises ``ValueError`` when *fifteen* is not 15 letters and digits.
    """
    if not _FIFTEEN.match(fifteen):
        raise ValueError(f"not a 15-character Salesforce id: {fifteen!r}")
    suffix = ""
    for start in (0, 5, 10):
        chunk = fifteen[start : start + 5]
        bits = sum(1 << place for place, letter in enumerate(chunk) if "A" <= letter <= "Z")
        suffix += _CHECKSUM_ALPHABET[bits]
    return fifteen + suffix


def is_salesforce_id(value: str) -> bool:
    """Whether *value* is 15 characters, or 18 with the right checksum."""
    if len(value) == 15:
        return bool(_FIFTEEN.match(value))
    return len(value) == 18 and bool(_FIFTEEN.match(value[:15])) and salesforce_id(value[:15]) == value


def numbered_id(prefix: str, number: int) -> str:
    """The 18-character id of record *number* under *prefix*, for example ``0014M00001`` for an account.

    Raises ``ValueError`` when the number does not fit into what the prefix leaves of 15 characters.
    """
    digits = ""
    room = 15 - len(prefix)
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE_62[digit] + digits
    if len(digits) > room:
        raise ValueError(f"the number does not fit behind {prefix!r}")
    return salesforce_id(prefix + digits.rjust(room, "0"))
