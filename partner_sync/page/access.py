"""The page's seam to Airflow: who may look, and where the archive is."""

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
"""A dependency: 401 without a login, 403 for who may not see the runs of the DAG."""

LOOKS_EVERY = 4
"""Seconds between two looks at the archive; longer than a page waits before it asks again for what a look finds."""


@cache
def history() -> History:
    """The history of the archive that `PARTNER_SYNC_ARCHIVE` names. Raises ConfigError, and is asked again then."""
    url = locations.archive_url(os.environ)
    root = locations.root(url)
    folder = default_folder(str(root), os.environ)
    return History(root, folder, reader=Reader(url, folder), fresh_seconds=LOOKS_EVERY)
