"""Registers the page in Airflow: who may see it, where the archive is, an entry in the navigation, a tab on a run.

Addresses are relative to Airflow's own, so they also work behind a path prefix.
"""

from __future__ import annotations

import os
from functools import cache

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.plugins_manager import AirflowPlugin

from partner_sync.history import History
from partner_sync.history.files import default_folder
from partner_sync.history.reader import Reader
from partner_sync.orchestration import locations
from partner_sync.page.app import page_app
from partner_sync.page.assets import asset_url

_ICONS = {
    "icon": f"partner-sync/{asset_url('icon.svg')}",
    "icon_dark_mode": f"partner-sync/{asset_url('icon-dark.svg')}",
}

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


class PartnerSyncPage(AirflowPlugin):  # type: ignore[misc]  # Airflow ships no types
    name = "partner_sync_page"
    fastapi_apps = [{"app": page_app(history, may_look), "url_prefix": "/partner-sync", "name": "Partner Sync"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012 - as Airflow's own plugins are written
        {
            "name": "Partner Sync",
            "href": "partner-sync/",
            "destination": "nav",
            "url_route": "partner-sync",
            **_ICONS,
        },
        {
            "name": "Plan",
            "href": "partner-sync/run?dag={DAG_ID}&run={RUN_ID}",
            "destination": "dag_run",
            "url_route": "partner-sync-plan",
            **_ICONS,
        },
    ]
