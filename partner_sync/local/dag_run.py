"""Executes one run of the real DAG in this process and tells what happens, as events.

    python -m partner_sync.local.dag_run EVENTS CONF

EVENTS is the number of an open file descriptor that gets the events, CONF the conf as JSON. Airflow's settings are in
the environment, its output and ours goes to the run's log file. Ends with standard input, so never later than `run`;
whatever is written there asks it to end where nothing is half written.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime, timezone
from typing import IO, Any

from partner_sync.errors import PartnerSyncError
from partner_sync.local import events
from partner_sync.local.environment import DAG_ID


class Reporter(logging.Handler):
    """Hands what our loggers say and what becomes of tasks to the other side."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(logging.INFO)
        self._stream = stream
        self._writing = threading.Lock()

    def tell(self, event: events.Event) -> None:
        with self._writing:
            events.write(self._stream, event)

    def emit(self, record: logging.LogRecord) -> None:
        self.tell(events.Said(record.levelname, record.getMessage()))


class Work:
    """What this process is at, so that it can end between two batches. `leave` ends it."""

    def __init__(self, leave: Callable[[], object]) -> None:
        self._leave = leave
        self._changing = threading.Lock()
        self._writing = self._asked = False

    def begin(self, task: str) -> None:
        with self._changing:
            if self._asked:
                self._leave()
            self._writing = task == "sync"

    def end(self) -> None:
        with self._changing:
            self._writing = False
            if self._asked:
                self._leave()

    def ask_to_leave(self) -> None:
        """Leaves now, or at the end of a batch: one that is cut off holds up the next run for minutes."""
        with self._changing:
            self._asked = True
            if not self._writing:
                self._leave()


def execute(conf: Mapping[str, Any], reporter: Reporter, work: Work) -> bool:
    """One run of the DAG with `conf`. Tells whether it succeeded."""
    reporter.tell(events.Phase("starting Airflow"))
    from airflow.dag_processing.dagbag import DagBag

    from partner_sync.local import database
    from partner_sync.orchestration.retry_policy import ForegroundRetryPolicy

    database.prepare()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    dag = bag.dags.get(DAG_ID)
    why = _broken(bag.import_errors) if dag is None else _wrong_conf(dag, conf)
    if why:
        reporter.tell(events.Refused(why))
        return False
    _listen(reporter, work)
    dag.deadline = None  # dag.test() cannot end a run of a DAG that has one (apache/airflow#73428)
    for task in dag.tasks:
        task.retry_policy = ForegroundRetryPolicy()
    reporter.tell(events.Phase("starting the DAG run"))
    run = dag.test(logical_date=datetime.now(timezone.utc), run_conf=dict(conf))
    tasks = tuple((ti.task_id, ti.rendered_map_index or "", str(ti.state or "")) for ti in run.get_task_instances())
    state = str(run.state.value)
    reporter.tell(events.Ended(state, run.run_id, run.run_after.isoformat(), tasks))
    return state == "success"


def _broken(import_errors: Mapping[str, str]) -> str:
    if not import_errors:
        return f"The folder of DAGs has none named {DAG_ID}."
    path, trace = next(iter(import_errors.items()))
    return f"{path} does not load: {trace.strip().splitlines()[-1]}"


def _wrong_conf(dag: Any, conf: Mapping[str, Any]) -> str:
    """What is wrong with the conf, in one line; empty if nothing is."""
    from airflow.sdk.exceptions import ParamValidationError

    unknown = sorted(set(conf) - set(dag.params))
    if unknown:
        return f"CONF has {', '.join(map(repr, unknown))}; the DAG takes {', '.join(sorted(dag.params))}."
    for name, value in conf.items():
        try:
            copy(dag.params.get_param(name)).resolve(value)
        except ParamValidationError as error:
            return f"CONF has a wrong {name}: {str(error).splitlines()[0]}"
    return ""


def _listen(reporter: Reporter, work: Work) -> None:
    """Airflow tells its listeners, in this process, what becomes of each task."""
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager

    def tell(task_instance: Any, state: str, error: object = None) -> None:
        label = str(getattr(task_instance, "rendered_map_index", None) or "")
        reporter.tell(events.TaskChanged(task_instance.task_id, label, state, _words(error)))

    class Listener:
        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_running(self, task_instance: Any) -> None:
            gc.enable()
            tell(task_instance, "running")
            work.begin(task_instance.task_id)

        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_success(self, task_instance: Any) -> None:
            tell(task_instance, "success")
            work.end()

        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_failed(self, task_instance: Any, error: object) -> None:
            tell(task_instance, str(getattr(task_instance.state, "value", "failed")), error)
            work.end()

    get_listener_manager().add_listener(Listener())


def _words(error: object) -> str:
    """Our own errors say cause and next step; of a foreign one the class is half of what it says."""
    if error is None:
        return ""
    return str(error) if isinstance(error, PartnerSyncError | str) else f"{type(error).__name__}: {error}"


def _leave() -> None:
    os._exit(1)


def _end_with_stdin(work: Work) -> None:
    while os.read(0, 4096):
        work.ask_to_leave()
    _leave()


def main(descriptor: str, conf: str) -> int:
    gc.disable()  # until the first task: a fifth of what Airflow's start takes goes into looking for garbage, in vain
    work = Work(_leave)
    threading.Thread(target=_end_with_stdin, args=(work,), daemon=True).start()
    stream = os.fdopen(int(descriptor), "w", encoding="utf-8")  # open until we end: its end is taken for ours
    reporter = Reporter(stream)
    ours = logging.getLogger("partner_sync")
    ours.setLevel(logging.INFO)
    ours.addHandler(reporter)
    return 0 if execute(json.loads(conf), reporter, work) else 1


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Airflow's threads take seconds to wind up, and nothing is left to be saved
