"""Links into Salesforce and Zendesk, by the hosts that a run recorded: only to a host name or to this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from partner_sync.history.results import LinkedId
from partner_sync.ids import id_18

_HOST = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_LOOPBACK = re.compile(r"https?://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")


@dataclass(frozen=True)
class VendorLinks:
    """`hosts` maps "salesforce" and each instance to the vendor's host, or to the URL of a server on this machine."""

    hosts: Mapping[str, str]

    def account(self, account_id: str | None) -> str | None:
        base = self._base("salesforce")
        if base is None or account_id is None or id_18(account_id) is None:
            return None
        return f"{base}/lightning/r/Account/{account_id}/view"

    def organization(self, instance: str | None, organization_id: int | None) -> str | None:
        base = self._base(instance or "")
        if base is None or not organization_id:
            return None
        return f"{base}/agent/organizations/{organization_id}"

    def accounts(self, ids: list[str]) -> tuple[LinkedId, ...]:
        return tuple(LinkedId(one, self.account(one)) for one in ids)

    def organizations(self, instance: str | None, ids: list[int]) -> tuple[LinkedId, ...]:
        return tuple(LinkedId(str(one), self.organization(instance, one)) for one in ids)

    def _base(self, name: str) -> str | None:
        host = self.hosts.get(name, "")
        if _HOST.fullmatch(host):
            return f"https://{host}"
        return host if _LOOPBACK.fullmatch(host) else None
