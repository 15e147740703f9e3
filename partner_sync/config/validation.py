"""What is wrong with a table of settings, with what to write instead: pydantic's errors as `Finding`s."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from partner_sync.errors import Finding

Loc = tuple[int | str, ...]
_ROWS: Mapping[Any, tuple[str, str]] = {"attributes": ("attribute", "field"), "instances": ("instance", "name")}
"""Lists of tables, each with what a row is called, and the key that names it."""

ACCOUNT_ID_ADVICE = "An account ID has 15 characters, or 18 characters with a valid checksum. Copy it from Salesforce."

_WRONG = {
    "missing": "is missing",
    "too_short": "is empty",
    "string_type": "is {}, not text",
    "bool_type": "is {}, not true or false",
    "int_type": "is {}, not a whole number",
    "float_type": "is {}, not a number",
    "tuple_type": "is {}, not a list",
    "dict_type": "is {}, not a table",
    "dataclass_type": "is {}, not a table",
}
_BOUNDS = {
    "greater_than": ("gt", "It must be more than {}."),
    "greater_than_equal": ("ge", "It must be at least {}."),
    "less_than": ("lt", "It must be less than {}."),
    "less_than_equal": ("le", "It must be at most {}."),
}


def spelled(loc: Loc) -> str:
    """A place in the file as people write it: `attributes[3].rule`, counted from 0."""
    key = ""
    for part in loc:
        if isinstance(part, int):
            key += f"[{part}]"
        elif part != "[key]":
            word = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
            key += f".{word}" if key else word
    return key


def from_errors(errors: Iterable[ErrorDetails], schema: Mapping[str, Any]) -> list[Finding]:
    """One error for each place that pydantic complains of; `schema` is the JSON schema of the whole table."""
    found: dict[str, Finding] = {}
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # it only lacks the rows that are complained of by themselves
        wrong, advice = _said(error, schema)
        key = spelled(error["loc"])
        found.setdefault(key, Finding(key, wrong, advice))
    return list(found.values())


def located(findings: Iterable[Finding], table: Mapping[Any, Any], lines: Mapping[Loc, int]) -> list[Finding]:
    """The findings with their places: `line 74, attribute "account_type", rule`. `lines` maps each loc to its line."""
    return [replace(finding, place=_place(_loc(finding.key), table, lines)) for finding in findings]


def locs(value: Any, loc: Loc = ()) -> Iterator[Loc]:
    """Every place in a table, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, one in inner:
        yield (*loc, part)
        yield from locs(one, (*loc, part))


def _loc(key: str) -> Loc:
    """The parts of a key that `spelled` wrote."""
    parts = re.findall(r'\[(\d+)\]|("(?:\\.|[^"\\])*")|([A-Za-z0-9_-]+)', key)
    return tuple(int(index) if index else json.loads(quoted) if quoted else word for index, quoted, word in parts)


def _place(loc: Loc, table: Mapping[Any, Any], lines: Mapping[Loc, int]) -> str:
    line = next((lines[loc[:end]] for end in range(len(loc), 0, -1) if loc[:end] in lines), None)
    words, rest = [f"line {line}"] if line else [], loc
    if loc[0] in _ROWS and len(loc) > 1:
        kind, name = _ROWS[loc[0]]
        row = table[loc[0]][loc[1]]
        named = row.get(name) if isinstance(row, dict) else None
        words.append(f"{kind} {shown(named or int(loc[1]) + 1)}")
        rest = loc[2:]
    if rest:
        *outer, item = rest
        words.append(f"{spelled(tuple(outer))}, item {item + 1}" if isinstance(item, int) else spelled(rest))
    return ", ".join(words)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Which of the known words was probably meant, else all of them."""
    known = list(known)
    close = get_close_matches(word, known, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(known) or 'nothing'}."


def shown(value: object) -> str:
    """A value as it stands in the file, cut where it would fill the screen."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _said(error: ErrorDetails, schema: Mapping[str, Any]) -> tuple[str, str]:
    kind, loc, value, context = error["type"], error["loc"], error["input"], error.get("ctx", {})
    about = _node(schema, loc).get("description", "")
    if kind == "unexpected_keyword_argument":
        return "is not a setting", suggestion(str(loc[-1]), _node(schema, loc[:-1]).get("properties", {}))
    if kind == "literal_error":
        wrong = "is not known" if loc[-1] == "[key]" else f"is {shown(value)}"
        return wrong, suggestion(str(value), _words(context["expected"]))
    if kind in _BOUNDS:
        bound, sentence = _BOUNDS[kind]
        return f"is {shown(value)}", sentence.format(f"{context[bound]:g}")
    return _WRONG.get(kind, "is {}").format(shown(value)), f"Wanted: {about}."


def _words(expected: str) -> Iterator[str]:
    return (word.group(1) for word in re.finditer(r"'([^']*)'", expected))


def _node(schema: Mapping[str, Any], loc: Loc) -> dict[str, Any]:
    """The part of a JSON schema that describes a place; the keys of a table are described by the table itself."""
    node = _resolved(schema, schema)
    for part in loc:
        if part == "[key]":
            break
        if isinstance(part, int):
            inner = node.get("items", {})
        else:
            inner = node.get("properties", {}).get(part, node.get("additionalProperties", {}))
        about = {"description": node["description"]} if "description" in node else {}
        node = about | _resolved(inner if isinstance(inner, dict) else {}, schema)
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return dict(node)
    return dict(schema["$defs"][node["$ref"].rsplit("/", 1)[1]]) | dict(node)
