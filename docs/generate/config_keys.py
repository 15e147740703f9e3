"""Tables of the config: every key with type, default, unit and meaning, from its JSON schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from partner_sync.cli.fields import Table, any_of
from partner_sync.compare.organization_schema import TYPES
from partner_sync.config.limits import LIMIT_NAMES, LIMITS
from partner_sync.config.load import schema
from partner_sync.config.settings import Rule
from partner_sync.config.validation import shown

RULES: Mapping[Rule, str] = {
    "id_18": "The account's id, in its 18 characters.",
    "id_15": "The account's id, cut to its first 15 characters.",
    "text": "The text, without leading and trailing whitespace; empty clears the field.",
    "checkbox": "Checked for the values of `true_for`; unchecked for any other value and for an empty field.",
    "dropdown": "The option that `options` maps the value to, or `pinned` for a pinned account.",
    "date": "The day, without a time.",
    "number": "The number, whole or not.",
}
"""Rule of the mapping to what it writes."""

_KEY_COLUMNS = ("key", "type", "default", "unit", "meaning")


def keys() -> list[Table]:
    """One table of keys for each table of the file, in the order of the file."""
    whole = schema()
    own: list[tuple[str, ...]] = []
    tables = []
    for key, node in whole["properties"].items():
        heading, inner = _inner(key, node, whole)
        if inner is None:
            own.append(_key(key, node, whole))
        else:
            about = f"{node['description']}{_limits() if key == 'limits' else ''}."
            tables.append(Table(_KEY_COLUMNS, tuple(_rows(inner, whole)), heading, about))
    rules = tuple((f"`{rule}`", about, any_of(TYPES[rule])) for rule, about in RULES.items())
    return [
        Table(_KEY_COLUMNS, tuple(own), "Top level", "keys before the first table."),
        *tables,
        Table(("rule", "what it writes", "types in Zendesk"), rules, "Rules", "values of `attributes.rule`."),
    ]


def _limits() -> str:
    """Limits where the file has no table of that name."""
    given = []
    for name, limit in LIMITS.items():
        settings = {key: value for key, value in dataclasses.asdict(limit).items() if value is not None}
        given.append(f"`{name}`: {', '.join(f'`{key} = {value:g}`' for key, value in settings.items())}")
    return f". Without a table of that name: {'; '.join(given)}"


def _inner(key: str, node: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    """The heading of the table `key` in the file, and the schema of that table; None for a plain setting."""
    if "items" in node:
        return f"`[[{key}]]`", _resolved(node["items"], whole)
    if isinstance(node.get("additionalProperties"), dict):
        return " ".join(f"`[{key}.{kind}]`" for kind in LIMIT_NAMES), _resolved(node["additionalProperties"], whole)
    inner = _resolved(node, whole)
    return (f"`[{key}]`", inner) if "properties" in inner else (key, None)


def _rows(table: Mapping[str, Any], whole: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, node in table["properties"].items():
        yield _key(prefix + name, node, whole, required=name in table.get("required", ()))
        inner = _resolved(_given(node), whole)
        if "properties" in inner:
            yield from _rows(inner, whole, f"{prefix}{name}.")


def _key(
    name: str, node: Mapping[str, Any], whole: Mapping[str, Any], *, required: bool = False
) -> tuple[str, str, str, str, str]:
    given = _given(node)
    default = node.get("default")
    has = "required" if required else "none" if default is None or default == [] else f"`{shown(default)}`"
    about = str(node["description"])
    return (
        f"`{name}`",
        type_of(_resolved(given, whole)),
        has,
        str(given.get("unit", "")),
        f"{about[0].upper()}{about[1:]}.",
    )


def _given(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a setting without the null of an optional setting."""
    kinds = [kind for kind in node.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return node
    return {**{key: value for key, value in node.items() if key != "anyOf"}, **kinds[0]}


def _resolved(node: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**whole["$defs"][node["$ref"].rsplit("/", 1)[1]], **node} if "$ref" in node else node


_TYPES: Mapping[str, str] = {"string": "text", "boolean": "true or false", "object": "table"}


def type_of(node: Mapping[str, Any]) -> str:
    """The type in prose, with bounds."""
    if "enum" in node:
        return any_of(f'"{value}"' for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(type_of(kind) for kind in node["anyOf"])
    if node["type"] == "array":
        return f"list of {type_of(node['items']).replace(' or ', ', ', 1)}"
    if node["type"] in ("integer", "number"):
        return f"{'whole number' if node['type'] == 'integer' else 'number'}{_bounds(node)}"
    return _TYPES[str(node["type"])]


def _bounds(node: Mapping[str, Any]) -> str:
    low = {"minimum": "from {:g}", "exclusiveMinimum": "over {:g}"}
    high = {"exclusiveMaximum": "under {:g}", "maximum": "to {:g}"}
    bounds = [next((text.format(node[key]) for key, text in side.items() if key in node), "") for side in (low, high)]
    return f", {' '.join(filter(None, bounds))}" if any(bounds) else ""
