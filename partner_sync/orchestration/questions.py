"""What `compare` asks the vendors: missing accounts, open tickets, organizations that it adopts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from partner_sync.archive.replay_store import get_rules
from partner_sync.archive.snapshot_store import accounts_of, organizations_of
from partner_sync.compare.causes import LastReads
from partner_sync.compare.evidence import AccountLookup, AccountRow
from partner_sync.compare.plan import Questions
from partner_sync.compare.soql import IS_DELETED, lookup_queries
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.errors import PartnerSyncError, RejectedError
from partner_sync.ids import id_18
from partner_sync.orchestration import connections

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.compare.earlier_runs import EarlierRuns
    from partner_sync.compare.snapshots import MatchedSnapshots
    from partner_sync.config.load import Config
    from partner_sync.model import Organization
    from partner_sync.vendors.zendesk_client import Zendesk

log = logging.getLogger(__name__)


def questions(archive: Archive, config: Config, earlier: Mapping[str, EarlierRuns], calls: Counter[str]) -> Questions:
    """The questions of a run. A lookup that fails leaves its accounts without evidence: their marks wait.

    :param calls: "salesforce" or instance to the number of calls, which these add to
    """
    return Questions(
        look_up=lambda ids: _look_up(config, ids, calls),
        count_tickets=lambda asked: _count_tickets(config, asked, calls),
        last_rows=lambda: _last_rows(archive, config, earlier),
        rules=lambda digest: get_rules(archive.root, digest),
        last_reads=lambda instance, *ids: last_reads(archive, earlier[instance], *ids),
    )


def read_adopted(matched: MatchedSnapshots, calls: Counter[str]) -> dict[str, tuple[Organization, ...]]:
    """Reads matched organizations that are not partner organizations yet: the plan shows their old values."""
    from partner_sync.gather.organization_rows import whole
    from partner_sync.vendors.zendesk_api import MANY

    read = {}
    for name, ids in matched.unread_fields().items():
        client = _client(matched.config, name)
        chunks = (client.show_many(ids=ids[start : start + MANY]) for start in range(0, len(ids), MANY))
        read[name] = tuple(whole(raw, matched.schema) for chunk in chunks for raw in chunk)
        calls[name] += client.calls
    return read


def last_reads(
    archive: Archive, earlier: EarlierRuns, accounts: Collection[str], organizations: Collection[int]
) -> LastReads:
    """What the last complete run read; nothing if that cannot be read: it only explains changes."""
    memory = earlier.memory
    if memory is None or not memory.accounts or not memory.organizations:
        return LastReads()
    try:
        rows = accounts_of(archive.root, memory.accounts, accounts)
        found = organizations_of(archive.root, memory.organizations, organizations)
    except PartnerSyncError as error:
        log.warning("the last snapshots cannot be read, so changes have no cause: %s", error)
        return LastReads()
    return LastReads(True, rows, {one.id: one for one in found})


def _last_rows(archive: Archive, config: Config, earlier: Mapping[str, EarlierRuns]) -> dict[str, AccountRow]:
    """The account rows of the last snapshot, by account id; empty if it cannot be read: it only explains a change."""
    from partner_sync.archive.snapshot_store import saved_accounts

    digests = [one.memory.accounts for one in earlier.values() if one.memory and one.memory.accounts]
    if not digests:
        return {}
    try:
        rows = saved_accounts(archive.root, digests[0])
    except PartnerSyncError as error:
        log.warning("the last account snapshot cannot be read: %s", error)
        return {}
    return {account: row for row in rows if (account := id_18(row.get(config.accounts.id))) is not None}


def _look_up(config: Config, ids: Sequence[str], calls: Counter[str]) -> AccountLookup:
    from partner_sync.gather.accounts import look_up

    found: dict[str, AccountRow] = {}
    passing: set[str] = set()
    try:
        client = connections.salesforce(config.accounts.connection, config.calls)
        for passes in (False, True):
            for query in lookup_queries(config, ids, passing=passes):
                for row in look_up(client, query):
                    account = id_18(row.get(config.accounts.id))
                    if account is None:
                        continue
                    if passes and row.get(IS_DELETED) is not True:
                        passing.add(account)
                    elif not passes and (account not in found or row.get(IS_DELETED) is not True):
                        found[account] = row
        calls["salesforce"] += client.session.calls
    except PartnerSyncError as error:
        log.warning("missing accounts could not be looked up, their organizations are not marked: %s", error)
        return AccountLookup()
    return AccountLookup(frozenset(ids), found, frozenset(passing))


def _count_tickets(config: Config, asked: Sequence[Question], calls: Counter[str]) -> TicketCounts:
    """Counts what can be counted. What cannot be counted waits, and so does everything of an instance that refuses."""
    counted: dict[Question, TicketCount] = {}
    refused: set[str] = set()
    clients = {name: _client(config, name) for name in sorted({name for name, _ in asked})}
    for name, organization in asked:
        if name in refused:
            continue
        try:
            tickets = clients[name].open_tickets(organization)
            counted[name, organization] = TicketCount(tickets, clients[name].related(organization).users)
        except PartnerSyncError as error:
            if isinstance(error, RejectedError) and error.status == 403:
                refused.add(name)
            log.warning("tickets of organization %s of %s were not counted: %s", organization, name, error)
    for name, client in clients.items():
        calls[name] += client.calls
    return TicketCounts(counted, frozenset(refused))


def _client(config: Config, name: str) -> Zendesk:
    instance = next(instance for instance in config.instances if instance.name == name)
    return connections.zendesk(instance, config.calls)
