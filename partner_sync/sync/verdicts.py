"""What may be written, and what became of it: one change held against what Zendesk shows. Pure.

A field is in one of three states: as *desired*, still as it was *before* (as the plan saw it), or *changed* by others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_sync.archive.records import OpenJob, RowVerdict
from partner_sync.compare.organization_schema import OrganizationSchema, belongs, organization_schema
from partner_sync.config.load import Config
from partner_sync.model import ATTRIBUTES, Batch, Change, Create, FieldChange, Mark, Value, Verdict

Raw = Mapping[str, Any]
"""An organization as Zendesk sends it."""


@dataclass(frozen=True, slots=True)
class VerdictKind:
    """What a verdict means, and what a person does about it."""

    what: str
    advice: str


VERDICTS: Mapping[Verdict, VerdictKind] = {
    "confirmed": VerdictKind("Zendesk now shows the desired values.", "Nothing."),
    "rejected": VerdictKind(
        "Zendesk refused it, or dropped it silently.",
        "Read Zendesk's words in the archive and mend the cause; the next run plans it again.",
    ),
    "superseded": VerdictKind(
        "Somebody changed it since the plan, or a newer plan exists: it was left alone.",
        "Nothing; the next run looks again.",
    ),
    "unknown": VerdictKind(
        "It cannot be told what became of it.", "Look at the organization in Zendesk; the next run plans afresh."
    ),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with our reason, or, where `verdict` is None, the fields that may be written.

    `organization_id` is the organization that was looked at, where the plan could not know it.
    """

    verdict: Verdict | None
    reason: str = ""
    write: tuple[FieldChange, ...] = ()
    organization_id: int | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """Reads a raw organization by the config: its fields by their rules, whose it is, and whether it is a partner's."""

    schema: OrganizationSchema

    def __call__(self, raw: Raw, field: str) -> Value:
        """The canonical value of a field."""
        return self.schema.canonical[field](raw.get(field) if field in ATTRIBUTES else _field(raw, field))

    def lacking(self, changes: Iterable[Change]) -> list[str]:
        """Fields of changes that the config does not know."""
        fields = {field.field for change in changes for field in change.fields}
        return sorted(fields - self.schema.canonical.keys())

    def belongs(self, raw: Raw, account_id: str) -> bool:
        """Whether an organization is still that account's."""
        return belongs(account_id, _field(raw, self.schema.id_field), raw.get("external_id"))

    def is_partner(self, raw: Raw) -> bool:
        return self.schema.is_partner(_field(raw, self.schema.partner_field))


def show(config: Config) -> Show:
    """The reader of raw organizations for a config."""
    return Show(organization_schema(config))


def before_write(change: Change, raw: Raw | None, shown: Show) -> Judgement:
    """What is left to write of a change, now that its organization was read again (None: it is not there)."""
    if isinstance(change, Create):
        if raw is None:
            return Judgement(None, write=change.fields)
        if all(shown(raw, field.field) == field.after for field in change.fields):
            return Judgement("confirmed", "the organization is there already, as desired")
        return Judgement(
            "superseded", "an organization with this external_id is there by now; the next run looks at it"
        )
    if raw is None:
        return Judgement("superseded", "the organization is gone; the next run looks at the account again")
    if not shown.belongs(raw, change.account_id):
        return Judgement("superseded", "the organization is not this account's any more; the next run plans afresh")
    if isinstance(change, Mark) and not shown.is_partner(raw):
        return Judgement("superseded", "the organization is no partner's any more; the next run plans afresh")
    states = _states(change, raw, shown)
    changed = _names(states, "changed")
    write = tuple(field for field in change.fields if states[field.field] == "before")
    if write:
        return Judgement(None, f"changed by others since the plan, left alone: {changed}" if changed else "", write)
    if changed:
        return Judgement("superseded", f"changed by others since the plan: {changed}; the next run plans afresh")
    return Judgement("confirmed", "as desired already, nothing was written")


def after_write(change: Change, raw: Raw | None, shown: Show, words: str | None) -> Judgement:
    """What became of a change that was sent; `words` is what Zendesk said against it (None: nothing)."""
    if raw is None:
        if isinstance(change, Create):
            said = "Zendesk refused it" if words else "Zendesk did not refuse it, but no such organization shows"
            return Judgement("rejected", said)
        return Judgement("unknown", "the organization cannot be read any more")
    states = _states(change, raw, shown)
    counts = Counter(states.values())
    if counts["before"]:
        why = "Zendesk refused it" if words else "Zendesk did not refuse it, but it does not show"
        return Judgement("rejected", f"{why}: {_names(states, 'before')}")
    if counts["changed"]:
        return Judgement("superseded", f"changed by others: {_names(states, 'changed')}; the next run plans afresh")
    return Judgement("confirmed")


def refusals(results: Sequence[Raw], rows: Sequence[tuple[int, Change]]) -> dict[int, str]:
    """What a job said against rows, by their position in the batch. `rows` are (position, change) as they were sent.

    An item is good only with `success` or a `status` of Created or Updated, and no `error`; a failure names its `index`
    or the `id` of the organization, and neither `success` nor `status` (recorded by zenpy).
    """
    positions = {change.organization_id: position for position, change in rows if change.organization_id is not None}
    found: dict[int, str] = {}
    for number, item in enumerate(results):
        good = item.get("success") is True or item.get("status") in ("Created", "Updated")
        if good and not item.get("error"):
            continue
        index = item["index"] if isinstance(item.get("index"), int) else number
        position = positions.get(item["id"]) if isinstance(item.get("id"), int) else None
        if position is None and 0 <= index < len(rows):
            position = rows[index][0]
        if position is not None:
            said = " ".join(str(item[key]) for key in ("error", "details") if item.get(key))
            found[position] = said or "no reason given"
    return found


def told(
    batch: Batch,
    entry: OpenJob,
    judged: Sequence[Judgement],
    words: Mapping[int, str],
    *,
    at: datetime,
    try_number: int,
    calls: int,
) -> tuple[RowVerdict, ...]:
    """A line of the archive for every change of a batch; `words` is what Zendesk said, by position in the batch."""
    return tuple(
        RowVerdict(
            run_id=batch.run_id,
            plan_id=batch.order.plan_id,
            batch=batch.name,
            try_number=try_number,
            at=at,
            instance=batch.instance,
            kind=change.kind,
            account_id=change.account_id,
            organization_id=change.organization_id or row.organization_id,
            name=change.name,
            verdict=row.verdict or "unknown",
            reason=row.reason,
            vendor_words=words.get(position, "")[:2000],
            written=position in entry.sent,
            job_id=entry.job_id if position in entry.rows else None,
            calls=calls,
        )
        for position, (change, row) in enumerate(zip(batch.changes, judged, strict=True))
    )


def payload(change: Change, fields: Sequence[FieldChange]) -> dict[str, Any]:
    """Fields of a change as the body that a bulk call wants: `{"id", "name", "organization_fields": {key: value}}`."""
    body: dict[str, Any] = {} if change.organization_id is None else {"id": change.organization_id}
    keyed: dict[str, Value] = {}
    for field in fields:
        (body if field.field in ATTRIBUTES else keyed)[field.field] = field.after
    if keyed:
        body["organization_fields"] = keyed
    return body


def _field(raw: Raw, key: str) -> object:
    return (raw.get("organization_fields") or {}).get(key)


def _states(change: Change, raw: Raw, shown: Show) -> dict[str, str]:
    states = {}
    for field in change.fields:
        now = shown(raw, field.field)
        # Nothing was there before a create, and a checkbox that nobody touched reads as false.
        untouched = (None, False) if isinstance(change, Create) else (field.before,)
        states[field.field] = "desired" if now == field.after else "before" if now in untouched else "changed"
    return states


def _names(states: Mapping[str, str], state: str) -> str:
    return ", ".join(name for name, value in states.items() if value == state)
