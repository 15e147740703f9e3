"""Pages for people at the addresses where the vendors show a record: one organization, one account.

The vendors' own pages are not imitated: each page says that it is the sandbox's. Opening a page is no vendor call: it
needs no credential, takes nothing from a quota and is not in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from .state import State
from .wire import ZENDESK

_ORGANIZATION = re.compile(r"/agent/organizations/([0-9]{1,20})")
_ACCOUNT = re.compile(r"/lightning/r/Account/([A-Za-z0-9]{1,18})/view")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 0; color: #1f2328; background: #fff }}
header {{ background: #ffd33d; color: #1f2328; padding: .5rem 1.5rem }}
main {{ padding: 0 1.5rem 2rem; max-width: 60rem }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem 1.5rem .3rem 0; overflow-wrap: anywhere }}
th {{ font-weight: 500; color: #59636e; white-space: nowrap }}
tr + tr > * {{ border-top: 1px solid #d1d9e0 }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #f0f6fc; background: #0d1117 }} th {{ color: #9198a1 }} tr + tr > * {{ border-color: #3d444d }}
}}
</style></head><body>
<header><strong>Sandbox.</strong> This {what} exists on this machine only. It is not a page of {vendor}.</header>
<main><h1>{title}</h1>{table}</main></body></html>
"""


def record_page(state: State, system: str, path: str) -> tuple[int, str] | None:
    """Status and HTML of the page at a path; None where there is no such page. Unknown records are 404."""
    if system == ZENDESK:
        found = _ORGANIZATION.fullmatch(path)
        return found and _organization(state, int(found[1]))
    found = _ACCOUNT.fullmatch(path)
    return found and _account(state, found[1])


def _organization(state: State, organization_id: int) -> tuple[int, str]:
    row = state.organizations.rows.get(organization_id)
    if row is None:
        return _missing("organization", "Zendesk", organization_id)
    fields = {field["key"]: row["organization_fields"].get(field["key"]) for field in state.fields.rows.values()}
    attributes = {name: row.get(name) for name in ("id", "external_id", "tags", "created_at", "updated_at")}
    return 200, _page("organization", "Zendesk", row["name"], {**attributes, **fields})


def _account(state: State, account_id: str) -> tuple[int, str]:
    row = next((row for key, row in state.accounts.rows.items() if key[:15] == account_id[:15]), None)
    if row is None:
        return _missing("account", "Salesforce", account_id)
    related = {name: value.get("Name") if isinstance(value, dict) else value for name, value in row.items()}
    return 200, _page("account", "Salesforce", row.get("Name"), related)


def _missing(what: str, vendor: str, record_id: object) -> tuple[int, str]:
    return 404, _page(what, vendor, f"There is no {what} {record_id}", {})


def _page(what: str, vendor: str, title: object, values: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{_shown(value)}</td></tr>" for name, value in values.items())
    return _PAGE.format(what=what, vendor=vendor, title=_shown(title), table=f"<table>{rows}</table>" if rows else "")


def _shown(value: Any) -> str:
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(", ".join(map(str, value)) if isinstance(value, list) else str(value))
