"""Registers the page where `partner_sync` is on PYTHONPATH. An installed wheel registers it by its entry point."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="partner_sync_page"):  # twice is an import error in Airflow
    from partner_sync.page.plugin import PartnerSyncPage  # noqa: F401 - Airflow finds it by its name here
