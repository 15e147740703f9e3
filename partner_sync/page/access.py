"""The page's seam to Airflow: who may look, and where the archive is."""

from __future__ import annotations

import os
from functools import cache

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag

from partner_sync import stores
from partner_sync.history import History
from partner_sync.history.schema import default_path

may_look = requires_access_dag("GET", DagAccessEntity.RUN, "partner_sync")
"""A dependency: 401 without a login, 403 for who may not see the runs of the DAG."""


@cache
def history() -> History:
    """The history of the archive that `PARTNER_SYNC_ARCHIVE` names. Raises ConfigError, and is asked again then."""
    root = stores.root(stores.archive_url(os.environ))
    return History(root, default_path(str(root), os.environ))
