"""Counts beside an organization: ``/organizations/ID/related``, and the tickets that ``/search/count`` finds.

Sources: Zendesk's pages "Organizations" and "Search". The index lags by minutes; here by a setting.
"""

from __future__ import annotations

import re

from .organization_calls import error, not_found
from .organizations import Organizations
from .settings import Settings
from .tickets import TicketCounts
from .wire import Answer, Call

# No document settles what a search without a query answers: assumption.
NO_QUERY_STATUS = 422
_ORGANIZATION = re.compile(r"organization(?:_id)?:(\d+)")


class TicketCalls:
    """Answers what an organization has: tickets and users."""

    def __init__(self, settings: Settings, organizations: Organizations, tickets: TicketCounts) -> None:
        self._settings = settings
        self._organizations = organizations
        self._tickets = tickets

    def related(self, call: Call, organization_id: int) -> Answer:
        """All tickets and users of one organization, or 404. The names of the counts are an assumption."""
        if organization_id not in self._organizations.rows:
            return not_found()
        counts = self._tickets.find(organization_id, call.at)
        body = {"tickets_count": counts.open + counts.solved, "users_count": counts.users}
        return Answer(200, {"organization_related": body})

    def search_count(self, call: Call) -> Answer:
        """How many tickets of an organization the index knows: all, or with ``status<solved`` the open ones.

        A query of any other form is valid at Zendesk, but not supported here: 501.
        """
        words = call.query.get("query", "").split()
        if not words:
            return error(NO_QUERY_STATUS, "invalid", "Invalid search: query is missing")
        named = [match for word in words if (match := _ORGANIZATION.fullmatch(word))]
        rest = sorted(word for word in words if not _ORGANIZATION.fullmatch(word))
        if len(named) != 1 or rest not in (["type:ticket"], ["status<solved", "type:ticket"]):
            known = "type:ticket organization:ID, with or without status<solved"
            return error(501, "SandboxUnsupported", f"the sandbox does not support this search; it knows {known}")
        organization_id = int(named[0].group(1))
        if organization_id not in self._organizations.rows:
            return Answer(200, {"count": 0})
        indexed = self._tickets.find(organization_id, call.at - self._settings.zendesk_search_lag_seconds)
        return Answer(200, {"count": indexed.open + (0 if "status<solved" in rest else indexed.solved)})
