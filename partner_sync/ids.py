"""Salesforce record ids: 15 characters whose case counts, or 18, where three more carry the case as a checksum."""

from __future__ import annotations

import string

from partner_sync.whitespace import WHITESPACE

_UPPER = str.maketrans({c: "1" if c in string.ascii_uppercase else "0" for c in string.ascii_letters + string.digits})
_SUFFIX = string.ascii_uppercase + "012345"


def id_18(text: object) -> str | None:
    """The 18-character form of an id, trimmed; None if it is neither 15 nor 18 characters that fit together.

    Case is never corrected: an 18-character id whose last three characters do not fit the first 15 is not an id.
    """
    if not isinstance(text, str):
        return None
    text = text.strip(WHITESPACE)
    if len(text) not in (15, 18) or not (text.isascii() and text.isalnum()):
        return None
    short = text[:15]
    upper = short.translate(_UPPER)
    one, two, three = int(upper[4::-1], 2), int(upper[9:4:-1], 2), int(upper[14:9:-1], 2)
    full = f"{short}{_SUFFIX[one]}{_SUFFIX[two]}{_SUFFIX[three]}"
    return full if len(text) == 15 or text == full else None
