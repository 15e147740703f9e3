"""Items of bulk jobs that are written otherwise than they were sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_BLANKS = re.compile(r"[ \t]+")


def without(item: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """An item without the given keys, be they attributes or organization fields."""
    kept = {key: value for key, value in item.items() if key not in keys}
    if isinstance(kept.get("attributes"), dict):
        kept["attributes"] = without(kept["attributes"], keys)
    if isinstance(kept.get("organization_fields"), dict):
        kept["organization_fields"] = without(kept["organization_fields"], keys)
    return kept


def normalized(value: Any) -> Any:
    """An item or a value whose texts are in NFC, with one blank for a run of blanks, and lines that end in LF."""
    if isinstance(value, dict):
        return {key: normalized(each) for key, each in value.items()}
    if isinstance(value, list):
        return [normalized(each) for each in value]
    if not isinstance(value, str):
        return value
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", value.replace("\r\n", "\n")))
