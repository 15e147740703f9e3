"""Registers the page where `partner_sync` is on PYTHONPATH. An installed wheel registers it by its entry point."""

from partner_sync.page.plugin import PartnerSyncPage

__all__ = ["PartnerSyncPage"]
