"""The archive in object storage: plans, verdicts, the newest plan of each instance, the open-job register.

    runs/<yyyy-mm-dd>/<run id>/run.json                                 the run and its newest plan, without the changes
    runs/<yyyy-mm-dd>/<run id>/<plan id>/plan.json                      the whole plan, where it has changes
    runs/<yyyy-mm-dd>/<run id>/<plan id>/verdicts/<batch>.<try>.jsonl   one flat line per change
    runs/<yyyy-mm-dd>/<run id>/<plan id>/verdicts/<batch>.settled.<token>.jsonl   the same, by a later plan's batch
    runs/<yyyy-mm-dd>/<run id>/<plan id>/events.json                    the batch that emits the plan's asset events
    runs/<yyyy-mm-dd>/<run id>/failures/<task>[.<batch>].<try>.json     why a task ended without its result
    instances/<instance>/latest/<order>.json                            the newest plan
    instances/<instance>/standing/<order>.json                          the state of every partner as last read
    instances/<instance>/open/<plan id>.<batch>.<token>.json            the open-job register, one object per claim
    instances/<instance>/suspects/<plan id>.<batch>.<token>.json        jobs that may be a lost submit
    instances/<instance>/marked/<yyyy-mm-dd>/<plan id>.<batch>.json     organizations marked, and by which decisions
    snapshots/<digest>.json.gz                                          what was read, see `snapshot_store.py`
    alarms/...                                                          messages to the team, see `alerts/log.py`

Each newest plan is an object with its own name. A single object that is read, compared and overwritten could lose the
newer plan when two `compare` tasks end together. Names sort like plans: the last name is the newest plan.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timezone
from urllib.parse import quote

from partner_sync.archive import codec
from partner_sync.archive.memory_records import MarkedOrganizations
from partner_sync.archive.object_store import NEXT_STEP, Root, children, get, put, put_new, read, remove
from partner_sync.archive.records import (
    CandidateJobs,
    EventsClaim,
    Failure,
    OpenJob,
    PartnerStates,
    RowVerdict,
    RunRecord,
)
from partner_sync.model import Plan, PlanOrder

EVENTS_CLAIM = "events.json"
"""The name of an object that only the batches of its plan read."""

log = logging.getLogger(__name__)

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_ORDER = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)_(\d{8}T\d{6}\.\d{6}Z)_([\w~+-]+)\.json", re.ASCII)
"""The name of an object that is named by a plan's order. Sync clients name their conflict copies otherwise."""

REGISTER_STEP = (
    "It keeps what was sent, so nothing is written until it can be read or is gone. Check in Zendesk's job statuses"
    " that no job is queued or working, then move it away."
)


def segment(text: str) -> str:
    """`text` as one name in a path: it cannot lead to another folder."""
    name = quote(text, safe="-_~:+ ").replace(" ", "_")
    return name if name.strip(".") else name.replace(".", "%2E") or "%00"


class Archive:
    """Reads and writes the archive below `root`. Times are UTC; a missing object is None, a foreign one raises."""

    def __init__(self, root: Root) -> None:
        self.root = root

    # -- runs -----------------------------------------------------------------------------------------------

    def run_folder(self, run_id: str, run_after: datetime) -> Root:
        return self.root / "runs" / f"{run_after.astimezone(timezone.utc):%Y-%m-%d}" / segment(run_id)

    def write_run(self, record: RunRecord) -> Root:
        """Writes `run.json`, and `plan.json` if the plan changes or withholds anything. Returns the run's folder."""
        plan, header = record.plan, record.plan.without_rows()
        folder = self.run_folder(record.trigger.run_id, record.trigger.run_after)
        if plan.changes or plan.holds or plan.left or plan.not_restored:
            put(folder / segment(plan.id) / "plan.json", codec.to_json(plan, indent=1))
        put(folder / "run.json", codec.to_json(replace(record, plan=header), indent=1))
        return folder

    def run(self, folder: Root) -> RunRecord | None:
        return get(RunRecord, folder / "run.json")

    def find_run(self, run_id: str) -> Root | None:
        """The folder of a run, by its id alone."""
        folders = (day / segment(run_id) for day in reversed([*children(self.root / "runs")]))
        return next((folder for folder in folders if self.run(folder) is not None), None)

    def plans(self, folder: Root) -> list[Plan]:
        """All plans of a run, the oldest first; a cleared task makes another one."""
        found = (get(Plan, path / "plan.json") for path in children(folder) if not path.name.endswith(".json"))
        return sorted((plan for plan in found if plan is not None), key=lambda plan: plan.order.key)

    def plan(self, folder: Root, plan_id: str) -> Plan | None:
        return get(Plan, folder / segment(plan_id) / "plan.json")

    def write_failure(self, failure: Failure) -> None:
        """Writes why a try of a task ended with an error; the run may have no other record yet."""
        folder = self.run_folder(failure.trigger.run_id, failure.trigger.run_after) / "failures"
        names = [failure.task] if failure.batch is None else [failure.task, segment(failure.batch)]
        put(folder / f"{'.'.join([*names, str(failure.try_number)])}.json", codec.to_json(failure, indent=1))

    def failures(self, folder: Root) -> list[Failure]:
        """Every failure of a run, the oldest first."""
        found = (get(Failure, path) for path in children(folder / "failures"))
        return sorted((failure for failure in found if failure is not None), key=lambda failure: failure.at)

    def write_verdicts(self, run_after: datetime, rows: Iterable[RowVerdict], *, settled: str | None = None) -> None:
        """Writes the verdicts of one batch and try; an earlier try's file stays.

        `settled` is the token of the entry that the batch of a later plan settles.
        """
        lines = list(rows)
        first = lines[0]
        folder = self.run_folder(first.run_id, run_after) / segment(first.plan_id) / "verdicts"
        text = "".join(codec.to_json(line) + "\n" for line in lines)
        by = first.try_number if settled is None else f"settled.{segment(settled)}"
        put(folder / f"{segment(first.batch)}.{by}.jsonl", text)

    def verdicts(self, folder: Root, plan_id: str) -> list[RowVerdict]:
        """The newest verdict of every change of a plan that has one."""
        found = _verdict_files(folder, plan_id)
        return [row for _, paths in sorted(found.items()) for row in _tries(paths)[-1]]

    def tries(self, run_id: str, run_after: datetime, plan_id: str, batch: str) -> list[list[RowVerdict]]:
        """The verdicts of a batch, by try, the newest last. Each try has a line for every change, in its order."""
        found = _verdict_files(self.run_folder(run_id, run_after), plan_id)
        return _tries(found.get(segment(batch), []))

    def batches_with_verdicts(self, folder: Root, plan_id: str) -> int:
        """How many batches of a plan have verdicts of any try."""
        return len(_verdict_files(folder, plan_id))

    def claim_events(self, folder: Root, plan_id: str, batch: str) -> bool:
        """Whether a batch emits the asset events of its plan: the first batch that asks does, in each of its tries."""
        path, claim = folder / segment(plan_id) / EVENTS_CLAIM, EventsClaim(batch)
        return put_new(path, codec.to_json(claim)) or get(EventsClaim, path) == claim

    # -- the newest plan ------------------------------------------------------------------------------------

    def latest(self, instance: str) -> PlanOrder | None:
        """The newest plan that was named for an instance."""
        newest = _newest(self._latest(instance))
        return None if newest is None else newest[1]

    def name_latest(self, instance: str, order: PlanOrder) -> bool:
        """Names a plan the instance's latest, unless a newer plan exists. Returns whether it is the latest now."""
        return put_newest(self._latest(instance), order, codec.to_json(order))

    def newest_objects(self, instance: str) -> list[tuple[Root, PlanOrder]]:
        """The two objects that name the newest plan of an instance, its partner states included, with their plans."""
        found = (_newest(folder) for folder in (self._latest(instance), self._partner_states(instance)))
        return [newest for newest in found if newest is not None]

    def _latest(self, instance: str) -> Root:
        return self.root / "instances" / segment(instance) / "latest"

    # -- partner states ----------------------------------------------------------------------------------------

    def write_partner_states(self, states: PartnerStates) -> None:
        """Writes the partner states of an instance, unless a newer plan has written them."""
        put_newest(self._partner_states(states.instance), states.order, codec.to_json(states))

    def partner_states(self, instance: str) -> PartnerStates | None:
        """The partner states of an instance as last read."""
        newest = _newest(self._partner_states(instance))
        return None if newest is None else get(PartnerStates, newest[0])

    def _partner_states(self, instance: str) -> Root:
        return self.root / "instances" / segment(instance) / "standing"

    # -- marks ------------------------------------------------------------------------------------------------

    def write_marked(self, instance: str, day: date, marked: MarkedOrganizations) -> None:
        """Writes which organizations a batch is about to mark; the same batch writes the same again."""
        folder = self.root / "instances" / segment(instance) / "marked" / f"{day:%Y-%m-%d}"
        put(folder / f"{segment(marked.plan_id)}.{segment(marked.batch)}.json", codec.to_json(marked))

    # -- the open-job register ------------------------------------------------------------------------------

    def open_jobs(self, instance: str) -> list[OpenJob]:
        """All entries of an instance's register, without those that their owner removes meanwhile."""
        return self._open_jobs(instance, "")

    def claims(self, instance: str, plan_id: str, batch: str) -> list[OpenJob]:
        """The entries of one batch, the oldest first."""
        found = self._open_jobs(instance, f"{segment(plan_id)}.{segment(batch)}.")
        return sorted(found, key=lambda entry: (entry.time, entry.token))

    def open_job(self, instance: str, entry: OpenJob) -> OpenJob | None:
        """An entry as it is now."""
        return get(OpenJob, self._open(instance) / _entry(entry), REGISTER_STEP)

    def write_open_job(self, instance: str, entry: OpenJob) -> None:
        put(self._open(instance) / _entry(entry), codec.to_json(entry))

    def remove_open_job(self, instance: str, entry: OpenJob) -> None:
        remove(self._open(instance) / _entry(entry))
        remove(self._candidate_jobs(instance, entry))

    def candidate_jobs(self, instance: str, entry: OpenJob) -> tuple[str, ...] | None:
        """Which jobs the lost submit of an entry may be; None before the first check."""
        found = get(CandidateJobs, self._candidate_jobs(instance, entry), REGISTER_STEP)
        return None if found is None else found.job_ids

    def keep_candidate_jobs(self, instance: str, entry: OpenJob, running: Collection[str]) -> None:
        """Keeps the jobs that run at the first check; those of a later check are not the lost submit."""
        put_new(self._candidate_jobs(instance, entry), codec.to_json(CandidateJobs(tuple(sorted(running)))))

    def _candidate_jobs(self, instance: str, entry: OpenJob) -> Root:
        return self.root / "instances" / segment(instance) / "suspects" / _entry(entry)

    def _open_jobs(self, instance: str, beginning: str) -> list[OpenJob]:
        paths = (path for path in children(self._open(instance)) if path.name.startswith(beginning))
        found = (get(OpenJob, path, REGISTER_STEP) for path in paths)
        return [entry for entry in found if entry is not None]

    def _open(self, instance: str) -> Root:
        return self.root / "instances" / segment(instance) / "open"


def _entry(entry: OpenJob) -> str:
    return f"{segment(entry.order.plan_id)}.{segment(entry.batch)}.{segment(entry.token)}.json"


def _verdict_files(folder: Root, plan_id: str) -> dict[str, list[Root]]:
    """The verdict files of a plan, by the batch as in the file name."""
    found: dict[str, list[Root]] = {}
    for path in children(folder / segment(plan_id) / "verdicts"):
        if path.name.endswith(".jsonl"):
            found.setdefault(path.name.split(".", 1)[0], []).append(path)
    return found


def _tries(paths: Iterable[Root]) -> list[list[RowVerdict]]:
    return sorted((_rows(path) for path in paths), key=lambda rows: max(row.at for row in rows))


def _rows(path: Root) -> list[RowVerdict]:
    lines = read(path).removesuffix("\n").split("\n")  # splitlines() would split at characters that a name may hold
    return [codec.from_json(RowVerdict, line, source=str(path), next_step=NEXT_STEP) for line in lines]


def _name(order: PlanOrder) -> str:
    begun, made = (f"{moment.astimezone(timezone.utc):{_MOMENT}}" for moment in (order.snapshot_begun, order.made))
    return f"{begun}_{made}_{segment(order.plan_id)}.json"


def put_newest(folder: Root, order: PlanOrder, text: str) -> bool:
    """Writes an object under its order and removes older objects. Returns whether it is the newest.

    It is written before older objects are removed, so a concurrent reader always finds the newest.
    """
    put(folder / _name(order), text)
    *older, newest = _ordered(folder)
    for path, _ in older:
        remove(path)
    return newest[1] == order


def _newest(folder: Root) -> tuple[Root, PlanOrder] | None:
    found = _ordered(folder)
    return found[-1] if found else None


def _ordered(folder: Root) -> list[tuple[Root, PlanOrder]]:
    """The objects that are named by the order of a plan, newest last. Reports foreign objects and leaves them."""
    found = []
    for path in children(folder):
        if (order := plan_order(path.name)) is None:
            log.warning("%s is not an object of Partner Sync and is ignored. Move it away.", path)
        else:
            found.append((path, order))
    return found


def plan_order(name: str) -> PlanOrder | None:
    """The order of a plan by the name of its object; None for any other name."""
    match = _ORDER.fullmatch(name)
    try:
        return match and PlanOrder(_moment(match[1]), _moment(match[2]), match[3])
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _MOMENT).replace(tzinfo=timezone.utc)
