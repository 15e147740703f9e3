"""The rows of the fault matrix: every call of a run, to the two systems and to its own memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Order = Mapping[str, Any]

SALESFORCE_LOGIN = "/services/oauth2/token"
QUERY = "/query/"
LOGIN = "/oauth/tokens"
FIELDS = "/api/v2/organization_fields"
COUNT = "/api/v2/organizations/count"
LIST = "/api/v2/organizations"
EXPORT = "/api/v2/incremental/organizations"
SHOW = "/api/v2/organizations/show_many"
CREATE = "/api/v2/organizations/create_many"
UPDATE = "/api/v2/organizations/update_many"
JOBS = "/api/v2/job_statuses"
LOOKUP = "/queryAll/"
TICKETS = "/api/v2/search/count"
RELATED = "/api/v2/organizations/*/related"

FIRST_PAGE, NEXT_PAGE = "page[[]size]=100", "*page[[]after]*"


@dataclass(frozen=True)
class Call:
    """A call over HTTP. `at` tells the sandbox which one, `before` which one comes right before it (None: none does).

    `world` has what the call needs: `reads` one update, `adopt` one organization of another type, and one change of a
    kind each. `also` are faults without which a run does not come to this call. `outage` says that this is the call on
    which a system is tried that stays away for the whole run, `waits` that without an answer marks wait and nothing
    fails, `asks_once` that all marks of the run wait for it. `again`: a run has been, so this one reads what changed.
    """

    name: str
    task: str
    system: Literal["salesforce", "zendesk"]
    at: Order
    before: Order | None
    said: str
    world: str = "reads"
    form: Literal["token", "read", "page", "submit"] = "read"
    links: bool = False
    also: tuple[Order, ...] = ()
    outage: bool = False
    waits: bool = False
    asks_once: bool = False
    again: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def _of(system: str, path: str, **more: Any) -> Order:
    return {"system": system, "path": path, **more}


def _zendesk(path: str, **more: Any) -> Order:
    return _of("zendesk", path, **more)


SEEN_JOB = _zendesk(JOBS, query="page[[]size]=1")
"""What tells, before anything is read, that jobs can be seen."""
NEWEST_JOB = _zendesk(JOBS, query="page[[]size]=1", skip=1)
"""What the first batch looks up right before its submit."""


def _submit(kind: str, path: str, **more: Any) -> Call:
    return Call(f"submit of {kind}", "sync", "zendesk", _zendesk(path, **more), NEWEST_JOB, path, kind, form="submit")


AT_ONCE = {"job_seconds": 0}
"""Jobs that have ended when they are looked at first: the call after the first look is the read-back."""

LOST_ANSWER: Order = {"do": "reset_after", **_zendesk(UPDATE)}


def _read_back(by: str, kind: str) -> Call:
    at, before = _zendesk(SHOW, skip=1), _zendesk(f"{JOBS}/*")
    return Call(f"read-back by {by}", "sync", "zendesk", at, before, SHOW, kind, settings=AT_ONCE)


CALLS = (
    Call(
        "Salesforce token",
        "gather_accounts",
        "salesforce",
        _of("salesforce", SALESFORCE_LOGIN),
        None,
        SALESFORCE_LOGIN,
        form="token",
    ),
    Call(
        "query, first page",
        "gather_accounts",
        "salesforce",
        _of("salesforce", "*/query/"),
        _of("salesforce", SALESFORCE_LOGIN),
        QUERY,
        form="page",
        links=True,
        outage=True,
        settings={"salesforce_page_size": 2},
    ),
    Call(
        "query, next page",
        "gather_accounts",
        "salesforce",
        _of("salesforce", "*/query/?*"),
        _of("salesforce", "*/query/"),
        QUERY,
        form="page",
        settings={"salesforce_page_size": 2},
    ),
    Call(
        "Zendesk token, to read",
        "gather_organizations",
        "zendesk",
        _zendesk(LOGIN),
        None,
        LOGIN,
        form="token",
    ),
    Call("fields", "gather_organizations", "zendesk", _zendesk(FIELDS), _zendesk(LOGIN), FIELDS, links=True),
    Call("newest job, before a read", "gather_organizations", "zendesk", SEEN_JOB, _zendesk(FIELDS), JOBS, links=True),
    Call("count", "gather_organizations", "zendesk", _zendesk(COUNT), _zendesk(JOBS), COUNT),
    Call(
        "list, first page",
        "gather_organizations",
        "zendesk",
        _zendesk(LIST, query=FIRST_PAGE),
        _zendesk(COUNT),
        LIST,
        world="pages",
        form="page",
        links=True,
        outage=True,
    ),
    Call(
        "list, next page",
        "gather_organizations",
        "zendesk",
        _zendesk(LIST, query=NEXT_PAGE),
        _zendesk(LIST, query=FIRST_PAGE),
        LIST,
        world="pages",
        form="page",
        links=True,
    ),
    Call(
        "export of what changed",
        "gather_organizations",
        "zendesk",
        _zendesk(EXPORT),
        _zendesk(COUNT),
        "organizations",  # without the export, the listing fails
        world="update",
        form="page",
        links=True,
        again=True,
    ),
    Call(
        "export, lookup of what was written",
        "gather_organizations",
        "zendesk",
        _zendesk(SHOW),
        _zendesk(EXPORT),
        SHOW,
        world="update",
        again=True,
    ),
    Call(
        "Salesforce token, to look up",
        "compare",
        "salesforce",
        _of("salesforce", SALESFORCE_LOGIN, skip=1),
        _of("salesforce", "*/query/"),
        SALESFORCE_LOGIN,
        "mark",
        form="token",
        waits=True,
        asks_once=True,
    ),
    Call(
        "lookup of missing accounts",
        "compare",
        "salesforce",
        _of("salesforce", f"*{LOOKUP}"),
        _of("salesforce", SALESFORCE_LOGIN, skip=1),
        LOOKUP,
        "mark",
        outage=True,
        waits=True,
        asks_once=True,
    ),
    Call(
        "Zendesk token, to count",
        "compare",
        "zendesk",
        _zendesk(LOGIN, skip=1),
        _zendesk(COUNT, skip=1),
        LOGIN,
        "mark",
        form="token",
        waits=True,
        asks_once=True,
    ),
    Call(
        "count of open tickets",
        "compare",
        "zendesk",
        _zendesk(TICKETS),
        _zendesk(LOGIN, skip=1),
        TICKETS,
        "mark",
        outage=True,
        waits=True,
    ),
    Call(
        "users of an organization",
        "compare",
        "zendesk",
        _zendesk(RELATED),
        _zendesk(TICKETS),
        "/related",
        "mark",
        waits=True,
    ),
    Call(
        "read of what is adopted",
        "compare",
        "zendesk",
        _zendesk(SHOW),
        _zendesk(LOGIN, skip=1),
        SHOW,
        "adopt",
        outage=True,
    ),
    Call(
        "Zendesk token, to write",
        "sync",
        "zendesk",
        _zendesk(LOGIN, skip=1),
        _zendesk(COUNT, skip=1),
        LOGIN,
        form="token",
    ),
    Call("re-read by id", "sync", "zendesk", _zendesk(SHOW), _zendesk(LOGIN, skip=1), SHOW, "update", outage=True),
    Call("re-read by external id", "sync", "zendesk", _zendesk(SHOW), _zendesk(LOGIN, skip=1), SHOW, "create"),
    Call("newest job, before a submit", "sync", "zendesk", NEWEST_JOB, _zendesk(SHOW), JOBS, "update", links=True),
    _submit("create", CREATE),
    _submit("update", UPDATE, query=""),
    _submit("mark", UPDATE, query="ids=*"),
    Call("poll", "sync", "zendesk", _zendesk(f"{JOBS}/*"), _zendesk(UPDATE), f"{JOBS}/", "update", outage=True),
    Call(
        "list of jobs",
        "sync",
        "zendesk",
        _zendesk(JOBS, query=FIRST_PAGE),
        _zendesk(LOGIN, skip=2),
        JOBS,
        "update",
        links=True,
        also=(LOST_ANSWER,),
    ),
    _read_back("id", "update"),
    _read_back("external id", "create"),
)
