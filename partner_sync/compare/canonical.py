"""Canonical values: the form in which values are compared, whether Salesforce or Zendesk sent them (see `model`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite

from partner_sync.config.settings import Rule
from partner_sync.model import Value
from partner_sync.whitespace import trimmed

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)


def text_value(raw: object) -> Value:
    if isinstance(raw, str):
        return trimmed(raw) or None
    return None if raw is None else str(raw)


def checkbox_value(raw: object) -> bool:
    if raw is None or isinstance(raw, bool):
        return bool(raw)
    return trimmed(str(raw)).casefold() == "true"


def date_value(raw: object) -> Value:
    text = text_value(raw)
    if isinstance(text, str) and text[10:11] in ("", "T", " "):
        return day(text[:10]) or text
    return text


def number_value(raw: object) -> Value:
    if isinstance(raw, int):
        return int(raw)
    if isinstance(raw, float) and isfinite(raw):
        return int(raw) if raw.is_integer() else raw
    text = text_value(raw)
    return number_value(float(text)) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


def day(text: str) -> str | None:
    """A date as "YYYY-MM-DD"; None for anything else."""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


CANONICAL: Mapping[Rule, Callable[[object], Value]] = {
    "id_18": text_value,
    "id_15": text_value,
    "text": text_value,
    "checkbox": checkbox_value,
    "dropdown": text_value,
    "date": date_value,
    "number": number_value,
}
"""Rule to the function that makes a raw value canonical. A value that the rule cannot read is kept, so it differs."""
