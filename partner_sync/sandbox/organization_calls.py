"""The endpoints below ``/api/v2/organizations`` that answer at once; the bulk ones are in ``bulk_calls``.

Source: Zendesk's page "Organizations"; bodies of errors as recorded by zenpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .limits import ZendeskQuota
from .organization_rules import InvalidOrganizationError, Organization, Writer, timestamp
from .organizations import Organizations
from .pages import Listing, cursor_page, offset_page, wants_cursor
from .settings import Settings
from .wire import Answer, Call

MOST_VALUES = 100
_COUNT_REFRESHED = 86_400.0
_SORTS = ("id", "name", "created_at", "updated_at")


class OrganizationCalls:
    """Lists, lookups, and writes of one organization."""

    def __init__(self, settings: Settings, organizations: Organizations, quota: ZendeskQuota) -> None:
        self._settings = settings
        self._organizations = organizations
        self._quota = quota
        self._sorted: dict[str, tuple[int, list[Organization]]] = {}
        self._count: tuple[int, float] | None = None

    def list(self, call: Call) -> Answer:
        """By cursor in the order of ids, or by page number in the order of names."""
        if not wants_cursor(call.query):
            return Answer(200, offset_page(self._listing("name"), call.query))
        sort = call.query.get("sort", "id")
        if sort.lstrip("-") not in _SORTS:
            return error(400, "InvalidPaginationParameter", f"sort is not valid: {sort}")
        return Answer(200, cursor_page(self._listing(sort), call.query))

    def count(self, call: Call) -> Answer:
        """Exact for small accounts; above a number of organizations as old as a day."""
        now = len(self._organizations.rows)
        cached = self._count
        stale = cached is None or call.at > cached[1] + _COUNT_REFRESHED
        if cached is None or stale or now <= self._settings.zendesk_count_cached_above:
            cached = self._count = (now, call.at)
        return Answer(200, {"count": {"value": cached[0], "refreshed_at": timestamp(cached[1])}})

    def show_many(self, call: Call) -> Answer:
        """Up to 100 by ``ids`` or ``external_ids``, sorted by name; unknown ones are left out."""
        values = many_values(call.query)
        if isinstance(values, Answer):
            return values
        rows = {row["id"]: row for value in values for row in self.found(call.query, value)}
        return self._found_answer(list(rows.values()))

    def search(self, call: Call) -> Answer:
        """Exact by ``external_id`` or ``name``, case-insensitive."""
        if "external_id" in call.query:
            return self._found_answer(self._organizations.with_external_id(call.query["external_id"]))
        if "name" in call.query:
            return self._found_answer(self._organizations.with_name(call.query["name"]))
        return error(400, "ParameterMissing", "Either name or external_id is needed")

    def found(self, query: Mapping[str, str], value: str) -> Sequence[Organization]:
        """The organizations that one of ``ids`` or ``external_ids`` means."""
        if "external_ids" in query and "ids" not in query:
            return self._organizations.with_external_id(value)
        row = self._organizations.rows.get(int(value)) if value.isdigit() else None
        return [row] if row else []

    def show(self, _call: Call, organization_id: int) -> Answer:
        """One organization, or 404."""
        row = self._organizations.rows.get(organization_id)
        return not_found() if row is None else Answer(200, {"organization": self._rendered(row)})

    def create(self, call: Call) -> Answer:
        """201 with ``Location`` (of the host that was asked), or 422."""
        attributes = _attributes(call)
        if isinstance(attributes, Answer):
            return attributes
        return self._created(call, attributes)

    def update(self, call: Call, organization_id: int) -> Answer:
        """200, 404, 422; or 429 after five in a minute for one organization."""
        attributes = _attributes(call)
        if isinstance(attributes, Answer):
            return attributes
        if organization_id not in self._organizations.rows:
            return not_found()
        return self._updated(call, organization_id, attributes)

    def create_or_update(self, call: Call) -> Answer:
        """Matches ``id``, then ``external_id``, never the name: 200 updated, 201 created."""
        attributes = _attributes(call)
        if isinstance(attributes, Answer):
            return attributes
        named = attributes.get("id")
        known = self._organizations.rows.get(named) if isinstance(named, int) else None
        external = attributes.get("external_id")
        matches = [known] if known else self._organizations.with_external_id(str(external)) if external else []
        if matches:
            return self._updated(call, matches[0]["id"], attributes, permitted=("id",))
        return self._created(call, attributes)

    def delete(self, call: Call, organization_id: int) -> Answer:
        """204 or 404."""
        try:
            self._organizations.delete(organization_id, Writer("single", call.at))
        except KeyError:
            return not_found()
        return Answer(204)

    def _created(self, call: Call, attributes: dict[str, Any]) -> Answer:
        try:
            row = self._organizations.create(attributes, Writer("single", call.at))
        except InvalidOrganizationError as problem:
            return invalid(problem)
        location = f"https://{call.headers.get('Host', '')}/api/v2/organizations/{row['id']}.json"
        dropped = self._organizations.unpermitted(attributes, "organization")
        headers = {"Location": location, **warning("create", dropped)}
        return Answer(201, {"organization": self._rendered(row)}, headers)

    def _updated(
        self, call: Call, organization_id: int, attributes: dict[str, Any], permitted: tuple[str, ...] = ()
    ) -> Answer:
        wait = self._quota.spend_update(organization_id, call.at)
        if wait is not None:
            return too_many_requests(wait, "organization updates")
        try:
            row = self._organizations.update(organization_id, attributes, Writer("single", call.at))
        except InvalidOrganizationError as problem:
            return invalid(problem)
        dropped = self._organizations.unpermitted(attributes, "organization", permitted)
        return Answer(200, {"organization": self._rendered(row)}, warning("update", dropped))

    def _rendered(self, row: Organization) -> Organization:
        return self._organizations.rendered(row, self._settings.zendesk_canonical_url)

    def _found_answer(self, rows: Sequence[Organization]) -> Answer:
        ordered = sorted(rows, key=_by_name)
        shown = [self._rendered(row) for row in ordered]
        return Answer(200, {"organizations": shown, "next_page": None, "previous_page": None, "count": len(shown)})

    def _listing(self, sort: str) -> Listing:
        organizations = self._organizations
        base = self._settings.zendesk_canonical_url
        url = f"{base}/api/v2/organizations.json"
        if sort == "id":
            rows = organizations.rows
            return Listing(
                "organizations",
                url,
                organizations.ids,
                lambda each: each,
                "id",
                lambda each: organizations.rendered(rows[each], base),
            )
        name = sort.lstrip("-")
        key = _by_name if name == "name" else lambda row: (row[name], row["id"])
        version, ordered = self._sorted.get(sort, (-1, []))
        if version != organizations.version:
            ordered = sorted(organizations.rows.values(), key=key, reverse=sort.startswith("-"))
            self._sorted[sort] = (organizations.version, ordered)
        return Listing("organizations", url, ordered, key, sort, lambda row: organizations.rendered(row, base))


def many_values(query: Mapping[str, str]) -> list[str] | Answer:
    """What ``ids`` or ``external_ids`` name; a 400 without them, and above 100."""
    text = query.get("ids") or query.get("external_ids") or ""
    values = [value.strip() for value in text.split(",") if value.strip()]
    if not values:
        return error(400, "ParameterMissing", "Either ids or external_ids is needed")
    return too_many_values() if len(values) > MOST_VALUES else values


def error(status: int, code: str, description: str) -> Answer:
    """Zendesk's usual error body."""
    return Answer(status, {"error": code, "description": description})


def not_found() -> Answer:
    """The recorded 404 of an unknown record."""
    return error(404, "RecordNotFound", "Not found")


def too_many_values() -> Answer:
    """The recorded 400 above 100 items, two blanks included."""
    description = f"Parameter  cannot specify more than {MOST_VALUES} values"
    return Answer(400, {"error": "TooManyValues", "description": description, "max_count": MOST_VALUES})


def too_many_requests(wait: int, what: str) -> Answer:
    """429 whose body is a sentence as text/html, as documented; ``Retry-After`` in seconds."""
    text = f"Rate limit for {what} exceeded, please wait before heading on"
    return Answer(429, text, {"Retry-After": str(wait)}, "text/html; charset=utf-8")


def invalid(problem: InvalidOrganizationError) -> Answer:
    """The recorded 422."""
    body = {"error": "RecordInvalid", "description": "Record validation errors", "details": problem.details()}
    return Answer(422, body)


def warning(action: str, dropped: Sequence[str]) -> dict[str, str]:
    """The recorded header that names the keys which were dropped; none when nothing was."""
    if not dropped:
        return {}
    keys = ", ".join(f'"{key}"' for key in dropped)
    return {
        "x-zendesk-api-warn": '{:allowed_parameters=>{:controller=>"organizations", '
        f':action=>"{action}", :unpermitted_keys=>[{keys}], :invalid_values=>[]}}}}'
    }


def _attributes(call: Call) -> dict[str, Any] | Answer:
    attributes = call.json().get("organization")
    if not isinstance(attributes, dict):
        return error(400, "ParameterMissing", "param is missing or the value is empty: organization")
    return attributes


def _by_name(row: Organization) -> tuple[str, int]:
    return (row["name"].casefold(), row["id"])
