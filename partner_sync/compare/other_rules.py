"""Snapshots under other rules than those that they were read for: of an earlier config, or of one that is tried out.

A filter applies to the rows that were read, and to the rows that a lookup found: who passes is not missing. What cannot
be known is left alone: an account whose row lacks a field of the filter is neither written nor missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from partner_sync.archive.memory_records import MissingAccount
from partner_sync.compare.canonical import text_value
from partner_sync.compare.desired import Desired, desired
from partner_sync.compare.evidence import AccountLookup, AccountRow, folded_values
from partner_sync.compare.organization_schema import OrganizationSchema, organization_schema
from partner_sync.compare.snapshots import MatchedSnapshots
from partner_sync.compare.soql import IS_DELETED
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import NAME, Organization
from partner_sync.whitespace import WHITESPACE


@dataclass(frozen=True)
class OtherRules:
    """Matched snapshots under other rules, and the rows that their filter leaves out, by account id."""

    matched: MatchedSnapshots
    left_out: Mapping[str, AccountRow]
    answered: AccountLookup

    def look_up(self, ids: Sequence[str]) -> AccountLookup:
        """What is known of accounts that the filter does not pass; nothing is asked."""
        rows = {**self.left_out, **self.answered.found}
        known = frozenset(one for one in ids if one in rows or one in self.answered.asked)
        return AccountLookup(known, {one: rows[one] for one in known & rows.keys()})


def under_rules(
    matched: MatchedSnapshots,
    config: Config,
    answered: AccountLookup,
    remembered: Iterable[MissingAccount],
    *,
    fields: Collection[str],
) -> OtherRules | None:
    """The snapshots under the rules of `config`; None if they lack what nothing can be computed without.

    :param answered: what Salesforce reported of missing accounts
    :param remembered: what earlier runs know of missing accounts
    :param fields: the organization fields that can be compared; attributes of others are left out
    """
    known = computable(config, matched, fields)
    if known is None:
        return None
    passing, left_out, unclear = _filtered(known, matched.accounts.rows)
    unclear |= set(_not_missing(known, answered, remembered))
    wanted = _blocked(desired(known, passing), unclear)
    schema = organization_schema(known)
    organizations = {one.name: tuple(_readable(schema, one.organizations)) for one in matched.instances}
    found = matched.under(known, wanted, organizations)
    unread = {account for one in found.instances for account, its in one.matches.matched.items() if its.fields is None}
    if unread & wanted.accounts.keys():
        found = matched.under(known, _blocked(wanted, unread), organizations)
    return OtherRules(found, left_out, answered)


def computable(config: Config, matched: MatchedSnapshots, fields: Collection[str]) -> Config | None:
    """The config without the attributes that the snapshots cannot supply; None if these are the ids, names or types."""
    has = matched.accounts.rows[0].keys()
    schema, partner = organization_schema(config), config.partners.field
    if (schema.id_field, partner) != (matched.schema.id_field, matched.schema.partner_field):
        return None
    if not {config.accounts.id, config.accounts.name} <= has:
        return None
    attributes = tuple(
        one for one in config.attributes if one.source in has and (one.field == NAME or one.field in fields)
    )
    if all(one.field != partner for one in attributes):
        return None
    return replace(config, attributes=attributes)


class AccountFilter:
    """Which accounts the query of a config returns. Lines are prepared once: there are 100,000 rows."""

    def __init__(self, config: Config) -> None:
        self._pinned = frozenset(config.accounts.pinned)
        self._lines = tuple((field, folded_values(wanted)) for field, wanted in config.accounts.filter.items())

    def passes(self, account_id: str | None, row: AccountRow) -> bool | None:
        """Whether the query returns a row; None if it lacks a field of the filter, and no other line refuses it."""
        unknown = False
        for field, wanted in self._lines:
            raw = row.get(field)
            if raw is None and field not in row:
                unknown = True
            elif (raw if isinstance(raw, str) else str(text_value(raw) or "")).strip(
                WHITESPACE
            ).casefold() not in wanted:
                return account_id in self._pinned
        return None if unknown and account_id not in self._pinned else True


def _filtered(
    config: Config, rows: Iterable[dict[str, object]]
) -> tuple[list[dict[str, object]], dict[str, AccountRow], set[str]]:
    """The rows that pass, those that do not by account id, and the ids of rows that nobody knows of.

    A row without a usable id goes the way of those that pass, if it may: it is a problem.
    """
    passing, left_out, unclear = list[dict[str, object]](), dict[str, AccountRow](), set[str]()
    query = AccountFilter(config)
    for row in rows:
        if query.passes(None, row):
            passing.append(row)
            continue
        account_id = id_18(row.get(config.accounts.id))
        passes = query.passes(account_id, row)
        if passes or (passes is None and account_id is None):
            passing.append(row)
        elif account_id is not None and passes is None:
            unclear.add(account_id)
        elif account_id is not None:
            left_out[account_id] = row
    return passing, left_out, unclear


def _not_missing(config: Config, answered: AccountLookup, remembered: Iterable[MissingAccount]) -> Iterator[str]:
    """Accounts that the query of these rules would have returned, or might have."""
    query = AccountFilter(config)
    for account_id, row in answered.found.items():
        if row.get(IS_DELETED) is not True and query.passes(account_id, row) is not False:
            yield account_id
    for one in remembered:
        evidence = one.evidence
        if one.account_id in answered.asked or evidence is None or evidence.kind != "filtered":
            continue
        if query.passes(one.account_id, {str(evidence.field): evidence.found}) is not False:
            yield one.account_id


def _blocked(wanted: Desired, account_ids: Collection[str]) -> Desired:
    """Leaves accounts alone: nothing is written, and their organizations are not without an account."""
    accounts = {key: one for key, one in wanted.accounts.items() if key not in account_ids}
    return replace(wanted, accounts=accounts, blocked=wanted.blocked.union(account_ids))


def _readable(schema: OrganizationSchema, organizations: Iterable[Organization]) -> Iterator[Organization]:
    """Organizations that are partners' under these rules only, and were read without fields, count as others."""
    for one in organizations:
        hidden = one.fields is None and schema.is_partner(one.account_type)
        yield replace(one, account_type=None) if hidden else one
