"""Fields that Salesforce must show and Zendesk must have for a config, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.soql import selected_fields
from partner_sync.config.load import Config
from partner_sync.model import EXTERNAL_ID


@dataclass(frozen=True)
class Table:
    """A table with its heading. A cell may have `names` in backticks."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: str = ""
    about: str = ""


def required_fields(config: Config) -> list[Table]:
    """Two tables: fields of the Salesforce object, and organization fields of Zendesk."""
    schema = organization_schema(config)
    uses: dict[str, list[str]] = {source: [] for source in selected_fields(config)}
    for attribute in config.attributes:
        uses[attribute.source].append(f"`{attribute.field}`")
        if attribute.field == schema.id_field:
            uses[attribute.source].append(f"`{EXTERNAL_ID}` of a new organization")
    for source in config.accounts.filter:
        uses[source].append("the filter")
    read = tuple((f"`{source}`", ", ".join(names), _lookup(source)) for source, names in uses.items())
    written = tuple(
        (f"`{field.key}`", any_of(field.types), ", ".join(f"`{value}`" for value in field.options))
        for field in schema.expected
    )
    accounts, instances = config.accounts, ", ".join(f"`{instance.name}`" for instance in config.instances)
    return [
        Table(
            ("field", "used for", "also needs"),
            read,
            "Salesforce",
            f"fields of `{accounts.object}` that the user of `{accounts.connection}` can read.",
        ),
        Table(("key", "type", "options, by value"), written, "Zendesk", f"active organization fields of {instances}."),
    ]


def _lookup(source: str) -> str:
    """A path follows a lookup: its user must be able to read the lookup and the record behind it."""
    relation, _, name = source.rpartition(".")
    if not relation:
        return ""
    lookup = f"{relation[:-1]}c" if relation.endswith("__r") else f"{relation}Id"
    return f"the lookup `{lookup}`, and `{name}` of the records it points to"


def any_of(names: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} or {last}" if most else last
