"""What is blank around a text, and what a text cannot hold.

Zendesk trims names; which characters it takes for blank is not documented. We take more of them for blank than anybody
shows, on both sides: what differs by nothing that can be seen is not written, and a name never is invisible.
"""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
_SPACES = "".join(map(chr, [0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]))
_WITHOUT_WIDTH = "\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
BLANK = _CONTROLS + _SPACES + _WITHOUT_WIDTH
"""Trimmed off both ends. Marks that turn the direction of writing are not in it: an end may need one."""

_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def trimmed(text: str) -> str:
    """The text without blanks around it."""
    return text.strip(BLANK)


def visible(text: str) -> bool:
    """Whether there is anything to see."""
    return text[:1].isalnum() or any(unicodedata.category(character) not in _UNSEEN for character in text)


def control(text: str) -> str | None:
    """The first control character in a text, as U+0000, but for tabs and line ends; None if there is none."""
    if text.isprintable():
        return None
    found = _NO_TEXT.search(text)
    return f"U+{ord(found.group()):04X}" if found else None
