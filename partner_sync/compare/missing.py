"""Finds the partner organizations whose account is missing. That alone marks nothing: see `evidence` and `marks`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from typing import Literal

from partner_sync.compare.canonical import checkbox_value, date_value, day
from partner_sync.compare.differences import read_whole
from partner_sync.compare.name_conflicts import name_key
from partner_sync.compare.problem_kinds import problem
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import Organization, Problem
from partner_sync.whitespace import trimmed

Spared = Literal["marked_already", "protected", "too_recent", "in_grace", "not_marked", "mark_undone"]
"""Why an organization without an account is not marked. `in_grace`: missing too shortly, `not_marked`: no evidence.
`mark_undone`: people undid the run that marked it."""


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Accounts and organizations that must not be marked: they exist, a problem is about them, or it is unclear.

    `unidentified` has the names and ids of account rows without a usable id.
    """

    accounts: Set[str]
    organizations: Set[int]
    unidentified: Set[str]


@dataclass(frozen=True, slots=True)
class MissingOrganization:
    """An unmarked partner organization whose account the query did not return."""

    organization: Organization
    account_id: str


@dataclass(frozen=True, slots=True)
class MissingOrganizations:
    """What is missing, problems of organizations without a usable id, and how many are spared, by cause."""

    found: tuple[MissingOrganization, ...]
    problems: tuple[Problem, ...]
    spared: Counter[Spared]


def find_missing_organizations(
    config: Config, instance: str, organizations: Iterable[Organization], mentioned: Mentioned, today: date
) -> MissingOrganizations:
    """What is missing in one instance; `organizations` are its partner organizations that no account matched."""
    found: list[MissingOrganization] = []
    problems: list[Problem] = []
    spared: Counter[Spared] = Counter()
    for organization in organizations:
        account_id = carried_id(organization)
        if account_id is None:
            problems.append(_without_id(instance, organization))
        elif organization.id in mentioned.organizations or mentioned.accounts & _ids(organization):
            continue
        elif _may_be_unidentified(organization, mentioned):
            problems.append(_unidentified(instance, organization))
        elif why := _spared(config, instance, organization, today):
            spared[why] += 1
        else:
            found.append(MissingOrganization(organization, account_id))
    return MissingOrganizations(tuple(found), tuple(problems), spared)


def carried_id(organization: Organization) -> str | None:
    """The account id of an organization: from its id field, or from external_id if that is empty."""
    own = trimmed(organization.salesforce_id or "")
    return id_18(own or organization.external_id)


def is_older(raw: object, years: int, today: date) -> bool:
    """Whether a date is more than `years` ago."""
    since = date_value(raw)
    return isinstance(since, str) and day(since) is not None and since < _years_before(today, years).isoformat()


def _ids(organization: Organization) -> set[str | None]:
    """Both account ids of an organization: it is not marked if either belongs to an existing account."""
    return {id_18(organization.salesforce_id), id_18(organization.external_id)}


def _spared(config: Config, instance: str, organization: Organization, today: date) -> Spared | None:
    """Why an organization without an account is not marked; None if it may be."""
    fields = read_whole(instance, organization)
    if checkbox_value(fields.get(config.marks.field)):
        return "marked_already"
    if not _ids(organization).isdisjoint(config.marks.protected):
        return "protected"
    older = config.marks.only_if_older
    if older is None or older.field is None:
        return None
    return None if is_older(fields.get(older.field), older.years, today) else "too_recent"


def _may_be_unidentified(organization: Organization, mentioned: Mentioned) -> bool:
    carried = {name_key(organization.name), *(one[:15].casefold() for one in _ids(organization) if one)}
    return bool(mentioned.unidentified & carried)


def _years_before(today: date, years: int) -> date:
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # February 29
        return today.replace(year=today.year - years, day=28)


def _without_id(instance: str, organization: Organization) -> Problem:
    own = trimmed(organization.salesforce_id or "")
    if own:
        detail = f"Partner organization {organization.id} has {own} in its id field, which is not an account id."
        return problem("malformed_id", detail, instance=instance, organizations=[organization.id])
    detail = f"Partner organization {organization.id} has no account id in its id field or external_id."
    return problem("organization_without_id", detail, instance=instance, organizations=[organization.id])


def _unidentified(instance: str, organization: Organization) -> Problem:
    detail = (
        f"Partner organization {organization.id} has no account, but it has the name or the id of an account row whose"
        " id is missing or malformed. It is not marked."
    )
    return problem("account_without_id", detail, instance=instance, organizations=[organization.id])
