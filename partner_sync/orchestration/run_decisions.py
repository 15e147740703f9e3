"""What the person who started a run decides by its params, and whether the run ends planning only.

Decisions are recorded before anything is read, so they survive a run that fails later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Armed, Decision, HoldRecord, HoldRow, Withdrawal, WrittenField
from partner_sync.archive.records import RunRecord, Trigger
from partner_sync.compare.change_keys import decision_id
from partner_sync.compare.written_fields import WrittenFields
from partner_sync.config.params import HoldPart, NamedProblem, Options, RunPart
from partner_sync.errors import ConfigError, Finding
from partner_sync.model import Does

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.config.load import Config

log = logging.getLogger(__name__)

MANUAL = "manual"
"""Airflow's type of a run that a person started."""
RESTORE_LASTS = timedelta(days=30)
COPY_HOLD = "Copy the id from the page or from the failed task withheld."
COPY_DECISION = "Copy the id from the page, or from python -m partner_sync.decisions."


@dataclass(frozen=True)
class RunDecisions:
    """What a run decides: new decisions, and withdrawals as instance, id and who withdraws."""

    decisions: tuple[Decision, ...] = ()
    withdrawals: tuple[tuple[str, str, Withdrawal], ...] = ()


NOTHING_DECIDED = RunDecisions()


def record(archive: Archive, config: Config, options: Options, trigger: Trigger, note: str) -> None:
    """Records the decisions of a run; without any, a run that may write arms the instances.

    :raises ConfigError: if the run or its user may not decide, or an id is unknown
    """
    if options.deciding:
        found = decided(archive, config, options, trigger, note)
        if not options.dry_run:
            _record(archive, found)
    elif trigger.run_type == MANUAL and not options.dry_run:
        for name in [instance.name for instance in config.instances if instance.write]:
            if InstanceMemory(archive.root, name).arm(
                Armed(name, trigger.triggered_by, trigger.run_after, trigger.run_id)
            ):
                log.info("%s is armed: from now on scheduled runs write", name)


def _record(archive: Archive, found: RunDecisions) -> None:
    for one in found.decisions:
        Decisions(archive.root, one.instance).record(one)
        log.info("decision %s in %s by %s: %s %d rows", one.id, one.instance, one.by, one.does, len(one.rows))
    for instance, decision, withdrawal in found.withdrawals:
        Decisions(archive.root, instance).withdraw(decision, withdrawal)
        log.info("decision %s in %s withdrawn by %s", decision, instance, withdrawal.by)


def decided(archive: Archive, config: Config, options: Options, trigger: Trigger, note: str) -> RunDecisions:
    """What the params of a run decide.

    :raises ConfigError: if the run or its user may not decide, or an id is unknown
    """
    making = _Making(archive, config, trigger, note, list(_refusals(config, options, trigger)))
    allowed = making.of_holds("allow", options.approve)
    left = making.of_holds("leave", [one for one in options.leave if isinstance(one, HoldPart)])
    both = {key for one in allowed for key in one.keys} & {key for one in left for key in one.keys}
    if both:
        wrong = f"names {len(both)} changes that approve names as well"
        making.findings.append(Finding("leave", wrong, "Approve a row or leave it, not both."))
    problems = list(making.of_problems([one for one in options.leave if isinstance(one, NamedProblem)]))
    undone = [decision for part in options.undo for decision in making.of_run(part)]
    withdrawals = tuple(making.withdrawals(options.withdraw))
    if making.findings:
        raise ConfigError("The run's conf", making.findings)
    return RunDecisions((*allowed, *left, *problems, *undone), withdrawals)


def _refusals(config: Config, options: Options, trigger: Trigger) -> Iterator[Finding]:
    """Why nobody, or not this user, may decide by this run."""
    by, may = trigger.triggered_by, config.approvals.by
    for param in options.deciding:
        if trigger.run_type != MANUAL or not by:
            wrong = f"is set in a run of type {trigger.run_type}{'' if by else ' without a user'}"
            yield Finding(param, wrong, "A person decides: trigger a run by hand.")
        elif may and by not in may:
            wrong = f"is set by {by}, who is not in approvals.by of the config"
            yield Finding(param, wrong, f"One of {', '.join(may)} may decide.")


@dataclass
class _Making:
    """Makes the decisions of one run, and collects what is wrong."""

    archive: Archive
    config: Config
    trigger: Trigger
    note: str
    findings: list[Finding] = field(default_factory=list)

    # -- approve and leave ------------------------------------------------------------------------------------

    def of_holds(self, does: Does, parts: Sequence[HoldPart]) -> list[Decision]:
        """A decision for each hold, about all rows of it that the parts name."""
        rows: dict[str, dict[tuple[str, ...], HoldRow]] = {}
        holds: dict[str, HoldRecord] = {}
        for part in parts:
            hold = self._hold(part.hold)
            found = [row for row in hold.rows if part.account_id in (None, row.account_id)] if hold else []
            if hold is None or not found:
                wrong = "is not a hold of this config's instances" if hold is None else "has no row of this account"
                self.findings.append(Finding(str(part), wrong, COPY_HOLD))
                continue
            holds[hold.id] = hold
            rows.setdefault(hold.id, {}).update((row.keys, row) for row in found)
        return [self._of_hold(does, holds[of], tuple(named.values())) for of, named in rows.items()]

    def _of_hold(self, does: Does, hold: HoldRecord, rows: tuple[HoldRow, ...]) -> Decision:
        lasts = self.config.approvals.lasts if does == "allow" else None
        param = "approve" if does == "allow" else "leave"
        return self._decision(
            does,
            f"{param} {hold.id}",
            hold.instance,
            rows,
            lasts=lasts,
            hold=hold.id,
            kind=hold.kind,
            reason=hold.reason,
        )

    def _hold(self, hold_id: str) -> HoldRecord | None:
        """The hold in the one instance that has it: an id follows from rows, and every row names its instance."""
        for instance in self.config.instances:
            found = InstanceMemory(self.archive.root, instance.name).hold(hold_id) if instance.write else None
            if found is not None:
                return found
        return None

    def of_problems(self, named: Sequence[NamedProblem]) -> Iterator[Decision]:
        """A leave for each problem of the newest complete runs."""
        if not named:
            return
        known = {one.id: one for run in self._newest_runs() for one in run.plan.problems}
        of_salesforce = next((one.name for one in self.config.instances if one.write), self.config.instances[0].name)
        for one in named:
            found = known.get(one.problem)
            if found is None:
                wrong = "is not a problem of the last complete run"
                self.findings.append(Finding(str(one), wrong, "Copy the id from the page. It may be solved by now."))
            else:
                instance = found.instance or of_salesforce
                yield self._decision("leave", f"leave {one}", instance, (), problem=one.problem)

    def _newest_runs(self) -> Iterator[RunRecord]:
        for instance in self.config.instances:
            memory = InstanceMemory(self.archive.root, instance.name).newest()
            run = memory and self.archive.run(self.archive.run_folder(memory.run_id, memory.run_after))
            if run:
                yield run

    # -- undo -------------------------------------------------------------------------------------------------

    def of_run(self, part: RunPart) -> Iterator[Decision]:
        """A restore for each instance in which a run wrote."""
        folder = self.archive.find_run(part.run_id)
        if folder is None:
            wrong = "is not a run in the archive"
            self.findings.append(Finding(str(part), wrong, "Copy the id of a run from the page. Old runs are deleted."))
            return
        written = WrittenFields.of(
            (plan, self.archive.verdicts(folder, plan.id)) for plan in self.archive.plans(folder)
        )
        instances = {one.name for one in self.config.instances if one.write}
        fields = {
            instance: [one for one in several if part.account_id in (None, one.account_id)]
            for instance, several in written.fields.items()
            if instance in instances
        }
        if refusal := self._not_undone(part, instances, fields, written.restores):
            self.findings.append(Finding(str(part), *refusal))
            return
        for instance, several in fields.items():
            if several:
                rows = tuple(_rows(several))
                yield self._decision(
                    "restore",
                    f"undo {part}",
                    instance,
                    rows,
                    lasts=RESTORE_LASTS,
                    undoes=part.run_id,
                    fields=tuple(several),
                )

    def _not_undone(
        self, part: RunPart, names: set[str], fields: dict[str, list[WrittenField]], restores: Sequence[str]
    ) -> tuple[str, str] | None:
        """Why a run cannot be undone, and what to do."""
        entries = (entry for name in names for entry in self.archive.open_jobs(name))
        if any(entry.run_id == part.run_id and not entry.settled for entry in entries):
            return "is still writing", "Undo it when it has ended."
        if any(fields.values()):
            return None
        if restores:
            return "wrote what another run had undone", f"Withdraw that decision: {', '.join(restores)}."
        whose = " for this account" if part.account_id else ""
        return f"wrote nothing{whose} that can be undone", "Updates and marks can be undone, creates cannot."

    # -- withdraw ---------------------------------------------------------------------------------------------

    def withdrawals(self, ids: Sequence[str]) -> Iterator[tuple[str, str, Withdrawal]]:
        withdrawal = Withdrawal(self.trigger.triggered_by or "", self.trigger.run_after, self.trigger.run_id, self.note)
        for one in ids:
            instance = next((each.name for each in self.config.instances if self._has(each.name, one)), None)
            if instance is None:
                wrong = "is not a decision of this config's instances"
                self.findings.append(Finding(f"Withdrawal {one}", wrong, COPY_DECISION))
            else:
                yield instance, one, withdrawal

    def _has(self, instance: str, decision: str) -> bool:
        """Whether an instance has a decision, or a row that rests; a cleared run may have released it already."""
        decisions, memory = Decisions(self.archive.root, instance), InstanceMemory(self.archive.root, instance).newest()
        if decisions.find(decision) is not None:
            return True
        if memory and any(streak.row == decision for streak in memory.streaks):
            return True
        withdrawn = decisions.withdrawal(decision)
        return withdrawn is not None and withdrawn.run_id == self.trigger.run_id

    def _decision(
        self,
        does: Does,
        param: str,
        instance: str,
        rows: tuple[HoldRow, ...],
        *,
        lasts: timedelta | None = None,
        **about: Any,
    ) -> Decision:
        trigger = self.trigger
        keys = [key for row in rows for key in row.keys]
        return Decision(
            id=decision_id(trigger.run_id, param, keys),
            does=does,
            instance=instance,
            rows=rows,
            by=trigger.triggered_by or "",
            run_id=trigger.run_id,
            note=self.note,
            at=trigger.run_after,
            until=None if lasts is None else trigger.run_after + lasts,
            **about,
        )


def _rows(written: Sequence[WrittenField]) -> Iterator[HoldRow]:
    keys: dict[tuple[str, int], list[str]] = {}
    for one in written:
        keys.setdefault((one.account_id, one.organization_id), []).append(one.key)
    for (account_id, organization_id), several in keys.items():
        yield HoldRow(account_id, organization_id, tuple(sorted(several)))
