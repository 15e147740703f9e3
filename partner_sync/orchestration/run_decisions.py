"""Decisions of a run: who approves which hold, and whether this run ends planning only.

They are recorded before anything is read, so they survive a run that fails later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from partner_sync.archive.decisions import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Armed, Decision, HoldRecord
from partner_sync.archive.records import Trigger
from partner_sync.compare.change_keys import decision_id
from partner_sync.config.params import Approval, Options
from partner_sync.errors import ConfigError, Finding

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.config.load import Config

log = logging.getLogger(__name__)

MANUAL = "manual"
"""Airflow's type of a run that a person started."""


def record(archive: Archive, config: Config, options: Options, trigger: Trigger, note: str) -> None:
    """Records the approvals of a run; without any, a run that may write arms the instances.

    :raises ConfigError: if the run or its user may not decide, or a hold is unknown
    """
    written = [instance.name for instance in config.instances if instance.write]
    if options.approve:
        found = decisions(archive, config, options, trigger, note)
        for one in found if not options.dry_run else ():
            Decisions(archive.root, one.instance).record(one)
            log.info("%s approves hold %s in %s: %d changes", one.by, one.hold, one.instance, len(one.keys))
    elif trigger.run_type == MANUAL and not options.dry_run:
        for name in written:
            if InstanceMemory(archive.root, name).arm(
                Armed(name, trigger.triggered_by, trigger.run_after, trigger.run_id)
            ):
                log.info("%s is armed: from now on scheduled runs write", name)


def decisions(archive: Archive, config: Config, options: Options, trigger: Trigger, note: str) -> tuple[Decision, ...]:
    """The decisions that the params of a run make.

    :raises ConfigError: if the run or its user may not decide, or a hold is unknown
    """
    findings: list[Finding] = []
    by = trigger.triggered_by or ""
    if options.approve and (trigger.run_type != MANUAL or not by):
        wrong = f"is set in a run of type {trigger.run_type}{'' if by else ' without a user'}"
        findings.append(Finding("approve", wrong, "A person decides: trigger a run by hand."))
    elif options.approve and config.approvals.by and by not in config.approvals.by:
        wrong = f"is set by {by}, who is not in approvals.by of the config"
        findings.append(Finding("approve", wrong, f"One of {', '.join(config.approvals.by)} may approve."))
    found = []
    for approval in options.approve:
        hold = _hold(archive, config, approval)
        keys = list(_keys(hold, approval)) if hold else []
        if hold is None or not keys:
            wrong = "is not a hold of this config's instances" if hold is None else "has no row of this account"
            findings.append(
                Finding(str(approval), wrong, "Copy the id from the page or from the failed task withheld.")
            )
            continue
        found.append(_decision(config, hold, keys, approval, trigger, by, note))
    if findings:
        raise ConfigError("The run's conf", findings)
    return tuple(found)


def _decision(
    config: Config, hold: HoldRecord, keys: Sequence[str], approval: Approval, trigger: Trigger, by: str, note: str
) -> Decision:
    return Decision(
        id=decision_id(trigger.run_id, f"approve {approval}", keys),
        does="allow",
        instance=hold.instance,
        hold=hold.id,
        reason=hold.reason,
        keys=tuple(keys),
        by=by,
        run_id=trigger.run_id,
        note=note,
        at=trigger.run_after,
        until=trigger.run_after + timedelta(hours=config.approvals.hours),
    )


def _hold(archive: Archive, config: Config, approval: Approval) -> HoldRecord | None:
    """The hold in the one instance that has it: an id follows from rows, and every row names its instance."""
    for instance in config.instances:
        if instance.write and (found := InstanceMemory(archive.root, instance.name).hold(approval.hold)) is not None:
            return found
    return None


def _keys(hold: HoldRecord, approval: Approval) -> Iterator[str]:
    for row in hold.rows:
        if approval.account_id in (None, row.account_id):
            yield from row.keys
