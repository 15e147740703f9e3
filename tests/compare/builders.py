"""Accounts, organizations and snapshots that are in sync unless a test changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.plan import ComparedRun, Comparison, LookUp, Questions, compare_snapshots
from partner_sync.compare.snapshots import match_snapshots
from partner_sync.compare.tickets import CountTickets, Question, TicketCount, TicketCounts
from partner_sync.config.load import Config, load
from partner_sync.config.params import Options
from partner_sync.ids import id_18
from partner_sync.model import (
    EXTERNAL_ID,
    NAME,
    AccountsSnapshot,
    Change,
    Create,
    InstanceRead,
    Organization,
    OrganizationsSnapshot,
    Plan,
    Problem,
    ReadProof,
    Value,
)

TOML = (Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(encoding="utf-8")
SHIPPED = load(TOML, "partner_sync.toml")
PINNED = "0014M00001sDiGEQA0"
CONFIG = replace(SHIPPED, accounts=replace(SHIPPED.accounts, pinned=()), limits={})
"""The shipped config without its pinned account and its limits."""

BEGUN = datetime(2026, 11, 24, 3, 0, tzinfo=timezone.utc)
MADE = datetime(2026, 11, 24, 3, 2, tzinfo=timezone.utc)

Row = dict[str, object]


def edited(old: str, new: str, text: str = TOML) -> str:
    """The shipped file with one text replaced."""
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def an_id(number: int) -> str:
    """The 18-character id of the account with a number."""
    found = id_18(f"0014M00001Abc{number:02d}" if number < 100 else f"0014M00001{number:05d}")
    assert found is not None
    return found


def an_account(number: int = 1, **fields: object) -> Row:
    """A row of the account query; keywords replace its fields, by their Salesforce names."""
    row: Row = {
        "Account_ID_18__c": an_id(number),
        "Name": f"Partner {number}",
        "Account_Owner_Calc__c": "A. Ortiz",
        "Technical_Account_Manager_Name__c": "T. Abe",
        "Restricted_Account__c": None,
        "Solutions_Architect_Lookup__r.Name": None,
        "Partner_Track__c": "Open",
        "Support_Hold__c": False,
        "Account_Risk_Level__c": "Low",
        "Type": "Partner",
        "Partners_Partner_Status__c": "Authorized",
    }
    return row | fields


def an_organization(number: int = 1, **changes: object) -> Organization:
    """The organization of `an_account(number)`; keywords replace its attributes, or else its fields."""
    fields: dict[str, object] = {
        "salesforce_id": an_id(number),
        "sfdc_short_id": an_id(number)[:15],
        "account_owner": "A. Ortiz",
        "technical_account_manager": "T. Abe",
        "restricted_account": False,
        "solutions_architect": None,
        "account_type": "open_partner",
        "support_hold": False,
        "org_in_escalated_state": False,
        "mark_for_deletion": False,
    }
    attributes = {"id": 100 + number, "name": f"Partner {number}", "external_id": an_id(number)}
    attributes |= {key: value for key, value in changes.items() if key in attributes}
    fields |= {key: value for key, value in changes.items() if key not in attributes and key != "fields"}
    return Organization(
        id=attributes["id"],
        name=attributes["name"],
        external_id=attributes["external_id"],
        salesforce_id=fields["salesforce_id"],
        account_type=fields["account_type"],
        fields=changes.get("fields", fields),
    )


def accounts(*rows: Row, read: int | None = None) -> AccountsSnapshot:
    count = len(rows) if read is None else read
    return AccountsSnapshot(BEGUN, BEGUN, ReadProof("Salesforce", count, count, 1, 1), rows)


def an_instance(*organizations: Organization, name: str = "global", write: bool = True) -> InstanceRead:
    count = len(organizations)
    return InstanceRead(name, write, ReadProof(f"Zendesk {name}", count, count, 1, 1), organizations)


def snapshot(*instances: InstanceRead) -> OrganizationsSnapshot:
    return OrganizationsSnapshot(BEGUN, BEGUN, instances)


BYSTANDER = an_organization(99, name="Bystander", salesforce_id=None, external_id=None, account_type=None, fields=None)
"""An organization of no account; an empty snapshot is refused."""


def all_deleted(ids: Sequence[str]) -> AccountLookup:
    """A Salesforce in whose recycle bin every missing account is."""
    return AccountLookup(frozenset(ids), {one: {"IsDeleted": True} for one in ids})


def no_tickets(asked: Sequence[Question]) -> TicketCounts:
    return TicketCounts({one: TicketCount(0, 0) for one in asked})


RUN = ComparedRun("r1", MADE, "p1", MADE)
ANSWERS = Questions(all_deleted, no_tickets)


def compared(
    config: Config,
    accounts: AccountsSnapshot,
    organizations: OrganizationsSnapshot,
    options: Options | None = None,
    made: datetime = MADE,
    *,
    earlier: Mapping[str, EarlierRuns] | None = None,
    look_up: LookUp = all_deleted,
    count_tickets: CountTickets = no_tickets,
    run_id: str = "r1",
    rules: Callable[[str], str | None] = lambda _: None,
) -> Comparison:
    """The comparison of two snapshots; by default every missing account is deleted, and nobody has open tickets."""
    matched = match_snapshots(config, accounts, organizations)
    run = ComparedRun(run_id, made, "p1", made, options or Options(), earlier or {})
    return compare_snapshots(matched, run, Questions(look_up, count_tickets, rules=rules))


def make_plan(
    config: Config,
    accounts: AccountsSnapshot,
    organizations: OrganizationsSnapshot,
    options: Options | None = None,
    made: datetime = MADE,
) -> Plan:
    """The plan of two snapshots."""
    return compared(config, accounts, organizations, options, made).plan


def plan_of(
    rows: list[Row],
    organizations: list[Organization],
    *,
    config: Config = CONFIG,
    options: Options | None = None,
    made: datetime = MADE,
) -> Plan:
    """The plan for one instance, which has a bystander besides the organizations."""
    return make_plan(config, accounts(*rows), snapshot(an_instance(*organizations, BYSTANDER)), options, made)


def changed(change: Change) -> dict[str, tuple[Value, Value]]:
    """Field to value before and after."""
    return {one.field: (one.before, one.after) for one in change.fields}


def kinds(plan: Plan) -> list[str]:
    return [problem.kind for problem in plan.problems]


def only_problem(plan: Plan) -> Problem:
    assert len(plan.problems) == 1, plan.problems
    return plan.problems[0]


def applied(changes: tuple[Change, ...], organizations: list[Organization]) -> list[Organization]:
    """What Zendesk shows after all changes of one instance were written."""
    by_id = {one.id: one for one in organizations}
    for change in changes:
        if isinstance(change, Create):
            number = max(by_id, default=1000) + 1
            by_id[number] = _written(Organization(number, "", None, None, None, {}), change)
        else:
            by_id[change.organization_id] = _written(by_id[change.organization_id], change)
    return list(by_id.values())


def _written(organization: Organization, change: Change) -> Organization:
    values = {one.field: one.after for one in change.fields}
    name, external_id = values.pop(NAME, organization.name), values.pop(EXTERNAL_ID, organization.external_id)
    fields = {**(organization.fields or {}), **values}
    return replace(
        organization,
        name=name,
        external_id=external_id,
        salesforce_id=fields.get("salesforce_id"),
        account_type=fields.get("account_type"),
        fields=fields,
    )
