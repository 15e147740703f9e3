"""When Airflow tries a task again, by the error that ended it, on the schedule and in the foreground."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import RetryAction

from partner_sync.errors import SchemaError, UnavailableError, UnknownHostError
from partner_sync.orchestration.retry_policy import ForegroundRetryPolicy, SyncRetryPolicy

CONTEXT = {"dag": SimpleNamespace(fileloc=str(Path(__file__).parents[2] / "dags" / "partner_sync_dag.py"))}
UNKNOWN_HOST = UnknownHostError("Zendesk", "GET", "/", "acme-typo.invalid", "Connection 'a'", absent=True)
BUSY = UnavailableError("Zendesk", "GET", "/", "answered 503", effect="none")


@pytest.mark.parametrize(
    ("policy", "error", "action"),
    [
        (SyncRetryPolicy(), UNKNOWN_HOST, RetryAction.RETRY),
        (SyncRetryPolicy(), BUSY, RetryAction.RETRY),
        (SyncRetryPolicy(), SchemaError("Zendesk", []), RetryAction.FAIL),
        (ForegroundRetryPolicy(), UNKNOWN_HOST, RetryAction.FAIL),
        (ForegroundRetryPolicy(), BUSY, RetryAction.RETRY),
        (ForegroundRetryPolicy(), SchemaError("Zendesk", []), RetryAction.FAIL),
    ],
)
def test_a_name_that_does_not_resolve_is_final_only_in_the_foreground(policy, error, action):
    assert policy.evaluate(error, 1, 3, CONTEXT).action is action
