"""Makes text from other systems safe to print: escapes every character that controls a terminal."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # parts of names in some scripts, and of emoji
_CONTROLS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # controls, text direction, surrogates, unassigned, line ends


def sanitize(text: object) -> str:
    """`text` on one line, with each control character as a Python escape such as \\x1b."""
    return "".join(_escaped(character) for character in str(text))


def _escaped(character: str) -> str:
    if character in "\n\t":
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _CONTROLS:
        return character
    return character.encode("unicode_escape").decode()
