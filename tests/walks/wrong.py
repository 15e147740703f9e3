"""Variants of the protocol that are known to be wrong, got in from outside: what each of them forgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from partner_sync.config.params import Options
from tests.walks.walk import Walk


class Besides:
    """A real object; a subclass puts something else in the place of some of its methods."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _OldReads(Besides):
    """Shows what the last listing showed, until a job is looked at: what is read back is true."""

    def __init__(self, real: Any) -> None:
        super().__init__(real)
        self.listed: dict[int, Any] = {}
        self.old = False

    def pages(self) -> Any:
        for page in self.real.pages():
            self.listed |= {row["id"]: row for row in page}
            yield page

    def job(self, job_id: str) -> Any:
        self.old = False
        return self.real.job(job_id)

    def show_many(self, *, ids: Any = None, external_ids: Any = None) -> Any:
        if not self.old:
            return self.real.show_many(ids=ids, external_ids=external_ids)
        return [self.listed[number] for number in ids or () if number in self.listed]


class _Claims(Besides):
    """Tells `reads` when a batch is about to read again."""

    reads: Any = None

    def latest(self, instance: str) -> Any:
        self.reads.old = True
        return self.real.latest(instance)


class _OwnEntryOnly(Besides):
    """Lists no entry of the register but the one that was written last, by whoever asks."""

    last: Any = None

    def write_open_job(self, instance: str, entry: Any) -> None:
        self.last = entry
        self.real.write_open_job(instance, entry)

    def open_jobs(self, instance: str) -> Any:
        return [self.last] if self.last else []


class _NoJobs(Besides):
    """Keeps no word of a submit."""

    def write_open_job(self, instance: str, entry: Any) -> None:
        if entry.intended is None:
            self.real.write_open_job(instance, entry)


class Crowd(Walk):
    """The steps in which the rules that are left out here matter, so that few walks are enough."""

    person_changes_what_there_is = worker_is_gone_for_good = time_passes = None
    fault_strikes_a_call = fault_strikes_a_job = None
    accounts_vanish = account_returns = tickets_change = another_deployment_runs = None
    person_approves = person_leaves = person_undoes = person_withdraws = whole_run_is_made = None
    archive_is_copied = archive_is_lost = None


class ReadsNothingAgain(Crowd):
    account_changes = worker_dies_before_a_call = None

    def altered(self) -> None:
        self.stage.zendesk, self.stage.archive = _OldReads(self.stage.zendesk), _Claims(self.stage.archive)
        self.stage.archive.reads = self.stage.zendesk


class IgnoresTheRegister(Crowd):
    def altered(self) -> None:
        self.stage.archive = _OwnEntryOnly(self.stage.archive)


class ForgetsItsJobs(Crowd):
    def altered(self) -> None:
        self.stage.archive = _NoJobs(self.stage.archive)


class ForgetsWhatPeopleUndid(Walk):
    """Every undo is gone as soon as it is recorded."""

    def altered(self) -> None:
        decide, archive = self.stage.decide, self.stage.archive.root / "instances" / "global" / "decisions"

        def forgotten(asked: Options, by: str = "ann") -> None:
            decide(asked, by)
            for path in archive.glob("*.json") if asked.undo else ():
                path.unlink()

        self.stage.decide = forgotten


class WritesWhatPeopleLeft(Walk):
    """Every leave is gone as soon as it is recorded, and what it left is approved."""

    def altered(self) -> None:
        decide = self.stage.decide

        def approved(asked: Options, by: str = "ann") -> None:
            decide(replace(asked, approve=asked.leave, leave=()) if asked.leave else asked, by)

        self.stage.decide = approved
