"""The control API: what a person or a test may see and do behind the two systems' backs.

The routes are in the package's docstring. The same table serves HTTP and the methods of ``Sandbox``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from .organization_rules import InvalidOrganizationError, Writer
from .state import State
from .tickets import Tickets
from .wire import SALESFORCE, ZENDESK
from .world import make_world

PREFIX = "/_sandbox"

Query = Mapping[str, str]
Handler = Callable[[str, Query, Any], Any]


class ControlError(Exception):
    """A control operation that cannot be done: an HTTP status and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ControlApi:
    """Performs control operations on a state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", ""): self._overview,
            ("GET", "/cases"): lambda _key, _query, _body: self._state.cases,
            ("GET", "/calls"): lambda _key, query, _body: _since(self._state.journal.calls, query),
            ("GET", "/writes"): lambda _key, query, _body: _since(self._state.journal.writes, query),
            ("GET", "/accounts"): lambda _key, _query, _body: list(self._state.accounts.rows.values()),
            ("POST", "/accounts"): lambda _key, _query, body: {"ids": self._state.accounts.put(_list(body))},
            ("GET", "/deleted-accounts"): lambda _key, _query, _body: list(self._state.accounts.deleted.values()),
            ("DELETE", "/accounts/*"): lambda key, _query, _body: self._state.accounts.delete(key),
            ("POST", "/accounts/*/merge"): self._merge,
            ("POST", "/accounts/*/undelete"): lambda key, _query, _body: self._state.accounts.undelete(key),
            ("POST", "/accounts/*/purge"): lambda key, _query, _body: self._state.accounts.purge(key),
            ("POST", "/accounts/*/hide"): lambda key, _query, _body: self._state.accounts.hide(key),
            ("POST", "/accounts/*/unhide"): lambda key, _query, _body: self._state.accounts.unhide(key),
            ("GET", "/account-fields"): lambda _key, _query, _body: self._state.accounts.fields,
            ("POST", "/account-fields"): lambda _key, _query, body: self._state.accounts.define(_object(body)),
            ("DELETE", "/account-fields/*"): lambda key, _query, _body: self._state.accounts.forget_field(key),
            ("GET", "/organizations"): self._organizations,
            ("POST", "/organizations"): self._add_organizations,
            ("GET", "/organizations/*"): self._organization,
            ("PATCH", "/organizations/*"): self._edit,
            ("DELETE", "/organizations/*"): self._delete_organization,
            ("POST", "/organizations/*/tickets"): self._put_tickets,
            ("GET", "/organization-fields"): lambda _key, _query, _body: list(self._state.fields.rows.values()),
            ("POST", "/organization-fields"): lambda _key, _query, body: self._state.fields.add(_object(body)),
            ("PATCH", "/organization-fields/*"): self._change_field,
            ("DELETE", "/organization-fields/*"): lambda key, _query, _body: self._state.fields.delete(key),
            ("GET", "/settings"): lambda _key, _query, _body: self._state.settings.as_json(),
            ("PATCH", "/settings"): self._change_settings,
            ("POST", "/tokens/expire"): self._expire_tokens,
            ("GET", "/jobs"): lambda _key, _query, _body: self._jobs(),
            ("POST", "/jobs"): self._add_jobs,
            ("POST", "/jobs/*/end"): lambda key, _query, _body: self._state.jobs.end(key, time.time()).as_json(),
            ("POST", "/reset"): self._reset,
            ("GET", "/faults"): lambda _key, _query, _body: self._state.faults.as_json(),
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): lambda _key, _query, _body: self._state.faults.remove(),
            ("DELETE", "/faults/*"): lambda key, _query, _body: self._state.faults.remove(_number(key)),
        }

    def perform(self, method: str, path: str, query: Query, body: Any) -> Any:
        """Do one operation and answer its JSON value. Raises ``ControlError``."""
        handler, key = self._find(method, path)
        self._state.jobs.advance(time.time())
        try:
            return handler(key, query, body)
        except InvalidOrganizationError as error:
            raise ControlError(422, str(error)) from error
        except KeyError as error:
            raise ControlError(404, f"there is no {error.args[0]}") from error
        except (ValueError, TypeError) as error:
            raise ControlError(400, str(error)) from error
        finally:
            self._state.commit()

    def _find(self, method: str, path: str) -> tuple[Handler, str]:
        rest = path.removeprefix(PREFIX).rstrip("/")
        if (method, rest) in self._routes:
            return self._routes[method, rest], ""
        match = re.fullmatch(r"(/[\w-]+)/([^/]+)(/\w+)?", rest)
        pattern = f"{match.group(1)}/*{match.group(3) or ''}" if match else rest
        if match is None or (method, pattern) not in self._routes:
            raise ControlError(404, f"no such operation: {method} {path}")
        return self._routes[method, pattern], match.group(2)

    def _overview(self, _key: str, _query: Query, _body: Any) -> dict[str, Any]:
        state = self._state
        return {
            "counts": {
                "accounts": len(state.accounts.rows),
                "organizations": len(state.organizations.rows),
                "jobs": len(state.jobs.rows),
                "jobs_in_flight": len(state.jobs.in_flight()),
                "most_jobs_in_flight": state.jobs.most_in_flight,
                "calls": len(state.journal.calls),
                "writes": len(state.journal.writes),
                "faults": len(state.faults.as_json()),
                "tokens": state.tokens.as_json(),
            },
            "settings": state.settings.as_json(),
        }

    def _merge(self, key: str, _query: Query, body: Any) -> None:
        self._state.accounts.delete(key, str(_object(body).get("into")))

    def _organizations(self, _key: str, query: Query, _body: Any) -> list[dict[str, Any]]:
        """All by id, or those with a name, an external_id or a salesforce_id."""
        organizations = self._state.organizations
        if "external_id" in query:
            rows = organizations.with_external_id(query["external_id"])
        elif "name" in query:
            rows = organizations.with_name(query["name"])
        else:
            rows = [organizations.rows[each] for each in organizations.ids]
        if "salesforce_id" in query:
            wanted = query["salesforce_id"]
            rows = [row for row in rows if row["organization_fields"].get("salesforce_id") == wanted]
        return [self._rendered(row) for row in rows]

    def _rendered(self, row: dict[str, Any]) -> dict[str, Any]:
        return self._state.organizations.rendered(row, self._state.settings.zendesk_canonical_url)

    def _add_organizations(self, _key: str, _query: Query, body: Any) -> dict[str, Any]:
        return {"ids": self._state.organizations.add_raw(_list(body), time.time())}

    def _organization(self, key: str, _query: Query, _body: Any) -> dict[str, Any]:
        return self._rendered(self._state.organizations.rows[_number(key)])

    def _edit(self, key: str, _query: Query, body: Any) -> dict[str, Any]:
        writer = Writer("person", time.time())
        return self._rendered(self._state.organizations.update(_number(key), _object(body), writer))

    def _delete_organization(self, key: str, _query: Query, _body: Any) -> None:
        self._state.organizations.delete(_number(key), Writer("person", time.time()))

    def _put_tickets(self, key: str, _query: Query, body: Any) -> None:
        row = self._state.organizations.rows[_number(key)]
        self._state.tickets.put(row["id"], Tickets(time.time(), **_object(body)))

    def _change_field(self, key: str, _query: Query, body: Any) -> dict[str, Any]:
        changes = _object(body)
        field = self._state.fields.change(key, changes)
        if "options" in changes:
            self._state.organizations.keep_options(key)
        return field

    def _change_settings(self, _key: str, _query: Query, body: Any) -> dict[str, Any]:
        self._state.settings.change(_object(body))
        self._state.save_settings()
        return self._state.settings.as_json()

    def _expire_tokens(self, _key: str, _query: Query, body: Any) -> dict[str, Any]:
        system = _object(body or {}).get("system")
        if system not in (None, SALESFORCE, ZENDESK):
            raise ValueError(f"unknown system {system!r}")
        return {"expired": self._state.tokens.expire(system)}

    def _jobs(self) -> list[dict[str, Any]]:
        return [job.as_json() for job in self._state.jobs.rows.values()]

    def _add_jobs(self, _key: str, _query: Query, body: Any) -> dict[str, Any]:
        order = {"count": 1, "seconds": 60.0, **_object(body)}
        now = time.time()
        jobs = [self._state.jobs.add_foreign(float(order["seconds"]), now) for _ in range(order["count"])]
        return {"ids": [job.id for job in jobs]}

    def _reset(self, _key: str, _query: Query, body: Any) -> None:
        self._state.replace(make_world(**_object(body or {})))

    def _add_faults(self, _key: str, _query: Query, body: Any) -> dict[str, Any]:
        return {"ids": [self._state.faults.add(_object(each)).id for each in _list(body)]}


def _since(entries: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """The entries whose ``n`` is greater than ``since``."""
    return entries[_number(query.get("since", "0")) :]


def _number(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"not a number: {text!r}")
    return int(text)


def _list(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [_object(body)]


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
