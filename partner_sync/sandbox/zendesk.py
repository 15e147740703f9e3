"""Zendesk's half: which path answers what, each with and without ``.json``, within the rate limit."""

from __future__ import annotations

import re
from typing import Any

from .bulk_calls import BulkCalls
from .faults import Faults
from .incremental_export import IncrementalExport
from .jobs import Jobs
from .limits import ZendeskQuota
from .organization_calls import OrganizationCalls, error, not_found, too_many_requests
from .organization_fields import Field, OrganizationFields
from .organizations import Organizations
from .pages import Listing, PageError, cursor_page, offset_page, wants_cursor
from .settings import Settings
from .ticket_calls import TicketCalls
from .tickets import TicketCounts
from .tokens import ZENDESK_EMAIL, Tokens
from .wire import Answer, BadJsonError, Call
from .zendesk_access import ZendeskAccess

_API = "/api/v2"
_USER_ID = 31_000_000_000_001


class Zendesk:
    """Answers calls of the Zendesk port."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        fields: OrganizationFields,
        organizations: Organizations,
        tickets: TicketCounts,
        jobs: Jobs,
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._access = ZendeskAccess(settings, tokens)
        self._quota = ZendeskQuota(settings)
        self._fields = fields
        single = OrganizationCalls(settings, organizations, self._quota)
        counts = TicketCalls(settings, organizations, tickets)
        bulk = BulkCalls(settings, organizations, jobs, faults)
        self._routes = {
            ("GET", "/users/me"): self._me,
            ("GET", "/organization_fields"): self._list_fields,
            ("GET", "/organizations"): single.list,
            ("POST", "/organizations"): single.create,
            ("GET", "/organizations/count"): single.count,
            ("GET", "/organizations/show_many"): single.show_many,
            ("GET", "/organizations/search"): single.search,
            ("POST", "/organizations/create_or_update"): single.create_or_update,
            ("POST", "/organizations/create_many"): bulk.create_many,
            ("PUT", "/organizations/update_many"): bulk.update_many,
            ("DELETE", "/organizations/destroy_many"): bulk.destroy_many,
            ("GET", "/incremental/organizations"): IncrementalExport(settings, organizations, self._quota).page,
            ("GET", "/search/count"): counts.search_count,
            ("GET", "/job_statuses"): bulk.list_jobs,
            ("GET", "/job_statuses/show_many"): bulk.show_jobs,
        }
        self._organization_routes = {"GET": single.show, "PUT": single.update, "DELETE": single.delete}
        self._show_job = bulk.show_job
        self._related = counts.related

    def answer(self, call: Call) -> Answer:
        """The answer to any call; unknown paths are 404."""
        path = call.path.removesuffix(".json")
        try:
            if (call.method, path) == ("POST", "/oauth/tokens"):
                return self._access.token(call)
            answer = self._checked(call, path)
        except PageError as problem:
            answer = error(400, problem.error, str(problem))
        except BadJsonError:
            # The body of this 400 is an assumption.
            answer = error(400, "InvalidJSON", "The request body is not valid JSON")
        for name, value in self._quota.headers(call.at).items():
            answer.headers.setdefault(name, value)
        return answer

    def _checked(self, call: Call, path: str) -> Answer:
        refusal = self._access.refusal(call, path)
        if path == f"{_API}/users/me" and not call.headers.get("Authorization"):
            return Answer(200, {"user": _user(None, "Anonymous user", "invalid@example.com", "end-user")})
        if refusal is not None:
            return refusal
        wait = self._quota.spend(call.at)
        if wait is not None:
            return too_many_requests(wait, "API calls")
        return self._routed(call, path.removeprefix(_API) if path.startswith(_API + "/") else "")

    def _routed(self, call: Call, path: str) -> Answer:
        route = self._routes.get((call.method, path))
        if route is not None:
            return route(call)
        organization = re.fullmatch(r"/organizations/(\d+)", path)
        if organization and call.method in self._organization_routes:
            return self._organization_routes[call.method](call, int(organization.group(1)))
        related = re.fullmatch(r"/organizations/(\d+)/related", path)
        if related and call.method == "GET":
            return self._related(call, int(related.group(1)))
        job = re.fullmatch(r"/job_statuses/([\w-]+)", path)
        if job and call.method == "GET":
            return self._show_job(call, job.group(1))
        field = re.fullmatch(r"/organization_fields/(\w+)", path)
        if field and call.method == "GET":
            return self._show_field(field.group(1))
        return error(404, "InvalidEndpoint", "Not found")

    def _me(self, _call: Call) -> Answer:
        return Answer(200, {"user": _user(_USER_ID, "Partner sync", ZENDESK_EMAIL, "admin")})

    def _list_fields(self, call: Call) -> Answer:
        base = self._settings.zendesk_canonical_url
        listing = Listing(
            "organization_fields",
            f"{base}/api/v2/organization_fields.json",
            sorted(self._fields.rows.values(), key=_field_id),
            _field_id,
            "id",
            lambda field: self._fields.rendered(field, base),
        )
        page = cursor_page if wants_cursor(call.query) else offset_page
        return Answer(200, page(listing, call.query))

    def _show_field(self, name: str) -> Answer:
        """By id or key."""
        for field in self._fields.rows.values():
            if name in (str(field["id"]), field["key"]):
                shown = self._fields.rendered(field, self._settings.zendesk_canonical_url)
                return Answer(200, {"organization_field": shown})
        return not_found()


def _field_id(field: Field) -> int:
    return int(field["id"])


def _user(user_id: int | None, name: str, email: str, role: str) -> dict[str, Any]:
    return {"id": user_id, "name": name, "email": email, "role": role, "active": user_id is not None}
