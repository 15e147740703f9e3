"""Faults on demand: what goes wrong, with which calls, and how often.

A fault is a JSON object: ``do`` names the kind, ``system``, ``method``, ``path`` and ``query`` say which calls it
is for (the last three are patterns with ``*``), ``skip`` how many of them pass first, ``times`` how many then suffer
(null: all). The rest are the kind's own arguments. Faults are tried in the order in which they were added, and a call
suffers from the first one of the wire and, if it submits a bulk job, from the first one of jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote_plus

from .storage import Storage
from .wire import SALESFORCE, ZENDESK, Answer, Call

# What each kind takes beside the common keys, with defaults. Times are in seconds.
WIRE_FAULTS: dict[str, dict[str, Any]] = {
    "status": {"status": 503, "headers": {}, "body": "", "content_type": "text/plain", "effect": False},
    "reset_before": {},
    "reset_after": {},
    "refuse": {},
    "hang": {"seconds": 60.0, "effect": True, "first": False},
    "slow_body": {"seconds": 1.0},
    "truncated": {"how": "length"},
    "html": {"status": 200, "effect": False},
    "forbidden": {},
    "invalid_auth_header": {},
    "redirect": {"status": 302, "location": "https://elsewhere.example/login"},
    "short_read": {"drop": 0, "end": False},
    "foreign_links": {"host": "elsewhere.example"},
    "count_updating": {"limit": 100_000},
    "twins": {"count": 1},
    "endless": {"moving": False},
    "revived": {},
    "clock_skew": {"seconds": 3600.0},
}
JOB_FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"applied": True, "in_time": False},
    "failed": {"applied": False, "status": "failed", "message": "Failed"},
    "fail_rows": {"rows": [0], "error": None, "details": "Something went wrong"},
    "drop_results": {"count": 1},
    "drop_fields": {"keys": []},
    "normalize": {},
    "never_ends": {"applied": False},
    "slow": {"seconds": 5.0},
    "first_polls_404": {"polls": 2},
    "too_many_jobs": {},
}
_COMMON = {"system": None, "method": "*", "path": "*", "query": "*", "skip": 0, "times": 1}
# Where a kind is for one endpoint only, unless an order says otherwise.
_EXPORT = "/api/v2/incremental/organizations"
_PATHS = {"count_updating": "/api/v2/organizations/count", "twins": _EXPORT, "endless": _EXPORT, "revived": _EXPORT}
_FORBIDDEN: dict[str, Any] = {
    SALESFORCE: [{"message": "insufficient access rights on cross-reference id", "errorCode": "INSUFFICIENT_ACCESS"}],
    ZENDESK: {"error": "Forbidden", "description": "You do not have access to this page."},
}
_HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


@dataclass
class Fault:
    """A fault that was ordered; ``skip`` and ``times`` count down, ``hits`` counts up."""

    id: int
    do: str
    system: str | None
    method: str
    path: str
    query: str
    skip: int
    times: int | None
    arguments: dict[str, Any]
    hits: int = 0

    def matches(self, call: Call) -> bool:
        """Whether this fault is for such a call; a path also matches without its ``.json``, a query decoded."""
        if self.system not in (None, call.system) or not fnmatchcase(call.method, self.method):
            return False
        paths = (call.path, call.path.removesuffix(".json"))
        query = unquote_plus(call.raw_target.partition("?")[2])
        return any(fnmatchcase(path, self.path) for path in paths) and fnmatchcase(query, self.query)

    def as_json(self) -> dict[str, Any]:
        """The fault as it can be ordered again, with ``id`` and ``hits``."""
        common = {name: getattr(self, name) for name in ("id", "do", *_COMMON, "hits")}
        return {**common, **self.arguments}


class Faults:
    """The faults that are in force, in the order of their coming."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._faults: list[Fault] = []
        self._made = 0
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self._faults = [Fault(**row) for _, row in self._storage.load("fault")]
        self._made = max((fault.id for fault in self._faults), default=0)

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Put a fault in force. Raises ``ValueError`` for an unknown kind, key or system."""
        given = dict(order)
        kind = given.pop("do", None)
        defaults = {**WIRE_FAULTS, **JOB_FAULTS}.get(str(kind))
        if defaults is None:
            known = ", ".join((*WIRE_FAULTS, *JOB_FAULTS))
            raise ValueError(f"unknown fault {kind!r}; known are {known}")
        unknown = set(given) - set(_COMMON) - set(defaults)
        if unknown:
            raise ValueError(f"fault {kind!r} takes no {', '.join(sorted(unknown))}")
        usual = {**_COMMON, "path": _PATHS.get(str(kind), "*")}
        common = {name: given.pop(name, default) for name, default in usual.items()}
        if common["system"] not in (None, SALESFORCE, ZENDESK):
            raise ValueError(f"unknown system {common['system']!r}")
        self._made += 1
        fault = Fault(id=self._made, do=str(kind), arguments={**defaults, **given}, **common)
        self._faults.append(fault)
        self._save(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """Lift one fault, or all. Raises ``KeyError`` for an unknown id."""
        gone = [fault for fault in self._faults if fault_id in (None, fault.id)]
        if fault_id is not None and not gone:
            raise KeyError(fault_id)
        for fault in gone:
            self._faults.remove(fault)
            self._storage.delete("fault", str(fault.id))

    def take(self, call: Call, kinds: Mapping[str, Any]) -> Fault | None:
        """The fault of one of *kinds* that this call suffers, counted down."""
        for fault in self._faults:
            if fault.do not in kinds or fault.times == 0 or not fault.matches(call):
                continue
            self._save(fault)
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.hits += 1
            return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """All faults, the used up ones too, until they are removed."""
        return [fault.as_json() for fault in self._faults]

    def _save(self, fault: Fault) -> None:
        self._storage.put("fault", str(fault.id), fault.__dict__)


def instead(fault: Fault, system: str) -> Answer | None:
    """The answer that a fault gives in place of the vendor's, if it is of such a kind."""
    take = fault.arguments
    if fault.do == "status":
        return Answer(take["status"], take["body"], dict(take["headers"]), take["content_type"])
    if fault.do == "forbidden":
        return Answer(403, _FORBIDDEN[system])
    if fault.do == "invalid_auth_header":
        # The code is a reported one, the text an assumption.
        return Answer(401, [{"message": "INVALID_JWT_FORMAT", "errorCode": "INVALID_AUTH_HEADER"}])
    if fault.do == "html":
        return Answer(take["status"], _HTML, content_type="text/html; charset=utf-8")
    if fault.do == "redirect":
        return Answer(take["status"], "", {"Location": take["location"]}, "text/html; charset=utf-8")
    return None


def distort(fault: Fault, call: Call, answer: Answer) -> None:
    """Change what a JSON answer says, for the kinds of faults that do no more than that."""
    if not isinstance(answer.body, dict):
        return
    if fault.do == "short_read":
        _shorten(answer.body, fault.arguments["drop"], fault.arguments["end"])
    elif fault.do == "foreign_links":
        _mislead(answer.body, f"https://{fault.arguments['host']}")
    elif fault.do == "twins" and "organizations" in answer.body:
        answer.body["organizations"] = _with_twins(answer.body["organizations"], fault.arguments["count"])
        answer.body["count"] = len(answer.body["organizations"])
    elif fault.do == "endless" and "end_of_stream" in answer.body:
        _go_on(answer.body, call, fault.arguments["moving"])
    elif fault.do == "revived" and "organizations" in answer.body:
        answer.body["organizations"] = [{**row, "deleted_at": None} for row in answer.body["organizations"]]
    elif fault.do == "count_updating" and "count" in answer.body:
        count = min(answer.body["count"]["value"], fault.arguments["limit"])
        answer.body["count"] = {"value": count, "refreshed_at": None}


def _go_on(body: dict[str, Any], call: Call, moving: bool) -> None:
    """The export does not end: its next page is the same one, or begins a second later."""
    body["end_of_stream"] = False
    body["end_time"] = int(call.query["start_time"]) + moving


def _with_twins(organizations: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The last rows come at the beginning as well, as they were before."""
    twins = organizations[max(0, len(organizations) - count) :]
    return [{**row, "name": f"{row['name']} (before)", "deleted_at": None} for row in twins] + organizations


def _shorten(body: dict[str, Any], drop: int, end: bool) -> None:
    for name in ("records", "organizations", "organization_fields", "job_statuses"):
        if drop and isinstance(body.get(name), list):
            body[name] = body[name][:-drop]
    if end and "done" in body:
        body["done"] = True
        body.pop("nextRecordsUrl", None)
    if end and "meta" in body:
        body["meta"]["has_more"] = False


def _mislead(body: dict[str, Any], base: str) -> None:
    if isinstance(body.get("nextRecordsUrl"), str):
        body["nextRecordsUrl"] = base + body["nextRecordsUrl"]
    if "instance_url" in body:
        body["instance_url"] = base
    links = body.get("links") or {}
    for name, url in links.items():
        if url:
            links[name] = base + "/" + url.split("/", 3)[3]
