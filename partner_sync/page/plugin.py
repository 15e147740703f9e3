"""Registers the page in Airflow: who may see it, where the archive is, an entry in the navigation, a tab on a run.

Addresses are relative to Airflow's own, so they also work behind a path prefix.
"""

from __future__ import annotations

import os
from functools import cache

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy import select

from partner_sync.history import History
from partner_sync.history.files import default_folder
from partner_sync.history.reader import Reader
from partner_sync.orchestration import locations
from partner_sync.orchestration.locations import DAG_ID
from partner_sync.page.app import page_app
from partner_sync.page.assets import asset_url
from partner_sync.page.dag import DagView

_ICONS = {
    "icon": f"partner-sync/{asset_url('icon.svg')}",
    "icon_dark_mode": f"partner-sync/{asset_url('icon-dark.svg')}",
}

may_look = requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID)
"""A dependency: 401 without a login, 403 without permission to see the runs of the DAG."""

REFRESH_SECONDS = 4
"""Seconds between two refreshes of the index; longer than the page waits before it reloads the result."""

REFRESH_PATIENCE = 1.0
"""Seconds that a page waits for a refresh, so that it is current when it is first shown."""


def view_for(user: GetUserDep, session: SessionDep, run: str = "", started: str = "") -> DagView:
    """The DAG for the user who asks; `started`, or else `run`, is the run that the address names.

    What the user may do is what Airflow checks when the page starts a run.
    """
    details = DagDetails(id=DAG_ID, team_name=DagModel.get_team_name(DAG_ID))
    may_trigger = get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user
    )
    paused = bool(session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == DAG_ID)))
    switched = select(Log).where(Log.dag_id == DAG_ID, Log.event == "patch_dag").order_by(Log.dttm.desc()).limit(1)
    entry = session.scalar(switched) if paused else None
    unfinished = select(DagRun.run_id).where(DagRun.dag_id == DAG_ID, DagRun.state.in_(("queued", "running")))
    named = select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.run_id == (started or run))
    asked = session.scalar(named) if started or run else None
    return DagView(
        user=user.get_name(),
        may_trigger=may_trigger,
        paused=paused,
        paused_since=entry.dttm if entry is not None else None,
        paused_by=entry.owner if entry is not None else None,
        active=tuple(session.scalars(unfinished)),
        run_state=str(asked.state) if asked is not None else None,
        run_seconds=_seconds(asked) if asked is not None else None,
    )


def _seconds(run: DagRun) -> float | None:
    """How long a run took, as Airflow shows it."""
    return (run.end_date - run.start_date).total_seconds() if run.start_date and run.end_date else None


@cache
def history() -> History:
    """The history of the archive `PARTNER_SYNC_ARCHIVE`. Raises ConfigError; the next request tries again."""
    url = locations.archive_url(os.environ)
    root = locations.root(url)
    folder = default_folder(str(root), os.environ)
    return History(root, folder, reader=Reader(url, folder), fresh_seconds=REFRESH_SECONDS, patience=REFRESH_PATIENCE)


class PartnerSyncPage(AirflowPlugin):  # type: ignore[misc]  # Airflow ships no types
    name = "partner_sync_page"
    fastapi_apps = [  # noqa: RUF012
        {"app": page_app(history, may_look, view_for), "url_prefix": "/partner-sync", "name": "Partner Sync"}
    ]
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
