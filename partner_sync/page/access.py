"""Airflow's part of the page: who may see it, and where the archive is."""

from __future__ import annotations

import os
from functools import cache

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag

from partner_sync.history import History
from partner_sync.history.files import default_folder
from partner_sync.history.reader import Reader
from partner_sync.orchestration import locations

may_look = requires_access_dag("GET", DagAccessEntity.RUN, "partner_sync")
"""A dependency: 401 without a login, 403 without permission to see the runs of the DAG."""

REFRESH_SECONDS = 4
"""Seconds between two refreshes of the index; longer than the page waits before it reloads the result."""


@cache
def history() -> History:
    """The history of the archive `PARTNER_SYNC_ARCHIVE`. Raises ConfigError; the next request tries again."""
    url = locations.archive_url(os.environ)
    root = locations.root(url)
    folder = default_folder(str(root), os.environ)
    return History(root, folder, reader=Reader(url, folder), fresh_seconds=REFRESH_SECONDS)
