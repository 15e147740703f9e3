"""One schedule: a small world in which, at every tick of a logical clock, one of many things happens.

Salesforce changes, a person edits an organization, decides or withdraws, a run reads or compares, a process of a batch
takes its next step, Zendesk works on a job, a process is killed or cut off, the archive is emptied or replaced by an
older copy. Then all faults stop: every process must end, and fresh plans must reach the desired state.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from tests.protocol.judge import Judge
from tests.protocol.people import People
from tests.protocol.process import Process, Settler
from tests.protocol.records import Archive, Batch, Change, Decision, Job, Plan, Verdicts
from tests.protocol.rules import GONE, VALID, Rules
from tests.protocol.runs import Decisions, Run, difference
from tests.protocol.workers import Workers
from tests.protocol.zendesk import Zendesk

STEPS, LOST_LONGER, CALM_STEPS = 500, 200, 2500


class World(People, Workers):
    """`valid`: ticks that an approval is in force. `reverted`: how many of the last decisions a person may set back.

    `printed` gets a line for everything that happens.
    """

    def __init__(
        self,
        seed: int,
        rules: Rules,
        *,
        valid: int = VALID,
        reverted: int = 4,
        printed: Callable[..., None] | None = None,
    ) -> None:
        People.__init__(self)
        Workers.__init__(self)
        self.random, self.rules, self.printed = random.Random(seed), rules, printed
        self.valid, self.reverted = valid, reverted
        self.time, self.calm, self.ids, self.named_at = 0, False, 0, -9
        self.people = self.random.choice([1, 1, 2])
        self.limit = self.random.choice([1, 2])
        self.judge = Judge(rules, self.people, self.limit, self.say)
        busy, loses = self.random.choice([0.05, 0.1, 0.3]), self.random.choice([0.1, 0.4])
        self.zendesk = Zendesk(self.random, self.judge, busy, loses)
        self.archive, self.wrong_archive = Archive(), Archive()
        self.copies: list[Archive] = []
        self.runs: list[Run] = []
        self.past_runs: list[Run] = []
        self.batches: list[Batch] = []
        self.archive_faults = self.random.random() < 0.3
        self.overlapping = self.random.choice([0.003, 0.03, 0.1])
        """How often a run starts although another one is under way."""
        self.narrow = self.random.random() < 0.4
        self.acts = self._acts()

    def _acts(self) -> list[Callable[[], None]]:
        chance = self.random
        acts = [self.change] * chance.choice([2, 5]) + [self.start_run] + [self.step_run] * chance.choice([2, 5, 9])
        acts += [self.step_process] * chance.choice([25, 60]) + [self.zendesk.work] * chance.choice([12, 30])
        acts += [self.kill, self.clear, self.compare_again, self.withdraw]
        acts += [self.let_time_pass] + [self.approve] * chance.choice([2, 5]) + [self.undo] * chance.choice([0, 2, 8])
        if chance.random() < 0.6:
            acts += [self.edit] * chance.choice([2, 5])
        if chance.random() < 0.6:
            acts += [self.cut_off] * chance.choice([2, 8])
        if self.archive_faults:
            acts += [self.lose_archive]
        if chance.random() < 0.1:
            acts += [self.put_foreign_name]
        return acts

    def run(self) -> Judge:
        for _ in range(STEPS):
            self._tick(1)
            self.random.choice(self.acts)()
        self.calm = True
        self.say("all faults stop, but that responses are lost a while longer")
        self._finish()
        if self.processes:
            self.judge.bad("never ends")
        elif not self._reached():
            self.judge.bad("desired state not reached")
        elif self._left():
            self.judge.bad("never reported")
        self.judge.ended(self.decided, self.batches)
        return self.judge

    def _finish(self) -> None:
        fresh = 0
        for step in range(CALM_STEPS):
            self._tick(1)
            self.zendesk.calm = step >= LOST_LONGER
            if not self.runs and not self.processes and not self.zendesk.busy_with_ours():
                if (fresh and self._reached() and not self._left()) or fresh > 6:
                    return
                fresh += 1
                self._approve_all()
                self.runs.append(Run())
            self.random.choice([self.step_run, self.zendesk.work])()
            for process in [process for process in self.processes if process.wake <= self.time]:
                self.step(process)

    def _differences(self) -> list[tuple[Change, dict[int, Decision]]]:
        found = []
        restores = self.decisions().restores()
        for row, (wanted, now) in enumerate(zip(self.accounts, self.zendesk.organizations, strict=True)):
            if now is None:
                found.append((Change(row, True, tuple((at, None, value) for at, value in enumerate(wanted))), {}))
            else:
                found.append(difference(row, wanted, now, [one for one in restores if one.row == row]))
        return found

    def _reached(self) -> bool:
        return not any(change.fields for change, _ in self._differences())

    def _approve_all(self) -> None:
        for change, restored in self._differences():
            if any(at == 0 and after == 2 and at not in restored for at, _, after in change.fields):
                for user in range(self.people):
                    self.decide("allow", change, user)

    def decisions(self) -> Decisions:
        return Decisions(self.archive, self.rules, self.people, self.time)

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def say(self, *words: object) -> None:
        if self.printed:
            self.printed(" ".join([f"{self.time:5}", *map(str, words)]))

    def _tick(self, by: int) -> None:
        self.time += by
        self.judge.time = self.time
        self.zendesk.tick(self.time)

    def let_time_pass(self) -> None:
        self._tick(self.random.randrange(4, 30))

    # -- the archive ---------------------------------------------------------------------------------------------

    def lose_archive(self) -> None:
        """A copy is made, or the folder is emptied or replaced by an older copy."""
        draw = self.random.random()
        if draw < 0.6:
            self.copies = [*self.copies, Archive(self.archive)][-3:]
            self.wrong_archive = self.random.choice([*self.copies, Archive()])
            return
        new = self.random.choice(self.copies) if self.copies and draw < 0.85 else Archive()
        self.judge.lost(self.archive, new, self.decided)
        self.archive.load(new)
        self.say("the archive is", "replaced by an older copy" if new.latest or new.claims else "emptied")

    def put_foreign_name(self) -> None:
        self.archive.foreign_names += 1

    def list_latest(self, archive: Archive, looks: int) -> Plan | str | None:
        """The newest plan named. A list can miss names while one is being replaced, but not three times in a row."""
        if archive.foreign_names and not self.rules.foreign_names_ignored:
            return "foreign"
        if self.time - self.named_at <= 3 and looks < 2 and self.random.random() < 0.5:
            return None
        return archive.newest()

    # -- runs ----------------------------------------------------------------------------------------------------

    def start_run(self) -> None:
        if self.calm:
            return
        overlaps = self.random.random() < self.overlapping
        if len(self.runs) < 1 + overlaps and len(self.processes) < 1 + 5 * overlaps:
            self.runs.append(Run(dry=self.random.random() < 0.12))

    def compare_again(self) -> None:
        if self.past_runs and len(self.runs) < 3 and self.random.random() < 0.3:
            past = self.random.choice(self.past_runs)
            self.runs.append(replace(past, step="compare"))

    def step_run(self) -> None:
        awake = [run for run in self.runs if run.wake <= self.time]
        if not awake:
            self.start_run()
            return
        run = self.random.choice(awake)
        pauses = [0, 0, 60, 140] if run.step == "read_accounts" else [0, 0, 0, 0, 20]
        run.wake = self.time + self.random.choice(pauses) * (not self.calm)
        if run.step == "read_accounts":
            run.begun, run.accounts = self.time, [list(values) for values in self.accounts]
            run.step = "read_organizations"
        elif run.step == "read_organizations":
            run.organizations = [values and list(values) for values in self.zendesk.organizations]
            run.step = "compare"
        elif run.step == "compare":
            plan = run.compare(self.next_id(), self.decisions())
            self.held += run.held
            self.say(f"plan {plan.id} {plan.rank}: {list(plan.changes.values())}", "dry" * run.dry)
            run.step = "name" if self.rules.name_per_plan else "look_at_latest"
        elif run.step == "look_at_latest":
            run.seen, run.step = self.archive.newest(), "name"
        else:
            self.runs.remove(run)
            self.past_runs = [*self.past_runs, run][-3:]
            if not run.dry:
                self._name(run)

    def _name(self, run: Run) -> None:
        plan = run.plan
        run.name(self.archive, self.rules, self.judge)
        self.named_at = self.time
        self.say(f"plan {plan.id} named")
        updates = [row for row, change in plan.changes.items() if not change.create]
        creates = [row for row, change in plan.changes.items() if change.create]
        cut = 1 if self.random.random() < 0.5 else 2
        for kind, rows in (("update", updates[:cut]), ("update", updates[cut:]), ("create", creates)):
            if rows:
                self.batches.append(Batch(plan, kind, rows))
                self.start_process(self.batches[-1])
        if not plan.changes and self.rules.compare_settles and self._left():
            settler = Settler(self, Batch(plan, "none", []), self.archive, self.next_id(), self.time, "find")
            self.processes.append(settler)

    def _left(self) -> list[Batch]:
        """Batches with an open announcement that is so old that its process can no longer submit."""
        claims = (claim for claim in self.archive.claims.values() if claim.announced)
        return [claim.batch for claim in claims if self.named_at - claim.intended > GONE]

    # -- what processes do outside -------------------------------------------------------------------------------

    def report(self, batch: Batch, verdicts: Verdicts) -> None:
        batch.verdicts.append(verdicts)
        self.say(f"      verdicts by {verdicts.by}: {verdicts.rows}")

    def submit(self, process: Process, job: Job) -> str:
        if self.zendesk.refuses():
            self.say("      refused: 429, TooManyJobs or no connection")
            return "refused"
        self.judge.submitted(job, process.claimed, process.archive, self.archive, process.looked_at, process.saw_plan)
        answer = self.zendesk.submit(job)
        self.say("      submit", answer)
        return answer
