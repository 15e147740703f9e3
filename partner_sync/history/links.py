"""Links into Salesforce and Zendesk, by the hosts that a run recorded: only to what looks like a host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from partner_sync.history.answers import Subject
from partner_sync.ids import id_18

_HOST = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True)
class Links:
    """`hosts` maps "salesforce" and each instance to the vendor's host."""

    hosts: Mapping[str, str]

    def account(self, account_id: str | None) -> str | None:
        host = self._host("salesforce")
        if host is None or account_id is None or id_18(account_id) is None:
            return None
        return f"https://{host}/lightning/r/Account/{account_id}/view"

    def organization(self, instance: str | None, organization_id: int | None) -> str | None:
        host = self._host(instance or "")
        if host is None or not organization_id:
            return None
        return f"https://{host}/agent/organizations/{organization_id}"

    def accounts(self, ids: list[str]) -> tuple[Subject, ...]:
        return tuple(Subject(one, self.account(one)) for one in ids)

    def organizations(self, instance: str | None, ids: list[int]) -> tuple[Subject, ...]:
        return tuple(Subject(str(one), self.organization(instance, one)) for one in ids)

    def _host(self, name: str) -> str | None:
        host = self.hosts.get(name, "")
        return host if _HOST.fullmatch(host) else None
