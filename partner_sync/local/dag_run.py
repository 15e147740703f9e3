"""Executes one run of the real DAG in this process and reports its events.

    python -m partner_sync.local.dag_run EVENTS CONF

EVENTS is the number of an open file descriptor for the events, CONF the conf as JSON. Airflow's settings are in the
environment. All output goes to the log file of the run; the log of each task also goes where Airflow reads task logs.
The process ends when its standard input closes. A line on standard input asks it to end between two batches.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import IO, Any

from partner_sync.errors import PartnerSyncError
from partner_sync.local import events
from partner_sync.orchestration.locations import DAG_ID


class EventLog(logging.Handler):
    """Sends log lines and other events to `make run`."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(logging.INFO)
        self._stream = stream
        self._writing = threading.Lock()

    def send(self, event: events.Event) -> None:
        with self._writing:
            events.write_event(self._stream, event)

    def emit(self, record: logging.LogRecord) -> None:
        self.send(events.LogLine(record.levelname, record.getMessage()))


class TaskLog(logging.Handler):
    """Writes the log of the running task to the file that Airflow shows for it: `dag.test()` writes none."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._file: IO[str] | None = None

    def open(self, task_instance: Any) -> None:
        from airflow.sdk.log import init_log_file
        from airflow.utils.helpers import log_filename_template_renderer

        self.finish()
        path = init_log_file(log_filename_template_renderer()(ti=task_instance))
        self._file = path.open("a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, timezone.utc)
        self._write(at, record.levelname, record.name, record.getMessage())

    def finish(self, error: BaseException | str | None = None) -> None:
        """Closes the file, after the error that ended the task."""
        from structlog.tracebacks import ExceptionDictTransformer

        if isinstance(error, BaseException):
            detail = ExceptionDictTransformer(show_locals=False)((type(error), error, error.__traceback__))
            at = datetime.now(timezone.utc)
            self._write(at, "ERROR", "task", "Task failed with exception", error_detail=detail)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, at: datetime, level: str, logger: str, event: str, **more: object) -> None:
        if self._file is not None:
            line = {"timestamp": at.isoformat(), "level": level.lower(), "event": event, "logger": logger, **more}
            self._file.write(json.dumps(line, default=str) + "\n")
            self._file.flush()


class GracefulExit:
    """Ends this process when that is asked for, but not while a batch is written. `leave` ends it."""

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
        """Leaves now, or at the end of a batch: an interrupted batch holds up the next run for minutes."""
        with self._changing:
            self._asked = True
            if not self._writing:
                self._leave()


def execute(conf: Mapping[str, Any], event_log: EventLog, task_log: TaskLog, graceful: GracefulExit) -> bool:
    """Runs the DAG once with `conf`. Returns whether it succeeded."""
    event_log.send(events.Phase("starting Airflow"))
    from airflow.dag_processing.dagbag import DagBag

    from partner_sync.local import database
    from partner_sync.orchestration.retry_policy import ForegroundRetryPolicy

    database.prepare()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    dag = bag.dags.get(DAG_ID)
    if dag is None:
        event_log.send(events.RunRefused(_broken(bag.import_errors)))
        return False
    _listen(event_log, task_log, graceful)
    dag.deadline = None  # dag.test() cannot end a run of a DAG that has one (apache/airflow#73428)
    for task in dag.tasks:
        task.retry_policy = ForegroundRetryPolicy()
    event_log.send(events.Phase("starting the DAG run"))
    run = dag.test(logical_date=datetime.now(timezone.utc), run_conf=dict(conf))
    tasks = tuple((ti.task_id, ti.rendered_map_index or "", str(ti.state or "")) for ti in run.get_task_instances())
    state = str(run.state.value)
    event_log.send(events.RunEnded(state, run.run_id, run.run_after.isoformat(), tasks))
    return state == "success"


def _broken(import_errors: Mapping[str, str]) -> str:
    if not import_errors:
        return f"The folder of DAGs has no DAG {DAG_ID}."
    path, trace = next(iter(import_errors.items()))
    return f"{path} does not load: {trace.strip().splitlines()[-1]}"


def _listen(event_log: EventLog, task_log: TaskLog, graceful: GracefulExit) -> None:
    """Registers for Airflow's notifications about task instances, which it sends in this process."""
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager

    def send(task_instance: Any, state: str, error: object = None) -> None:
        label = str(getattr(task_instance, "rendered_map_index", None) or "")
        event_log.send(events.TaskChanged(task_instance.task_id, label, state, _message(error)))

    class Listener:
        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_running(self, task_instance: Any) -> None:
            gc.enable()
            send(task_instance, "running")
            graceful.begin(task_instance.task_id)
            task_log.open(task_instance)

        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_success(self, task_instance: Any) -> None:
            send(task_instance, "success")
            task_log.finish()
            graceful.end()

        @hookimpl  # type: ignore[untyped-decorator]
        def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
            send(task_instance, str(getattr(task_instance.state, "value", "failed")), error)
            task_log.finish(error)
            graceful.end()

    get_listener_manager().add_listener(Listener())


def _message(error: object) -> str:
    """Our own errors name cause and next step. Of other errors, the class is half of the message."""
    if error is None:
        return ""
    return str(error) if isinstance(error, PartnerSyncError | str) else f"{type(error).__name__}: {error}"


def _leave() -> None:
    os._exit(1)


def _end_with_stdin(graceful: GracefulExit) -> None:
    while os.read(0, 4096):
        graceful.ask_to_leave()
    _leave()


def main(descriptor: str, conf: str) -> int:
    gc.disable()  # until the first task: collecting garbage takes a fifth of Airflow's start, and finds none
    graceful = GracefulExit(_leave)
    threading.Thread(target=_end_with_stdin, args=(graceful,), daemon=True).start()
    stream = os.fdopen(int(descriptor), "w", encoding="utf-8")  # open until the process ends: that is the end signal
    event_log, task_log = EventLog(stream), TaskLog()
    ours = logging.getLogger("partner_sync")
    ours.setLevel(logging.INFO)
    ours.addHandler(event_log)
    ours.addHandler(task_log)
    return 0 if execute(json.loads(conf), event_log, task_log, graceful) else 1


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Airflow's threads take seconds to end, and there is nothing left to save
