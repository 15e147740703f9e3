"""Whitespace around a text, and characters that no text may contain.

Zendesk trims names; it does not document which characters it trims. We trim more than any observed response does, on
both sides: a difference that nobody can see is not written, and a name is never invisible.
"""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
_SPACES = "".join(map(chr, [0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]))
_WITHOUT_WIDTH = "\u00ad\u180e\u200b\u200c\u200d\u2060\ufeff"
WHITESPACE = _CONTROLS + _SPACES + _WITHOUT_WIDTH
"""Trimmed off both ends. Marks that turn the direction of writing are not in it: an end may need one."""

_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def trimmed(text: str) -> str:
    """The text without whitespace around it."""
    return text.strip(WHITESPACE)


def visible(text: str) -> bool:
    """Whether there is anything to see."""
    return text[:1].isalnum() or any(unicodedata.category(character) not in _UNSEEN for character in text)


def control(text: str) -> str | None:
    """The first control character in a text, as U+0000, but for tabs and line ends; None if there is none."""
    if text.isprintable():
        return None
    found = _NO_TEXT.search(text)
    return f"U+{ord(found.group()):04X}" if found else None
