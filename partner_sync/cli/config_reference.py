"""Every key of the config as a row of a table: what its JSON schema says, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from partner_sync.cli.tables import Table, any_of
from partner_sync.compare.organization_schema import TYPES
from partner_sync.config.load import schema
from partner_sync.config.settings import LIMITS, Rule
from partner_sync.config.validation import shown
from partner_sync.model import KINDS

RULES: Mapping[Rule, str] = {
    "id_18": "The account's id, in its 18 characters.",
    "id_15": "The account's id, cut to its first 15 characters.",
    "text": "The text, without blanks around it; empty clears the field.",
    "checkbox": "Ticked for the values of `true_for`, not ticked for any other and for none.",
    "dropdown": "The option that `options` has for the value, or `pinned` for a pinned account.",
    "date": "The day, without a time.",
    "number": "The number, whole or not.",
}
"""Rule of the mapping to what it makes of a Salesforce value."""

_KEY_COLUMNS = ("key", "type", "default", "unit", "meaning")


def keys() -> list[Table]:
    """One table of keys for each table of the file, in its order."""
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
        Table(_KEY_COLUMNS, tuple(own), "At the top", "before the first table."),
        *tables,
        Table(("rule", "what it writes", "types in Zendesk"), rules, "Rules", "what `attributes.rule` can be."),
    ]


def _limits() -> str:
    """What holds for a kind that has no table."""
    given = [
        f"`{name} = {value:g}`"
        for limit in LIMITS.values()
        for name, value in dataclasses.asdict(limit).items()
        if value is not None
    ]
    return f": without a table of their own, {' and '.join(given)}"


def _inner(key: str, node: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    """How the file heads the table that `key` is, and the schema of one such table; None if it is a plain setting."""
    if "items" in node:
        return f"`[[{key}]]`", _resolved(node["items"], whole)
    if isinstance(node.get("additionalProperties"), dict):
        return " ".join(f"`[{key}.{kind}]`" for kind in KINDS), _resolved(node["additionalProperties"], whole)
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
    """What a setting is when it is there: without the null that says it may be absent."""
    kinds = [kind for kind in node.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return node
    return {**{key: value for key, value in node.items() if key != "anyOf"}, **kinds[0]}


def _resolved(node: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**whole["$defs"][node["$ref"].rsplit("/", 1)[1]], **node} if "$ref" in node else node


_TYPES: Mapping[str, str] = {"string": "text", "boolean": "true or false", "object": "table"}


def type_of(node: Mapping[str, Any]) -> str:
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
    said = [next((text.format(node[key]) for key, text in side.items() if key in node), "") for side in (low, high)]
    return f", {' '.join(filter(None, said))}" if any(said) else ""
