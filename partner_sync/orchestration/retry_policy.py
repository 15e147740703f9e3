"""When Airflow tries a task again, by the error that ended it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import RetryAction, RetryDecision, RetryPolicy

from partner_sync.errors import PermanentError, RetryableError, UnknownHostError
from partner_sync.orchestration.run_context import config_of


class SyncRetryPolicy(RetryPolicy):  # type: ignore[misc] # Airflow is untyped to mypy
    """Fails permanent errors at once. Retries others after the wait that the system asks for, or a growing delay."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,  # noqa: ARG002 - Airflow passes it by name, and ends the retries by itself
        context: Any = None,
    ) -> RetryDecision:
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(type(exception).__name__)
        if not isinstance(exception, RetryableError):
            return RetryDecision.default()
        retry = config_of(context).retry
        later = min(retry.first_seconds * 2 ** (try_number - 1), retry.max_seconds)
        return RetryDecision.retry(timedelta(seconds=max(exception.retry_after or 0, later)), type(exception).__name__)

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SyncRetryPolicy:  # noqa: ARG003 - the policy has no state
        return cls()


def is_retried(error: BaseException, context: Any) -> bool:
    """Whether Airflow tries the current task again after this error."""
    ti = context["ti"]
    decision = ti.task.retry_policy.evaluate(error, ti.try_number, ti.max_tries, context)
    return bool(decision.action is RetryAction.RETRY and ti.try_number <= ti.max_tries)


class ForegroundRetryPolicy(SyncRetryPolicy):
    """The policy of `make run`, where somebody waits: a name that does not resolve is a typing error, and final."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        if isinstance(exception, UnknownHostError):
            return RetryDecision.fail(type(exception).__name__)
        return super().evaluate(exception, try_number, max_tries, context)
