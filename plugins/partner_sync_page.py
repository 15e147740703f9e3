"""The page's place inside Airflow: an entry in the navigation, and a tab on the page of a DAG run.

Addresses are relative to Airflow's own, so that they hold behind a path prefix too.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from partner_sync.page.access import history, may_look
from partner_sync.page.app import app
from partner_sync.page.assets import asset

ICONS = {
    "icon": f"partner-sync/{asset('icon.svg')}",
    "icon_dark_mode": f"partner-sync/{asset('icon-dark.svg')}",
}


class PartnerSyncPage(AirflowPlugin):
    name = "partner_sync_page"
    fastapi_apps = [{"app": app(history, may_look), "url_prefix": "/partner-sync", "name": "Partner Sync"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012 - as Airflow's own plugins are written
        {
            "name": "Partner Sync",
            "href": "partner-sync/",
            "destination": "nav",
            "url_route": "partner-sync",
            **ICONS,
        },
        {
            "name": "Plan",
            "href": "partner-sync/run?dag={DAG_ID}&run={RUN_ID}",
            "destination": "dag_run",
            "url_route": "partner-sync-plan",
            **ICONS,
        },
    ]
