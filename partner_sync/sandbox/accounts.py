"""Salesforce accounts, the recycle bin, and the fields that accounts are known to have.

An account is a flat JSON object by field name. A relationship (``Solutions_Architect_Lookup__r``) is
an object of its own, ``{"Id": "005...", "Name": "..."}``, or null when the lookup is empty.

A deleted account is in the recycle bin, where only ``queryAll`` finds it: with ``IsDeleted`` true, and with
``MasterRecordId`` set when it lost a merge. A purged one is nowhere. A hidden account is there, but the user of the API
may not see it: no kind of query finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .account_query import ENTITY, Account, AccountQuery
from .ids import is_salesforce_id, numbered_id
from .soql import parse
from .soql_tokens import refuse
from .storage import Storage

FIELD_TYPES = ("id", "string", "boolean", "double", "date", "datetime")
# Every account has them, whatever the world defines.
SYSTEM_FIELDS = {"IsDeleted": "boolean", "MasterRecordId": "id"}
_ID_FIELD = "Account_ID_18__c"


class Accounts:
    """The living accounts by their ``Id``, in the order in which they came, and those in the recycle bin."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.rows: dict[str, Account] = {}
        self.deleted: dict[str, Account] = {}
        self.hidden: set[str] = set()
        self.fields: dict[str, str] = {}
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self.rows = dict(self._storage.load("account"))
        self.deleted = dict(self._storage.load("deleted_account"))
        self.hidden = {key for key, _ in self._storage.load("hidden_account")}
        self.fields = SYSTEM_FIELDS | dict(self._storage.load("account_field"))

    def define(self, fields: Mapping[str, str]) -> None:
        """Make fields known by path (``Region__c``, ``Owner__r.Name``) and type, one of FIELD_TYPES.

        Raises ``ValueError`` for an unknown type.
        """
        for path, kind in fields.items():
            if kind not in FIELD_TYPES:
                raise ValueError(f"{path}: unknown type {kind!r}; known are {', '.join(FIELD_TYPES)}")
        for path, kind in fields.items():
            self.fields[path] = kind
            self._storage.put("account_field", path, kind)

    def forget_field(self, path: str) -> None:
        """Make a field unknown, so that a query for it is INVALID_FIELD. Raises ``KeyError``."""
        del self.fields[path]
        self._storage.delete("account_field", path)

    def put(self, accounts: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add accounts, or change those whose ``Id`` is there already; fields left out stay as they are.

        One in the recycle bin is replaced. Fields that no account had before become known. The ``Id`` may be left out
        for a new account; it is then its ``Account_ID_18__c``, or made up. Answers the ids.
        """
        ids = []
        for account in accounts:
            key = str(account.get("Id") or self._id_for(account))
            self._leave_bin(key)
            row = self.rows.setdefault(key, {"Id": key})
            row.update(account)
            row["Id"] = key
            self.define({p: k for p, k in _paths_and_types(row).items() if p not in self.fields})
            self._storage.put("account", key, row)
            ids.append(key)
        return ids

    def _id_for(self, account: Mapping[str, Any]) -> str:
        wanted = account.get(_ID_FIELD)
        if isinstance(wanted, str) and len(wanted) == 18 and is_salesforce_id(wanted):
            return wanted
        number = len(self.rows) + 1
        while (made := numbered_id("0015e00009", number)) in self.rows or made in self.deleted:
            number += 1
        return made

    def delete(self, account_id: str, winner_id: str | None = None) -> None:
        """Move one into the recycle bin; with *winner_id* it lost a merge with that account. Raises ``KeyError``.

        Here and below an account is named by ``Id`` or ``Account_ID_18__c``.
        """
        winner = None if winner_id is None else self._key(winner_id, self.rows)
        key = self._key(account_id, self.rows)
        if key == winner:
            raise ValueError("an account cannot be merged into itself")
        row = {**self.rows.pop(key), "IsDeleted": True, "MasterRecordId": winner}
        self._storage.delete("account", key)
        self.deleted[key] = row
        self._storage.put("deleted_account", key, row)

    def undelete(self, account_id: str) -> None:
        """Bring one back from the recycle bin, after a merge too. Raises ``KeyError``."""
        row = self._leave_bin(self._key(account_id, self.deleted))
        self.put([{name: value for name, value in row.items() if name not in ("IsDeleted", "MasterRecordId")}])

    def purge(self, account_id: str) -> None:
        """Remove one for good, from the recycle bin or alive. Raises ``KeyError``."""
        key = self._key(account_id, self.rows | self.deleted)
        if key in self.rows:
            self.delete(key)
        self.unhide(key)
        self._leave_bin(key)

    def hide(self, account_id: str) -> None:
        """Let no query of the user find one. Raises ``KeyError``."""
        key = self._key(account_id, self.rows | self.deleted)
        self.hidden.add(key)
        self._storage.put("hidden_account", key, True)

    def unhide(self, account_id: str) -> None:
        """Let the user see one again. Raises ``KeyError``."""
        key = self._key(account_id, self.rows | self.deleted)
        self.hidden.discard(key)
        self._storage.delete("hidden_account", key)

    @staticmethod
    def _key(account_id: str, rows: Mapping[str, Account]) -> str:
        if account_id in rows:
            return account_id
        named = [key for key, row in rows.items() if row.get(_ID_FIELD) == account_id]
        if not named:
            raise KeyError(account_id)
        return named[0]

    def _leave_bin(self, key: str) -> Account:
        self._storage.delete("deleted_account", key)
        return self.deleted.pop(key, {})

    def select(self, text: str, version: str, with_deleted: bool = False) -> list[dict[str, Any]]:
        """The records that a query answers, in the vendor's form; *with_deleted* those of the recycle bin too.

        *version* goes into each record's url. Raises ``QueryError``: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD.
        """
        query = parse(text)
        if query.entity.text.lower() != ENTITY.lower():
            reason = (
                f"sObject type '{query.entity.text}' is not supported. If you are attempting to use a custom object, "
                "be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call "
                "for the appropriate names."
            )
            refuse("INVALID_TYPE", text, query.entity.at, reason)
        check = AccountQuery(query, self.fields)
        rows = self.rows | self.deleted if with_deleted else self.rows
        matching = [row for key, row in rows.items() if key not in self.hidden and check.matches(row)]
        for ordering in reversed(query.order):
            matching = check.ordered(matching, ordering)
        return [check.projected(row, version) for row in matching[: query.limit]]


def _paths_and_types(account: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in account.items():
        if isinstance(value, dict):
            found.update({f"{name}.{inner}": kind for inner, kind in _paths_and_types(value).items()})
        elif isinstance(value, bool):
            found[name] = "boolean"
        elif isinstance(value, (int, float)):
            found[name] = "double"
        elif not name.endswith("__r"):
            found[name] = "id" if name == "Id" else "string"
    return found
