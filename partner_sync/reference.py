"""The reference as tables: every config key, param, change, problem, verdict and error, told by the code that has them.

README and `python -m partner_sync` show the same tables. A cell may have `names` in backticks.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from partner_sync import errors
from partner_sync.commands import COMMANDS, VARIABLES
from partner_sync.compare import COUNTED
from partner_sync.config import Config, schema
from partner_sync.consistency import NEVER_WRITTEN
from partner_sync.mapping import TYPES, expected_fields, id_field
from partner_sync.mistakes import shown
from partner_sync.model import EXTERNAL_ID, KINDS, Kind
from partner_sync.options import PARAMS
from partner_sync.problems import PROBLEMS
from partner_sync.settings import LIMITS, Rule
from partner_sync.soql import selected
from partner_sync.verdicts import VERDICTS

CHANGES: Mapping[Kind, tuple[str, str]] = {
    "create": ("An account has no organization.", "Name, `external_id` and all mapped fields."),
    "update": ("An organization is not as its account wants it.", "The fields that differ, nothing else."),
    "mark": ("A partner organization has no account any more.", "The checkbox `marks.field` of the config."),
}
"""Kind of change to when it is planned, and what is written."""

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


@dataclass(frozen=True)
class Table:
    """One table of a part; the only one needs no heading."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: str = ""
    about: str = ""


@dataclass(frozen=True)
class Part:
    """One part of the reference that needs nothing but the code."""

    about: str
    tables: Callable[[], list[Table]]


def markdown(tables: list[Table]) -> str:
    """The tables as the README has them."""
    return "\n\n".join("\n\n".join(filter(None, (_head(table), _grid(table)))) for table in tables) + "\n"


def _head(table: Table) -> str:
    return f"**{table.heading}**: {table.about}" if table.heading else table.about


def _grid(table: Table) -> str:
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


# -- what the code has --------------------------------------------------------------------------------------


def _commands() -> list[Table]:
    typed = (" or ".join(f"`{name}`" for name in (one.make, one.typed) if name) for one in COMMANDS)
    rows = tuple((names, f"{one.does[0].upper()}{one.does[1:]}.") for names, one in zip(typed, COMMANDS, strict=True))
    return [Table(("command", "what it does"), rows)]


def _environment() -> list[Table]:
    return [Table(("variable", "what it says"), tuple((f"`{name}`", what) for name, what in VARIABLES.items()))]


def _params() -> list[Table]:
    rows = tuple(
        (f"`{name}`", _type(one), f"`{json.dumps(one['default'])}`", str(one["description"]))
        for name, one in PARAMS.items()
    )
    return [Table(("param", "type", "default", "what it does"), rows)]


def _changes() -> list[Table]:
    return [Table(("kind", "when", "what is written"), tuple((f"`{kind}`", *CHANGES[kind]) for kind in KINDS))]


def _counts() -> list[Table]:
    """What the line of `compare` counts, of the run and of each instance."""
    whole = {"accounts": "Accounts that were read.", "problems": "What a person must look at."}
    would = {f"would_{kind}": f"The same as `{kind}`, where the instance is not written." for kind in KINDS}
    types = {"type:…": "Partner organizations of each type, by its value."}
    counted = whole | dict(COUNTED) | types | would
    return [Table(("count", "what it counts"), tuple((f"`{name}`", what) for name, what in counted.items()))]


def _problems() -> list[Table]:
    rows = tuple((f"`{kind}`", told.what, told.advice) for kind, told in PROBLEMS.items())
    return [Table(("problem", "what it is", "what to do, and what holds until then"), rows)]


def _verdicts() -> list[Table]:
    rows = tuple((f"`{name}`", told.what, told.advice) for name, told in VERDICTS.items())
    return [Table(("verdict", "what it means", "what to do"), rows)]


def _errors() -> list[Table]:
    columns = ("error", "what happened", "what to do")
    return [
        Table(columns, tuple(_told(errors.PermanentError)), "Permanent", "Airflow fails the task at once."),
        Table(columns, tuple(_told(errors.RetryableError)), "Retryable", "Airflow tries again, ever later."),
    ]


def _told(kind: type[errors.PartnerSyncError]) -> Iterator[tuple[str, str, str]]:
    """A class and all below it: what happened is the first sentence of its docstring."""
    yield f"`{kind.__name__}`", first_sentence(inspect.getdoc(kind) or ""), kind.advice
    for narrower in kind.__subclasses__():
        yield from _told(narrower)


def first_sentence(docstring: str) -> str:
    """What a docstring says first, on one line."""
    words = " ".join(docstring.split("\n\n")[0].split())
    return f"{re.split(r'[.] (?=[A-Z`])', words)[0].rstrip('.')}."


def _untouched() -> list[Table]:
    rows = tuple((f"`{field}`", f"{why[0].upper()}{why[1:]}.") for field, why in NEVER_WRITTEN.items())
    return [Table(("field", "why"), rows)]


# -- the config ---------------------------------------------------------------------------------------------

_KEY_COLUMNS = ("key", "type", "default", "unit", "meaning")


def _config() -> list[Table]:
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
            tables.append(Table(_KEY_COLUMNS, tuple(_keys(inner, whole)), heading, about))
    rules = tuple((f"`{rule}`", about, _any(TYPES[rule])) for rule, about in RULES.items())
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


def _keys(table: Mapping[str, Any], whole: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, node in table["properties"].items():
        yield _key(prefix + name, node, whole, required=name in table.get("required", ()))
        inner = _resolved(_given(node), whole)
        if "properties" in inner:
            yield from _keys(inner, whole, f"{prefix}{name}.")


def _key(
    name: str, node: Mapping[str, Any], whole: Mapping[str, Any], *, required: bool = False
) -> tuple[str, str, str, str, str]:
    given = _given(node)
    default = node.get("default")
    has = "required" if required else "none" if default is None or default == [] else f"`{shown(default)}`"
    about = str(node["description"])
    return (
        f"`{name}`",
        _type(_resolved(given, whole)),
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


def _type(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return _any(f'"{value}"' for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(_type(kind) for kind in node["anyOf"])
    if node["type"] == "array":
        return f"list of {_type(node['items']).replace(' or ', ', ', 1)}"
    if node["type"] in ("integer", "number"):
        return f"{'whole number' if node['type'] == 'integer' else 'number'}{_bounds(node)}"
    return _TYPES[str(node["type"])]


def _any(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *most, last = (f"`{word}`" for word in words)
    return f"{', '.join(most)} or {last}" if most else last


def _bounds(node: Mapping[str, Any]) -> str:
    low = {"minimum": "from {:g}", "exclusiveMinimum": "over {:g}"}
    high = {"exclusiveMaximum": "under {:g}", "maximum": "to {:g}"}
    said = [next((text.format(node[key]) for key, text in side.items() if key in node), "") for side in (low, high)]
    return f", {' '.join(filter(None, said))}" if any(said) else ""


# -- what both systems must have ----------------------------------------------------------------------------


def fields(config: Config) -> list[Table]:
    """What the user of Salesforce must see, and what organization fields Zendesk must have, by this config."""
    written: dict[str, list[str]] = {source: [] for source in selected(config)}
    for attribute in config.attributes:
        written[attribute.source].append(f"`{attribute.field}`")
        if attribute.field == id_field(config):
            written[attribute.source].append(f"`{EXTERNAL_ID}` of a new organization")
    for source in config.accounts.filter:
        written[source].append("the filter")
    seen = tuple((f"`{source}`", ", ".join(uses), _lookup(source)) for source, uses in written.items())
    needed = tuple(
        (
            f"`{one.key}`",
            _any(one.types),
            ", ".join(f"`{value}`" for value in one.options),
        )
        for one in expected_fields(config)
    )
    instances = ", ".join(f"`{instance.name}`" for instance in config.instances)
    return [
        Table(
            ("field", "for", "and"),
            seen,
            "Salesforce",
            f"fields that the user of `{config.accounts.connection}` must see on `{config.accounts.object}`.",
        ),
        Table(("key", "type", "options, by value"), needed, "Zendesk", f"active organization fields of {instances}."),
    ]


def _lookup(source: str) -> str:
    """A path goes over a lookup, which its user has to see as well, with the record behind it."""
    relation, _, name = source.rpartition(".")
    if not relation:
        return ""
    lookup = f"{relation[:-1]}c" if relation.endswith("__r") else f"{relation}Id"
    return f"the lookup `{lookup}`, and `{name}` of the records it points to"


PARTS: dict[str, Part] = {
    "commands": Part("every command", _commands),
    "config": Part("every key of the config: type, default, unit, meaning", _config),
    "params": Part("every param of a run", _params),
    "changes": Part("every kind of change: when, and what is written", _changes),
    "counts": Part("every number that a plan counts", _counts),
    "problems": Part("every kind of problem, and what to do", _problems),
    "verdicts": Part("every verdict, and what to do", _verdicts),
    "errors": Part("every error, and what to do", _errors),
    "untouched": Part("every field that is never written, and why", _untouched),
    "environment": Part("every environment variable", _environment),
}
"""What the code alone can tell. `fields` is one more part, of a config."""
