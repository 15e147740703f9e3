"""Passes values of the codec between tasks as XComs, whose objects can be missing, damaged or too large.

A task pushes its own result instead of returning it, so that errors get our messages. A module of its own, since it
works without Airflow.
"""

from __future__ import annotations

from typing import Any, TypeVar

from partner_sync.archive import codec
from partner_sync.archive.object_store import attempted
from partner_sync.errors import CLEAR_BOTH, SnapshotError

T = TypeVar("T")

RESULT = "return_value"
"""Airflow's own key for what a task returns."""
GATHER = ("gather_accounts", "gather_organizations")


def push(ti: Any, value: object, key: str = RESULT) -> None:
    """Passes a value to later tasks. Raises StorageError."""
    with attempted("write", f"the XCom {key} of {ti.task_id}"):
        ti.xcom_push(key=key, value=codec.dump(value))


def pull(ti: Any, cls: type[T], task_id: str, key: str = RESULT) -> T:
    """The value that a task passed. Raises StorageError, and SnapshotError if it is missing or of another shape."""
    source = f"The batch {key} of {task_id}" if key != RESULT else f"The snapshot of {task_id}"
    next_step = again(task_id)
    try:
        with attempted("read", f"the XCom {key} of {task_id}"):
            found = ti.xcom_pull(task_ids=task_id, key=key)
    except ValueError:
        raise SnapshotError(f"{source} is damaged: its object is not JSON. {next_step}") from None
    return codec.load_value(cls, found, source=source, next_step=next_step)


def again(task_id: str) -> str:
    """The next step if the value that a task passed cannot be used."""
    return (
        CLEAR_BOTH if task_id in GATHER else f"Clear {task_id} with downstream: the run then continues with a new one."
    )
