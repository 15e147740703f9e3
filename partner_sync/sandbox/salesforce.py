"""Salesforce's half: which path answers what, sessions, quotas, queries and their pages.

Sources: Salesforce's REST API guide, "Query", "Query Options Header", "Status Codes and Error Responses" and the end of
life page of API versions; the form of locators is a recorded one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .account_query import ENTITY
from .accounts import Accounts
from .ids import numbered_id
from .limits import SalesforceQuota
from .salesforce_login import SalesforceLogin
from .settings import Settings
from .soql_tokens import UNSUPPORTED, QueryError
from .tokens import Tokens
from .wire import SALESFORCE, Answer, Call

# Winter '27 is 68.0; 21 to 30 were retired in Summer '25.
OLDEST_VERSION = 31
NEWEST_VERSION = 68
RETIRED_FROM = 21
LARGEST_TARGET = 16_384
SMALLEST_BATCH = 200
LARGEST_BATCH = 2_000
LOCATOR_SECONDS = 2 * 86_400.0
# Salesforce has no limit of open cursors since version 56; the memory of this process has: assumption.
LOCATORS_KEPT = 100


@dataclass
class Locator:
    """A query's answer as it was when asked, waiting for its next pages; *session* is the one that asked."""

    session: str
    records: list[dict[str, Any]]
    size: int
    made_at: float


class Salesforce:
    """Answers calls of the Salesforce port."""

    def __init__(self, settings: Settings, tokens: Tokens, accounts: Accounts) -> None:
        self._settings = settings
        self._tokens = tokens
        self._accounts = accounts
        self._login = SalesforceLogin(settings, tokens)
        self._quota = SalesforceQuota(settings)
        self._locators: dict[str, Locator] = {}
        self._locators_made = 0

    def answer(self, call: Call) -> Answer:
        """The answer to any call; unknown paths are 404."""
        if len(call.raw_target) > LARGEST_TARGET:
            return Answer(414, "URI Too Long", content_type="text/plain")
        path = call.path.rstrip("/")
        if path == "/services/oauth2/token" and call.method == "POST":
            return self._login.token(call)
        if path == "/services/data" and call.method == "GET":
            return Answer(200, [_version(number) for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)])
        soap = re.fullmatch(r"/services/Soap/u/(\d{1,3}\.\d)", path)
        if soap and call.method == "POST":
            return self._login.soap(call, soap.group(1))
        data = re.fullmatch(r"/services/data/v(\d{1,3}\.\d)(/.*)?", path)
        if data:
            return self._data(call, data.group(1), data.group(2) or "")
        return _not_found()

    def _data(self, call: Call, version: str, rest: str) -> Answer:
        number = float(version)
        if RETIRED_FROM <= number < OLDEST_VERSION:
            # The text is an assumption; the status is documented.
            return _error(410, "UNSUPPORTED_API_VERSION", f"API version {version} is retired.")
        if not OLDEST_VERSION <= number <= NEWEST_VERSION or number != int(number):
            return _not_found()
        if self._tokens.find(SALESFORCE, _session(call), call.at) is None:
            return _invalid_session()
        if not self._quota.spend(call.at):
            answer = _error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        else:
            answer = self._resource(call, version, rest)
        answer.headers.update(self._quota.headers())
        return answer

    def _resource(self, call: Call, version: str, rest: str) -> Answer:
        resources: dict[str, Callable[[], Answer]] = {
            "/query": lambda: self._query(call, version),
            "/queryAll": lambda: self._query(call, version, with_deleted=True),
            "/limits": lambda: Answer(200, self._limits()),
            f"/sobjects/{ENTITY}/describe": lambda: Answer(200, self._describe()),
        }
        locator = re.fullmatch(r"/query(?:All)?/(0r8\w{15})-(\d+)", rest)
        if rest not in resources and not locator and not rest.startswith(("/query/", "/queryAll/")):
            return _not_found()
        if call.method != "GET":
            return _error(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are HEAD,GET")
        if rest in resources:
            return resources[rest]()
        return self._more(call, version, locator)

    def _query(self, call: Call, version: str, with_deleted: bool = False) -> Answer:
        text = call.query.get("q")
        if text is None:
            return _error(400, "MALFORMED_QUERY", "A query string has to be specified")
        try:
            records = self._accounts.select(text, version, with_deleted)
        except QueryError as error:
            return _error(501 if error.code == UNSUPPORTED else 400, error.code, str(error))
        size = self._page_size(call)
        name = ""
        if len(records) > size:
            self._locators_made += 1
            name = numbered_id("0r8xx3AMv", self._locators_made)
            self._locators[name] = Locator(_session(call), records, size, call.at)
            while len(self._locators) > LOCATORS_KEPT:
                del self._locators[next(iter(self._locators))]
        return _page(version, name, records, 0, size)

    def _page_size(self, call: Call) -> int:
        """What the header ``Sforce-Query-Options: batchSize=N`` wishes, within what the vendor grants."""
        wish = re.search(r"batchSize=(\d+)", call.headers.get("Sforce-Query-Options", ""), re.IGNORECASE)
        granted = min(max(int(wish.group(1)), SMALLEST_BATCH), LARGEST_BATCH) if wish else LARGEST_BATCH
        return max(1, min(granted, self._settings.salesforce_page_size))

    def _more(self, call: Call, version: str, match: re.Match[str] | None) -> Answer:
        locator = self._locators.get(match.group(1)) if match else None
        if match is None or locator is None or call.at > locator.made_at + LOCATOR_SECONDS:
            return _error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if self._settings.salesforce_bound_locators and locator.session != _session(call):
            return _invalid_session()
        offset = int(match.group(2))
        if offset >= len(locator.records):
            return _error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(version, match.group(1), locator.records, offset, locator.size)

    def _limits(self) -> dict[str, Any]:
        limit = self._settings.salesforce_calls_per_day
        used = int(self._quota.headers().get("Sforce-Limit-Info", "api-usage=0/0").split("=")[1].split("/")[0])
        return {"DailyApiRequests": {"Max": limit, "Remaining": max(0, limit - used)}}

    def _describe(self) -> dict[str, Any]:
        fields = [
            {"name": path, "type": kind, "label": path}
            for path, kind in self._accounts.fields.items()
            if "." not in path
        ]
        return {"name": ENTITY, "label": ENTITY, "queryable": True, "fields": fields}


def _session(call: Call) -> str:
    """The session that a call brings; empty without one."""
    scheme, _, value = call.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _invalid_session() -> Answer:
    return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")


def _page(version: str, locator: str, records: list[dict[str, Any]], offset: int, size: int) -> Answer:
    end = offset + size
    body: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records)}
    if end < len(records):
        body["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
    # Shallow copies: a fault may change what goes out, never what the locator holds.
    body["records"] = [dict(record) for record in records[offset:end]]
    return Answer(200, body)


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, [{"message": message, "errorCode": code}])


def _not_found() -> Answer:
    return _error(404, "NOT_FOUND", "The requested resource does not exist")


def _version(number: int) -> dict[str, str]:
    season = ("Spring", "Summer", "Winter")[number % 3]
    year = number // 3 + (5 if season == "Winter" else 4)
    return {"label": f"{season} '{year}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
