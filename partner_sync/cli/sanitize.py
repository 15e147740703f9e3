"""Text from outside, safe to show: what a terminal would obey is spelt out."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # parts of names in some scripts, and of emoji
_OBEYED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, text direction, surrogates, unassigned, line ends


def plain(text: object) -> str:
    """`text` on one line; a control character as its escape, an escape sequence therefore as harmless text."""
    return "".join(_spelt(character) for character in str(text))


def _spelt(character: str) -> str:
    if character in "\n\t":
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _OBEYED:
        return character
    return character.encode("unicode_escape").decode()
