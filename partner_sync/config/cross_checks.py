"""What the settings of `partner_sync.toml` must say together: each check names what contradicts, and what to write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from partner_sync.config.limits import LIMIT_NAMES
from partner_sync.config.schedule import SCHEDULE_ADVICE, wrong_schedule
from partner_sync.config.validation import ACCOUNT_ID_ADVICE, shown, spelled, suggestion
from partner_sync.errors import Finding
from partner_sync.ids import id_18
from partner_sync.model import NAME

if TYPE_CHECKING:
    from partner_sync.config.limits import Limit
    from partner_sync.config.settings import Accounts, Attribute, Calls, Instance, Marks, Partners, Reads, Retry, Sync

NEVER_WRITTEN: Mapping[str, str] = {
    "external_id": "set once, when an organization is created",
    "ignore_deletion": "owned by the people who decide what is not deleted",
    "tags": "made by Zendesk from drop-downs and checkboxes, and by agents",
    "domain_names": "owned by agents; a write would replace all of them",
    "shared_tickets": "a decision about who sees tickets",
    "shared_comments": "a decision about who sees tickets",
    "notes": "written by people",
    "details": "written by people",
    "group_id": "a decision about who answers tickets",
    "id": "Zendesk's own",
    "url": "Zendesk's own",
    "created_at": "Zendesk's own",
    "updated_at": "Zendesk's own",
    "organization_fields": "the place of the fields, not one of them",
}


@dataclass(frozen=True)
class Parts:
    """The well-formed parts of a file; None, or absent, where a part is not. Rows come with their place in the file."""

    schedule: str
    accounts: Accounts | None
    instances: Sequence[tuple[int, Instance]]
    attributes: Sequence[tuple[int, Attribute]]
    all_attributes: bool
    """Whether no row of the mapping is missing here, so that what is absent is absent from the file."""
    partners: Partners | None
    marks: Marks | None
    limits: Mapping[str, Limit]
    reads: Reads | None
    sync: Sync | None
    retry: Retry | None
    calls: Calls | None


def findings(parts: Parts) -> list[Finding]:
    """Everything that the parts of a file get wrong together."""
    return [finding for check in _CHECKS for finding in check(parts)]


def _schedule(parts: Parts) -> Iterator[Finding]:
    if wrong := wrong_schedule(parts.schedule):
        yield Finding("schedule", f"is {shown(parts.schedule)}, which {wrong}", SCHEDULE_ADVICE)


def _accounts(parts: Parts) -> Iterator[Finding]:
    if parts.accounts is not None:
        yield from _ids("accounts.pinned", parts.accounts.pinned)


def _sources(parts: Parts) -> Iterator[Finding]:
    """Salesforce ignores the case of field names; a query that spells a field in two ways is refused."""
    named = [(f"attributes[{at}].from", row.source) for at, row in parts.attributes]
    if parts.accounts is not None:
        named[:0] = [("accounts.id", parts.accounts.id), ("accounts.name", parts.accounts.name)]
        named += [(spelled(("accounts", "filter", key)), key) for key in parts.accounts.filter]
    first: dict[str, str] = {}
    for key, source in named:
        spelling = first.setdefault(source.casefold(), source)
        if spelling != source:
            yield Finding(key, f"is {source}, but {spelling} elsewhere in the file", "Spell it as Salesforce does.")


def _instances(parts: Parts) -> Iterator[Finding]:
    yield from _twice("instances[{}].name", [(at, row.name) for at, row in parts.instances])
    yield from _twice("instances[{}].connection", [(at, row.connection) for at, row in parts.instances])
    for at, row in parts.instances:
        if parts.accounts is not None and row.connection == parts.accounts.connection:
            wrong = f"is {shown(row.connection)}, which accounts.connection is as well"
            yield Finding(f"instances[{at}].connection", wrong, "Salesforce and Zendesk need a Connection each.")


def _attributes(parts: Parts) -> Iterator[Finding]:
    yield from _twice("attributes[{}].field", [(at, row.field) for at, row in parts.attributes])
    for at, row in parts.attributes:
        if row.field in NEVER_WRITTEN:
            yield _never_written(f"attributes[{at}].field", row.field)
        yield from _of_rule(f"attributes[{at}]", row)
        yield from _options(f"attributes[{at}]", row)
        yield from _policy(f"attributes[{at}]", row, parts.partners)
        if parts.accounts is not None:
            yield from _source(f"attributes[{at}]", row, parts.accounts)


def _of_rule(at: str, row: Attribute) -> Iterator[Finding]:
    """Settings that one rule needs and the others do not know."""
    owners = (
        ("true_for", "checkbox", bool(row.true_for), True),
        ("options", "dropdown", bool(row.options), True),
        ("pinned", "dropdown", row.pinned is not None, False),
    )
    for key, rule, given, needed in owners:
        if given and row.rule != rule:
            wrong = f'means nothing for rule "{row.rule}" of {row.field}'
            yield Finding(f"{at}.{key}", wrong, f'Take it out, or make it a "{rule}".')
        if needed and not given and row.rule == rule:
            what = "list what ticks the box" if rule == "checkbox" else "map each Salesforce value to an option"
            yield Finding(f"{at}.{key}", f'is missing or empty, but {row.field} is a "{rule}"', f"It must {what}.")


def _policy(at: str, row: Attribute, partners: Partners | None) -> Iterator[Finding]:
    """What identifies an organization follows Salesforce, and a checkbox is never empty."""
    identity = row.rule in ("id_18", "id_15") or row.field == NAME or (partners and row.field == partners.field)
    settings = (
        ("policy", shown(row.policy), row.policy != "source", bool(identity)),
        ("clear", "false", not row.clear, bool(identity)),
        ("policy", shown(row.policy), row.policy == "if_empty", row.rule == "checkbox"),
        ("clear", "false", not row.clear, row.rule == "checkbox"),
    )
    for key, value, given, refused in settings:
        if given and refused:
            why = "identifies an organization" if identity else "is a checkbox, which is never empty"
            yield Finding(f"{at}.{key}", f"is {value}, but {row.field} {why}", "Take it out.")


def _options(at: str, row: Attribute) -> Iterator[Finding]:
    folded = Counter(value.strip().casefold() for value in row.options)
    for value, times in sorted(folded.items()):
        if times > 1:
            wrong = f"has {times} entries for {shown(value)}"
            yield Finding(f"{at}.options", wrong, "Keep one: upper and lower case are the same to the mapping.")


def _source(at: str, row: Attribute, accounts: Accounts) -> Iterator[Finding]:
    if row.rule in ("id_18", "id_15") and row.source != accounts.id:
        wrong = f'is {shown(row.source)}, but rule "{row.rule}" follows accounts.id'
        yield Finding(f"{at}.from", wrong, f"Write {shown(accounts.id)}.")
    if row.field == NAME and row.source != accounts.name:
        wrong = f"is {shown(row.source)}, but the name follows accounts.name"
        yield Finding(f"{at}.from", wrong, f"Write {shown(accounts.name)}.")


def _needed_attributes(parts: Parts) -> Iterator[Finding]:
    ids = [row.field for _, row in parts.attributes if row.rule == "id_18"]
    if len(ids) > 1 or (not ids and parts.all_attributes):
        wrong = f'has {len(ids)} rows with rule "id_18"'
        yield Finding("attributes", wrong, "Exactly one field must hold the account's id, to match by.")
    for at, row in parts.attributes:
        if row.field == NAME and row.rule != "text":
            wrong = f'is "{row.rule}" for the name'
            yield Finding(f"attributes[{at}].rule", wrong, 'An organization\'s name is text: write rule = "text".')
    if parts.all_attributes and all(row.field != NAME for _, row in parts.attributes):
        advice = 'Add field = "name" with rule = "text": Zendesk needs one.'
        yield Finding("attributes", "has no row for the name", advice)


def _partners(parts: Parts) -> Iterator[Finding]:
    if parts.partners is None:
        return
    dropdowns = {row.field: row for _, row in parts.attributes if row.rule == "dropdown"}
    row = dropdowns.get(parts.partners.field)
    if row is None:
        if parts.all_attributes:
            wrong = f"is {shown(parts.partners.field)}, which is no drop-down of the mapping"
            yield Finding("partners.field", wrong, suggestion(parts.partners.field, dropdowns))
        return
    for at, value in enumerate(parts.partners.values):
        if value not in row.values:
            wrong = f"is {shown(value)}, which the mapping never writes to {row.field}"
            yield Finding(f"partners.values[{at}]", wrong, suggestion(value, row.values))
    yield from _twice("partners.values[{}]", list(enumerate(parts.partners.values)))
    for value in row.values:
        if value not in parts.partners.values:
            wrong = f"lacks {shown(value)}, which the mapping writes to {row.field}"
            yield Finding("partners.values", wrong, "Add it, or its organizations are never seen as partners again.")


def _marks(parts: Parts) -> Iterator[Finding]:
    if parts.marks is None:
        return
    mapped = {row.field for _, row in parts.attributes}
    older = parts.marks.only_if_older
    yield from _ids("marks.protected", parts.marks.protected)
    if parts.marks.field in NEVER_WRITTEN:
        yield _never_written("marks.field", parts.marks.field)
    if parts.marks.field in mapped:
        wrong = f"is {shown(parts.marks.field)}, which follows an account"
        yield Finding("marks.field", wrong, "A mark needs a checkbox of its own.")
    if older is not None and (older.field is None) == (older.source is None):
        wrong = "has neither field nor from" if older.field is None else "has both field and from"
        yield Finding("marks.only_if_older", wrong, "Write the date field of Zendesk, or of Salesforce.")
    if older is not None and older.field == parts.marks.field:
        wrong = f"is {shown(older.field)}, the checkbox that marks"
        yield Finding("marks.only_if_older.field", wrong, "Write the key of a date field.")
    for _, row in parts.attributes:
        if older is not None and row.field == older.field and row.rule != "date":
            wrong = f"is {shown(older.field)}, which the rule {row.rule} writes"
            yield Finding("marks.only_if_older.field", wrong, "Write the key of a date field.")


def _limits(parts: Parts) -> Iterator[Finding]:
    for name in LIMIT_NAMES:
        limit = parts.limits.get(name)
        if limit is None:
            continue
        if limit.max_count is None and limit.max_percent is None and limit.max_percent_7_days is None:
            advice = "Write max_count, max_percent or both, or take the table out."
            yield Finding(f"limits.{name}", "limits nothing", advice)
        if limit.max_count is not None and limit.max_count < limit.floor:
            wrong = f"is {limit.max_count}, below the floor of {limit.floor}, and never counts"
            yield Finding(f"limits.{name}.max_count", wrong, "Raise it, or lower the floor.")
        if limit.max_percent_7_days is not None and name != "mark":
            wrong = f"means nothing for {name}"
            yield Finding(f"limits.{name}.max_percent_7_days", wrong, "Only marks have a budget of seven days.")


def _waits(parts: Parts) -> Iterator[Finding]:
    pairs: list[tuple[str, float, str, float]] = []
    if parts.retry is not None:
        pairs.append(("retry.max_seconds", parts.retry.max_seconds, "retry.first_seconds", parts.retry.first_seconds))
    if parts.calls is not None:
        calls = parts.calls
        pairs.append(
            ("calls.max_wait_seconds", calls.max_wait_seconds, "calls.first_wait_seconds", calls.first_wait_seconds)
        )
    for key, longest, other, first in pairs:
        if longest < first:
            yield Finding(key, f"is {longest:g}, less than {other} = {first:g}", "The longest wait cannot be shorter.")


def _ages(parts: Parts) -> Iterator[Finding]:
    """Two reads that are further apart than a plan may be old make no plan that is written."""
    if parts.reads is None or parts.sync is None:
        return
    skew, age = parts.reads.max_skew_minutes, parts.sync.max_plan_age_hours
    if skew > age * 60:
        wrong = f"is {skew:g}, more than sync.max_plan_age_hours = {age:g}"
        yield Finding("reads.max_skew_minutes", wrong, "Plans from such reads are too old to be written.")


def _ids(key: str, ids: Sequence[str]) -> Iterator[Finding]:
    for at, one in enumerate(ids):
        if id_18(one) is None:
            yield Finding(f"{key}[{at}]", f"is {shown(one)}, which is not a valid account ID", ACCOUNT_ID_ADVICE)
    yield from _twice(f"{key}[{{}}]", [(at, one) for at, one in enumerate(ids)])


def _twice(key: str, values: Iterable[tuple[int, str]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, value in values:
        if value in seen:
            yield Finding(key.format(at), f"is {shown(value)} for the second time", "Keep one of them.")
        seen.add(value)


def _never_written(key: str, field: str) -> Finding:
    return Finding(key, f"is {shown(field)}, which is never written: {NEVER_WRITTEN[field]}", "Take it out.")


_CHECKS: tuple[Callable[[Parts], Iterable[Finding]], ...] = (
    _schedule,
    _accounts,
    _sources,
    _instances,
    _attributes,
    _needed_attributes,
    _partners,
    _marks,
    _limits,
    _waits,
    _ages,
)
