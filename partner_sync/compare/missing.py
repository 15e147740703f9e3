"""Which partner organizations are marked, since no account is behind them any more; when in doubt, none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from partner_sync.compare.canonical import checkbox_value, date_value, day
from partner_sync.compare.differences import read_whole
from partner_sync.compare.name_conflicts import name_key
from partner_sync.compare.problem_kinds import problem
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import FieldChange, Mark, Organization, Problem
from partner_sync.whitespace import trimmed

Spared = Literal["marked_already", "protected", "too_recent"]


@dataclass(frozen=True, slots=True)
class Named:
    """Whom accounts and problems name, and what is known of account rows without a usable id: nobody marks them."""

    accounts: Set[str]
    organizations: Set[int]
    unidentified: Set[str]


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks, problems of organizations whose id says nothing, and how many are spared, by why."""

    marks: tuple[Mark, ...]
    problems: tuple[Problem, ...]
    spared: Counter[Spared]


def marks(config: Config, instance: str, organizations: Iterable[Organization], named: Named, made: datetime) -> Marks:
    """The marks of one instance; `organizations` are its partner organizations that no account has, or may have."""
    found: list[Mark] = []
    problems: list[Problem] = []
    spared: Counter[Spared] = Counter()
    older = config.marks.only_if_older
    oldest = _years_before(made.date(), older.years if older else 0).isoformat()
    for organization in organizations:
        account_id = carried_id(organization)
        if account_id is None:
            problems.append(_without_id(instance, organization))
        elif organization.id in named.organizations or named.accounts & _ids(organization):
            continue
        elif _may_be_unidentified(organization, named):
            problems.append(_unidentified(instance, organization))
        elif why := _spared(config, instance, organization, oldest):
            spared[why] += 1
        else:
            change = FieldChange(config.marks.field, False, True)
            reason = f"no account with {account_id} any more"
            name = trimmed(organization.name)
            found.append(Mark(instance, account_id, organization.id, name, (change,), reason))
    return Marks(tuple(found), tuple(problems), spared)


def carried_id(organization: Organization) -> str | None:
    """The account id that an organization carries: of its id field, or of external_id where that is empty."""
    own = trimmed(organization.salesforce_id or "")
    return id_18(own or organization.external_id)


def _ids(organization: Organization) -> set[str | None]:
    """Every account id on an organization: one whose external_id names somebody alive is not marked either."""
    return {id_18(organization.salesforce_id), id_18(organization.external_id)}


def _spared(config: Config, instance: str, organization: Organization, oldest: str) -> Spared | None:
    """Why an organization without account is not marked; None if it is."""
    fields = read_whole(instance, organization)
    if checkbox_value(fields.get(config.marks.field)):
        return "marked_already"
    if not _ids(organization).isdisjoint(config.marks.protected):
        return "protected"
    if config.marks.only_if_older is None:
        return None
    since = date_value(fields.get(config.marks.only_if_older.field))
    return None if isinstance(since, str) and day(since) and since < oldest else "too_recent"


def _may_be_unidentified(organization: Organization, named: Named) -> bool:
    borne = {name_key(organization.name), *(one[:15].casefold() for one in _ids(organization) if one)}
    return bool(named.unidentified & borne)


def _years_before(today: date, years: int) -> date:
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # the 29th of February
        return today.replace(year=today.year - years, day=28)


def _without_id(instance: str, organization: Organization) -> Problem:
    own = trimmed(organization.salesforce_id or "")
    if own:
        detail = f"Partner organization {organization.id} has {own} in its id field, which is no account id."
        return problem("malformed_id", detail, instance=instance, organizations=[organization.id])
    detail = f"Partner organization {organization.id} has no account id, in neither its id field nor external_id."
    return problem("organization_without_id", detail, instance=instance, organizations=[organization.id])


def _unidentified(instance: str, organization: Organization) -> Problem:
    detail = (
        f"Partner organization {organization.id} has no account, but bears the name or the id of an account row whose"
        " id is missing or malformed: it is not marked."
    )
    return problem("account_without_id", detail, instance=instance, organizations=[organization.id])
