"""Registers the page in Airflow: an entry in the navigation, and a tab on the page of a DAG run.

Addresses are relative to Airflow's own, so they also work behind a path prefix.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from partner_sync.page.access import history, may_look
from partner_sync.page.app import page_app
from partner_sync.page.assets import asset_url

_ICONS = {
    "icon": f"partner-sync/{asset_url('icon.svg')}",
    "icon_dark_mode": f"partner-sync/{asset_url('icon-dark.svg')}",
}


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
