"""The processes of all batches: started, killed, cut off, ended by their execution timeout, cleared."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.protocol.judge import Judge
from tests.protocol.process import Process, Settler
from tests.protocol.records import Archive, Batch, Decision
from tests.protocol.rules import GONE


class Workers:
    """What Airflow and its workers do."""

    random: random.Random
    judge: Judge
    archive: Archive
    wrong_archive: Archive
    archive_faults: bool
    batches: list[Batch]
    decided: list[Decision]
    time: int
    calm: bool
    say: Callable[..., None]
    next_id: Callable[[], int]
    step_run: Callable[[], None]

    def __init__(self) -> None:
        self.processes: list[Process] = []

    def start_process(self, batch: Batch) -> None:
        """Rarely one with a wrong archive, for example by a variable that only its worker has."""
        wrong = self.archive_faults and not self.calm and self.random.random() < 0.04
        if wrong:
            self.judge.lost_batches.add(batch)
            self.judge.lost_row(self.decided, set(batch.rows))
        archive = self.wrong_archive if wrong else self.archive
        self.processes.append(Process(self, batch, archive, self.next_id(), self.time))

    def step_process(self) -> None:
        awake = [process for process in self.processes if process.wake <= self.time]
        if awake:
            self.step(self.random.choice(awake))
        else:
            self.step_run()

    def step(self, process: Process) -> None:
        self.say(process, process.step)
        if not process.cut_off and self.time - process.began > GONE and process.step != "start":
            self.say("      ended by its execution timeout")
            self._restart(process)
            return
        getattr(process, process.step)()

    def kill(self) -> None:
        if self.processes:
            process = self.random.choice(self.processes)
            self.say(process, "KILLED at", process.step)
            if process.cut_off or self.random.random() >= 0.75:
                self.end(process)
            else:
                self._restart(process)

    def _restart(self, process: Process) -> None:
        """A try of a batch; what `compare` began, its next run begins again."""
        self.processes.remove(process)
        if not isinstance(process, Settler):
            self.start_process(process.batch)

    def cut_off(self) -> None:
        """Airflow takes a process for dead and starts another one; the first is only paused."""
        live = [one for one in self.processes if not one.cut_off and one.step not in ("start", "follow", "find")]
        if self.random.random() < 0.8:
            live = [process for process in live if process.write]
        if live and sum(process.cut_off for process in self.processes) < 2:
            process = self.random.choice(live)
            process.cut_off, process.wake = True, self.time + self.random.choice([0, 5, 30, 80, 120, 200])
            self.say(process, "CUT OFF at", process.step)
            self.start_process(process.batch)

    def clear(self) -> None:
        done = [batch for batch in self.batches if batch.done]
        if done and self.random.random() < 0.5:
            batch = self.random.choice(done[-4:])
            batch.done = False
            self.start_process(batch)

    def end(self, process: Process) -> None:
        self.processes.remove(process)
        if not process.cut_off:
            process.batch.done = True
