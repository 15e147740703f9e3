"""Everything the sandbox knows, put together once: two systems over one storage."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .accounts import Accounts
from .faults import Faults
from .jobs import Jobs
from .journal import Journal
from .organization_fields import OrganizationFields
from .organization_ids import OrganizationIds
from .organizations import Organizations
from .salesforce import Salesforce
from .settings import Settings
from .storage import Storage
from .tickets import TicketCounts
from .tokens import Tokens
from .wire import SALESFORCE, Answer, Call
from .world import World
from .zendesk import Zendesk


class State:
    """The two systems, their data, and what happened to them.

    With a file that holds a state already, *world* is not made and *changes* are made to the stored settings.
    Raises ``ValueError`` for wrong settings.
    """

    def __init__(self, path: Path | None, world: Callable[[], World], changes: dict[str, Any]) -> None:
        self._storage = Storage(path)
        is_new = self._storage.is_empty
        self.settings = Settings()
        for _, stored in self._storage.load("settings"):
            self.settings.change(stored)
        self.settings.change(changes)
        self.ports: dict[str, int] = dict(self._storage.load("port"))
        self.journal = Journal(self._storage)
        self.accounts = Accounts(self._storage)
        self.fields = OrganizationFields(self._storage)
        self.organizations = Organizations(self._storage, self.fields, self.journal)
        self.jobs = Jobs(self._storage, self.settings, self.organizations)
        self.tickets = TicketCounts(self._storage)
        self.tokens = Tokens(self._storage)
        self.faults = Faults(self._storage)
        self.cases: dict[str, list[str]] = dict(self._storage.load("case"))
        self._start_systems()
        if is_new:
            self.replace(world())
        self.save_settings()
        self.commit()

    def _start_systems(self) -> None:
        self._salesforce = Salesforce(self.settings, self.tokens, self.accounts)
        self._zendesk = Zendesk(
            self.settings, self.tokens, self.fields, self.organizations, self.tickets, self.jobs, self.faults
        )

    def answer(self, call: Call) -> Answer:
        """Let a vendor answer a call, after everything that was due before it."""
        self.jobs.advance(call.at)
        vendor = self._salesforce if call.system == SALESFORCE else self._zendesk
        return vendor.answer(call)

    def replace(self, world: World) -> None:
        """Start again with another world: tokens, jobs, faults, calls and writes are gone, settings stay."""
        self._storage.clear()
        stores = (
            self.journal,
            self.accounts,
            self.fields,
            self.organizations,
            self.tickets,
            self.jobs,
            self.tokens,
            self.faults,
        )
        for store in stores:
            store.load()
        self._start_systems()
        self.accounts.define(world.account_fields)
        self.accounts.put([*world.accounts, *world.deleted_accounts])
        for account in world.deleted_accounts:
            self.accounts.delete(account["Id"], account.get("MasterRecordId"))
        for definition in world.organization_fields:
            self.fields.add(definition)
        self.organizations.number_from(OrganizationIds(world.seed, len(world.organizations)))
        self.organizations.add_raw(world.organizations, time.time(), journaled=False)
        self.cases = dict(world.cases)
        for name, ids in self.cases.items():
            self._storage.put("case", name, ids)
        self.save_settings()

    def save_settings(self) -> None:
        """Keep the settings and the ports for the next process."""
        self._storage.put("settings", "", self.settings.as_json())
        for system, port in self.ports.items():
            self._storage.put("port", system, port)

    def commit(self) -> None:
        """Make everything durable that happened so far."""
        self._storage.commit()

    def close(self) -> None:
        """Let go of the file."""
        self._storage.close()
