"""Archives with a past, written by the real archive: runs an hour apart, with what they planned and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import Failure, PartnerState, PartnerStates, RowVerdict, RunRecord, Trigger
from partner_sync.compare.batches import batches
from partner_sync.history import History
from partner_sync.ids import id_18
from partner_sync.model import (
    Change,
    Create,
    FieldChange,
    Hold,
    HoldReason,
    InstanceCounts,
    Mark,
    Plan,
    PlanOrder,
    Problem,
    ReadProof,
    UnreadInstance,
    Update,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
HOSTS = {"salesforce": "acme.my.salesforce.com", "global": "acme.zendesk.com"}


FIELDS = ("name", "account_type", "account_owner")


def account(number: int) -> str:
    """An 18-character account id."""
    return id_18(f"0014M{number:010d}") or ""


def a_create(number: int, name: str | None = None, instance: str = "global", **values: Any) -> Create:
    named = name or f"Partner {number}"
    wanted = {"name": named, "account_type": "open_partner", "account_owner": "A. Ortiz", **values}
    fields = tuple(FieldChange(key, None, value) for key, value in wanted.items())
    return Create(instance, account(number), named, fields, "no organization has this account's id")


def an_update(number: int, name: str | None = None, /, instance: str = "global", **values: Any) -> Update:
    """`values` are (before, after) by field."""
    fields = tuple(FieldChange(key, *pair) for key, pair in (values or {"account_owner": ("A", "B")}).items())
    return Update(instance, account(number), 3_600_000 + number, name or f"Partner {number}", fields, "it differs")


def a_mark(number: int, name: str | None = None, instance: str = "global", **values: Any) -> Mark:
    fields = (FieldChange("mark_for_deletion", False, True),)
    named = name or f"Partner {number}"
    mark = Mark(instance, account(number), 3_600_000 + number, named, fields, "deleted in Salesforce, seen 23 Nov")
    return replace(mark, **values)


def a_hold(*changes: Change, reason: HoldReason = "limit", opens_case: bool = True, **values: Any) -> Hold:
    """A hold of these changes, which are of one kind and instance."""
    instance, kind = changes[0].instance, changes[0].kind
    hold = Hold(
        id=f"{len(changes):06x}{changes[0].organization_id or 0:06x}"[:12],
        instance=instance,
        kind=kind,
        reason=reason,
        rows=len(changes),
        limit=10,
        of=112,
        since=NOON - timedelta(hours=1),
        why=f"{len(changes)} {kind}s in {instance} held for review.",
        next_step="Review them on the page.",
        opens_case=opens_case,
        changes=tuple(changes),
    )
    return replace(hold, **values)


def a_partner(
    number: int, name: str | None = None, *, owner: str = "B", there: bool = True, **values: Any
) -> PartnerState:
    """In sync, unless Zendesk has another `owner` than B."""
    named = name or f"Partner {number}"
    wanted = (named, "open_partner", "B")
    existing = (named, "open_partner", owner) if there else None
    row = PartnerState(account(number), 3_600_000 + number if there else None, named, wanted, existing, False)
    return replace(row, **values)


def a_problem(number: int, kind: str = "name_taken", instance: str | None = "global") -> Problem:
    return Problem(kind, instance, (account(number),), (3_600_000 + number,), f"{kind} {number}", "Rename one of them.")


@dataclass
class Past:
    """An archive in a folder, and what was put into it: runs are counted from the hour of NOON."""

    folder: Path
    archive: Archive = field(init=False)

    def __post_init__(self) -> None:
        self.archive = Archive(self.folder / "archive")

    def trigger(self, hour: float = 0, *, run_type: str = "scheduled", **params: Any) -> Trigger:
        at = NOON + timedelta(hours=hour)
        return Trigger("partner_sync", f"{run_type}__{at.isoformat()}", run_type, None, at, at, params)

    def plan(
        self,
        hour: float = 0,
        changes: Sequence[Change] = (),
        *,
        problems: Sequence[Problem] = (),
        holds: Sequence[Hold] = (),
        dry_run: bool = False,
        planning_only: Sequence[str] = (),
        unread: Sequence[UnreadInstance] = (),
        approvals: dict[int, tuple[str, ...]] | None = None,
        types: dict[str, int] | None = None,
        instances: Sequence[str] = ("global",),
        again: int = 0,
    ) -> Plan:
        begun = NOON + timedelta(hours=hour, minutes=10 * again)
        trigger = self.trigger(hour)
        counts = {"accounts": 171, "problems": len(problems), "organizations": 4212}
        counts |= {f"type:{name}": count for name, count in (types or {"open_partner": 112}).items()}
        if len(instances) > 1:
            counts |= {f"{one}.{key}": count for one in instances for key, count in list(counts.items())}
        plan = Plan(
            order=PlanOrder(begun, begun + timedelta(seconds=8), f"plan-{hour:g}-{again}".replace(".", "_")),
            run_id=trigger.run_id,
            dry_run=dry_run,
            config_digest="digest",
            reads=(
                ReadProof("Salesforce", 171, 171, 1, 2),
                *(ReadProof(f"Zendesk {one}", 4212, 4212, 43, 43) for one in instances),
            ),
            counts=counts,
            changes=tuple(changes),
            holds=tuple(holds),
            approvals=approvals or {},
            planning_only=tuple(planning_only),
            unread=tuple(unread),
            problems=tuple(problems),
            instances=tuple(
                InstanceCounts(one, organizations=4212, types=types or {"open_partner": 112}) for one in instances
            ),
        )
        return replace(plan, digests={batch.name: batch.digest for batch in batches(plan)})

    def run(
        self,
        hour: float = 0,
        changes: Sequence[Change] = (),
        *,
        verdicts: dict[int, str] | None = None,
        written: bool = True,
        hosts: dict[str, str] | None = None,
        run_type: str = "scheduled",
        params: dict[str, Any] | None = None,
        **plan: Any,
    ) -> str:
        """One run whose changes are all confirmed, but for `verdicts`: account number to another verdict.

        `written=False` leaves every batch without a verdict.
        """
        made = self.plan(hour, changes, **plan)
        trigger = self.trigger(hour, run_type=run_type, **(params or {}))
        made = replace(made, run_id=trigger.run_id)
        instances = plan.get("instances", ("global",))
        known = {"salesforce": HOSTS["salesforce"], **dict.fromkeys(instances, HOSTS["global"])}
        record = RunRecord(trigger, {"partner_sync": "0.1.0"}, made, known if hosts is None else hosts)
        self.archive.write_run(record)
        if written and not made.dry_run:
            self.write(made, trigger, verdicts or {})
        return trigger.run_id

    def write(
        self,
        plan: Plan,
        trigger: Trigger,
        verdicts: dict[int, str],
        *,
        only: int | None = None,
        try_number: int = 1,
        settled: str | None = None,
        **line: Any,
    ) -> None:
        """The verdicts of a plan's batches, or of the first `only`, with the values of `line` in each."""
        others = {account(number): verdict for number, verdict in verdicts.items()}
        for batch in batches(plan)[:only]:
            rows = [
                RowVerdict(
                    run_id=plan.run_id,
                    plan_id=plan.id,
                    batch=batch.name,
                    try_number=try_number,
                    at=plan.order.made + timedelta(seconds=4 * (try_number or 9)),
                    instance=one.instance,
                    kind=one.kind,
                    account_id=one.account_id,
                    organization_id=one.organization_id or 3_600_000 + int(one.account_id[5:15]),
                    name=one.name,
                    verdict=others.get(one.account_id, "confirmed"),
                    reason="" if one.account_id not in others else "Zendesk refused it: name",
                    vendor_words="" if one.account_id not in others else "RecordInvalid Name: has already been taken",
                    written=True,
                    job_id=f"V3-{batch.index}",
                    calls=4,
                )
                for one in batch.changes
            ]
            self.archive.write_verdicts(trigger.run_after, [replace(row, **line) for row in rows], settled=settled)

    def read_partners(self, hour: float, *rows: PartnerState, instance: str = "global", again: int = 0) -> None:
        """The partner states of a run; values go with FIELDS."""
        self.archive.write_partner_states(PartnerStates(self.plan(hour, again=again).order, instance, FIELDS, rows))

    def fail(self, hour: float = 0, task: str = "gather_accounts", batch: str | None = None, **values: Any) -> str:
        trigger = self.trigger(hour, **values.get("params", {}))
        failure = Failure(
            trigger=trigger,
            task=task,
            batch=batch,
            try_number=values.get("try_number", 1),
            at=trigger.run_after + timedelta(seconds=values.get("after", 5)),
            error=values.get("error", "ConfigError"),
            message=values.get("message", "The config has an error."),
            words=values.get("words", ""),
            retryable=values.get("retryable", False),
        )
        self.archive.write_failure(failure)
        return trigger.run_id

    def history(self, hour: float = 1, **settings: Any) -> History:
        """Asked at so many hours after NOON; it looks again before every answer."""
        settings = {"fresh_seconds": 0, **settings}
        return History(self.archive.root, self.folder / "index", clock=lambda: NOON + timedelta(hours=hour), **settings)
