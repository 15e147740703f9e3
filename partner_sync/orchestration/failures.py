"""Archives why a task failed, for people who read the archive and no task log.

A module of its own, since it wraps all four tasks and belongs to none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone
from functools import wraps
from typing import Any, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException

from partner_sync.errors import PartnerSyncError
from partner_sync.orchestration.retry_policy import is_retried
from partner_sync.orchestration.run_context import trigger_of

log = logging.getLogger(__name__)

T = TypeVar("T")


def remembered(task: Callable[..., T]) -> Callable[..., T]:
    """Archives every PartnerSyncError that leaves `task`, and raises it."""

    @wraps(task)
    def remembering(**kwargs: Any) -> T:
        try:
            return task(**kwargs)
        except PartnerSyncError as error:
            try:
                _remember(error, task.__name__, kwargs.get("batch"))
            finally:
                raise error  # even if the archive fails: this is the error of the task

    return remembering


def _remember(error: PartnerSyncError, task: str, batch: str | None) -> None:
    """Archives a failure; logs a warning if the archive cannot be written."""
    from partner_sync.archive.records import Failure
    from partner_sync.orchestration import locations

    try:
        context = get_current_context()
        ti = context["ti"]
        failure = Failure(
            trigger=trigger_of(context),
            task=task,
            batch=batch,
            try_number=ti.try_number,
            at=datetime.now(timezone.utc),
            error=type(error).__name__,
            message=str(error),
            words=getattr(error, "vendor_message", ""),
            retryable=is_retried(error, context),
        )
        locations.archive().write_failure(failure)
    except (OSError, ValueError, ImportError, AirflowException, PartnerSyncError) as unwritten:
        log.warning("this failure could not be archived: %s", unwritten)
