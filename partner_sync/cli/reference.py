"""The reference as tables: every config key, param, change, problem, verdict and error, told by the code that has them.

README and `python -m partner_sync` show the same.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from partner_sync import errors
from partner_sync.cli.commands import COMMANDS, VARIABLES
from partner_sync.cli.config_reference import keys, type_of
from partner_sync.cli.tables import Table, any_of
from partner_sync.compare.counts import COUNTED
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.problem_kinds import PROBLEM_KINDS
from partner_sync.compare.soql import selected_fields
from partner_sync.config.cross_checks import NEVER_WRITTEN
from partner_sync.config.load import Config
from partner_sync.config.params import PARAMS
from partner_sync.model import EXTERNAL_ID, KINDS, Kind
from partner_sync.sync.verdicts import VERDICTS

CHANGES: Mapping[Kind, tuple[str, str]] = {
    "create": ("An account has no organization.", "Name, `external_id` and all mapped fields."),
    "update": ("An organization is not as its account wants it.", "The fields that differ, nothing else."),
    "mark": ("A partner organization has no account any more.", "The checkbox `marks.field` of the config."),
}
"""Kind of change to when it is planned, and what is written."""


@dataclass(frozen=True)
class Part:
    """One part of the reference that needs nothing but the code."""

    about: str
    tables: Callable[[], list[Table]]


# -- what the code has --------------------------------------------------------------------------------------


def _commands() -> list[Table]:
    typed = (" or ".join(f"`{name}`" for name in (one.make, one.typed) if name) for one in COMMANDS)
    rows = tuple((names, f"{one.does[0].upper()}{one.does[1:]}.") for names, one in zip(typed, COMMANDS, strict=True))
    return [Table(("command", "what it does"), rows)]


def _environment() -> list[Table]:
    return [Table(("variable", "what it says"), tuple((f"`{name}`", what) for name, what in VARIABLES.items()))]


def _params() -> list[Table]:
    rows = tuple(
        (f"`{name}`", type_of(one), f"`{json.dumps(one['default'])}`", str(one["description"]))
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
    rows = tuple((f"`{kind}`", told.what, told.advice) for kind, told in PROBLEM_KINDS.items())
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


# -- what both systems must have ----------------------------------------------------------------------------


def fields(config: Config) -> list[Table]:
    """What the user of Salesforce must see, and what organization fields Zendesk must have, by this config."""
    schema = organization_schema(config)
    written: dict[str, list[str]] = {source: [] for source in selected_fields(config)}
    for attribute in config.attributes:
        written[attribute.source].append(f"`{attribute.field}`")
        if attribute.field == schema.id_field:
            written[attribute.source].append(f"`{EXTERNAL_ID}` of a new organization")
    for source in config.accounts.filter:
        written[source].append("the filter")
    seen = tuple((f"`{source}`", ", ".join(uses), _lookup(source)) for source, uses in written.items())
    needed = tuple(
        (
            f"`{one.key}`",
            any_of(one.types),
            ", ".join(f"`{value}`" for value in one.options),
        )
        for one in schema.expected
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
    "config": Part("every key of the config: type, default, unit, meaning", keys),
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
