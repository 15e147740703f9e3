"""Control of a sandbox from Python: the same methods for one in this process and for one elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from .control import PREFIX, ControlError

Row = dict[str, Any]
_TIMEOUT_SECONDS = 60.0


class Controls:
    """Every control operation as a method; a subclass says how an operation gets to the sandbox.

    All raise ``ControlError``, with status 400 for a wrong argument, 404 for what is not there, 422 for an edit that
    Zendesk would refuse.
    """

    def request(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Perform one operation; *path* comes without the prefix ``/_sandbox``."""
        raise NotImplementedError

    def overview(self) -> Row:
        """Counts and settings."""
        return dict(self.request("GET", ""))

    def cases(self) -> dict[str, list[str]]:
        """What the world has in it on purpose: ids of accounts or organizations by the name of the case."""
        return dict(self.request("GET", "/cases"))

    def calls(self, since: int = 0) -> list[Row]:
        """The calls of both systems after number *since*, in order."""
        return list(self.request("GET", "/calls", {"since": since}))

    def writes(self, since: int = 0) -> list[Row]:
        """The applied changes of organizations after number *since*, in order."""
        return list(self.request("GET", "/writes", {"since": since}))

    def accounts(self) -> list[Row]:
        """All living accounts, whether or not a query finds them."""
        return list(self.request("GET", "/accounts"))

    def deleted_accounts(self) -> list[Row]:
        """The accounts in the recycle bin, with ``IsDeleted`` and ``MasterRecordId``."""
        return list(self.request("GET", "/deleted-accounts"))

    def put_accounts(self, accounts: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add accounts or change those of the same ``Id``; answers the ids."""
        return list(self.request("POST", "/accounts", body=[dict(account) for account in accounts])["ids"])

    def put_account(self, **account: Any) -> str:
        """Add or change one account; answers its id."""
        return self.put_accounts([account])[0]

    def delete_account(self, account_id: str) -> None:
        """Move an account into the recycle bin, by ``Id`` or ``Account_ID_18__c``, as in the methods that follow."""
        self.request("DELETE", f"/accounts/{account_id}")

    def merge_accounts(self, loser_id: str, winner_id: str) -> None:
        """The loser goes into the recycle bin, with the winner as ``MasterRecordId``; the winner stays as it is."""
        self.request("POST", f"/accounts/{loser_id}/merge", body={"into": winner_id})

    def undelete_account(self, account_id: str) -> None:
        """Bring an account back from the recycle bin."""
        self.request("POST", f"/accounts/{account_id}/undelete")

    def purge_account(self, account_id: str) -> None:
        """Remove an account for good, from the recycle bin or alive: ``queryAll`` does not find it either."""
        self.request("POST", f"/accounts/{account_id}/purge")

    def hide_account(self, account_id: str) -> None:
        """Let the account be alive, but invisible to the user: neither ``query`` nor ``queryAll`` finds it."""
        self.request("POST", f"/accounts/{account_id}/hide")

    def unhide_account(self, account_id: str) -> None:
        """Let the user see an account again."""
        self.request("POST", f"/accounts/{account_id}/unhide")

    def account_fields(self) -> dict[str, str]:
        """The fields that a query may name, with their types."""
        return dict(self.request("GET", "/account-fields"))

    def put_account_fields(self, **fields: str) -> None:
        """Make fields known, for example ``Region__c="string"``."""
        self.request("POST", "/account-fields", body=fields)

    def delete_account_field(self, path: str) -> None:
        """Make a field unknown."""
        self.request("DELETE", f"/account-fields/{path}")

    def organizations(self, **equal: str) -> list[Row]:
        """All organizations by id ascending, or those with this ``name``, ``external_id`` or ``salesforce_id``."""
        return list(self.request("GET", "/organizations", equal))

    def organization(self, organization_id: int) -> Row:
        """One organization."""
        return dict(self.request("GET", f"/organizations/{organization_id}"))

    def add_organizations(self, organizations: Iterable[Mapping[str, Any]]) -> list[int]:
        """Put organizations there as they are, unchecked; answers their ids."""
        body = [dict(organization) for organization in organizations]
        return list(self.request("POST", "/organizations", body=body)["ids"])

    def edit(self, organization_id: int, **attributes: Any) -> Row:
        """Change an organization as a person would, for example ``organization_fields={"support_hold": True}``."""
        return dict(self.request("PATCH", f"/organizations/{organization_id}", body=attributes))

    def delete_organization(self, organization_id: int) -> None:
        """Remove an organization as a person would."""
        self.request("DELETE", f"/organizations/{organization_id}")

    def put_tickets(self, organization_id: int, open: int = 0, solved: int = 0, users: int = 0) -> None:
        """Let an organization have so many open and solved tickets and users from now on; the search learns it late."""
        self.request(
            "POST", f"/organizations/{organization_id}/tickets", body={"open": open, "solved": solved, "users": users}
        )

    def organization_fields(self) -> list[Row]:
        """The custom fields, inactive ones too."""
        return list(self.request("GET", "/organization-fields"))

    def add_organization_field(self, **definition: Any) -> Row:
        """Define a field by ``key`` and ``type``; ``options``, ``title``, ``tag``, ``active`` and so on may follow."""
        return dict(self.request("POST", "/organization-fields", body=definition))

    def change_organization_field(self, key: str, **changes: Any) -> Row:
        """Set ``active``, ``title``, ``options`` or ``regexp_for_validation``."""
        return dict(self.request("PATCH", f"/organization-fields/{key}", body=changes))

    def delete_organization_field(self, key: str) -> None:
        """Remove a field."""
        self.request("DELETE", f"/organization-fields/{key}")

    def settings(self, **changes: Any) -> Row:
        """Change settings, if any are given; answers all of them."""
        return dict(self.request("PATCH", "/settings", body=changes))

    def expire_tokens(self, system: str | None = None) -> int:
        """End all minted tokens of "salesforce", "zendesk" or both; answers how many."""
        return int(self.request("POST", "/tokens/expire", body={"system": system})["expired"])

    def jobs(self) -> list[Row]:
        """All bulk jobs with their items, oldest first."""
        return list(self.request("GET", "/jobs"))

    def add_jobs(self, count: int = 1, seconds: float = 60.0) -> list[str]:
        """Let other integrations occupy *count* places among the jobs for *seconds*; answers the job ids."""
        return list(self.request("POST", "/jobs", body={"count": count, "seconds": seconds})["ids"])

    def end_job(self, job_id: str) -> Row:
        """Let a job do the rest at once, one that never ends too."""
        return dict(self.request("POST", f"/jobs/{job_id}/end"))

    def reset(self, **world: Any) -> None:
        """Reset: ``world`` ("default", "empty", "large"), ``seed``, ``accounts``, ``organizations``, and so on."""
        self.request("POST", "/reset", body=world)

    def fault(self, do: str, **order: Any) -> int:
        """Put a fault in force; answers its id."""
        return int(self.request("POST", "/faults", body={"do": do, **order})["ids"][0])

    def faults(self) -> list[Row]:
        """All faults with what is left of them."""
        return list(self.request("GET", "/faults"))

    def remove_faults(self, fault_id: int | None = None) -> None:
        """Lift one fault, or all."""
        self.request("DELETE", "/faults" if fault_id is None else f"/faults/{fault_id}")


class Control(Controls):
    """Controls a sandbox in another process, by the URL of either of its ports."""

    def __init__(self, url: str) -> None:
        self._base = url.rstrip("/") + PREFIX

    def request(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        # The base is a sandbox's URL, given by the process that started it.
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
                return json.load(response)
        except HTTPError as error:
            with error:
                raise ControlError(error.code, json.load(error)["error"]) from error
