"""The cases of the default world: what a sync has to change, and what a person has to decide.

Each one stays as it is when everything else has been written: a second run finds the same problems and no change.
"""

from __future__ import annotations

from collections.abc import Callable

from .world_builder import PINNED_ACCOUNT_ID, Row, WorldBuilder

# Accounts in these cases that the query finds.
MATCHING_ACCOUNTS = 31
# Organizations in these cases, the ones of accounts that the query does not find included.
ORGANIZATIONS = 39


def add_cases(build: WorldBuilder) -> None:
    """Add every case once, or as often as its function says."""
    for add in _CASES:
        add(build)


def _pinned(build: WorldBuilder) -> None:
    account = build.account(Id=PINNED_ACCOUNT_ID, Name="Polarstern Alliance", Partner_Track__c="Technology")
    build.case("in_sync_pinned", account, build.organization_of(account))


def _creates(build: WorldBuilder) -> None:
    for name in ("Grünspan & Töchter GmbH", "株式会社ひかりシステム", "Señal Andina S.A.", "Kobalt Partners"):
        build.case("create", build.account(Name=name))


def _changed(build: WorldBuilder, case: str, account: Row, **old: object) -> None:
    """An account whose organization shows an *old* value."""
    build.case(case, account, build.organization_of(account, **old))


def _updates(build: WorldBuilder) -> None:
    _changed(build, "update_owner", build.account(), account_owner="Someone Who Left")
    _changed(build, "update_owner", build.account(), account_owner=None)
    account = build.account(Technical_Account_Manager_Name__c=None)
    _changed(build, "update_manager_cleared", account, technical_account_manager="Günther Weiß")
    account = build.account(Technical_Account_Manager_Name__c="Noémie Lefèvre")
    _changed(build, "update_manager_changed", account, technical_account_manager="Günther Weiß")
    account = build.account(Name="Zephyr Nova AG")
    _changed(build, "update_name", account, name="Zephyr Systems AG")
    _changed(build, "update_support_hold", build.account(Support_Hold__c=True), support_hold=False)
    account = build.account(Account_Risk_Level__c="At Risk - Escalated")
    _changed(build, "update_escalated", account, org_in_escalated_state=None)
    account = build.account(Restricted_Account__c="Restricted Party")
    _changed(build, "update_restricted", account, restricted_account=False)
    _changed(build, "update_track", build.account(Partner_Track__c="Select"), account_type="open_partner")
    account = build.account(Partner_Track__c="select")
    _changed(build, "update_track_lower_case", account, account_type="open_partner")
    _changed(build, "unmark", build.account(), mark_for_deletion=True)
    _changed(build, "adopt", build.account(), account_type="customer")


def _matches(build: WorldBuilder) -> None:
    account = build.account()
    _changed(build, "match_by_external_id", account, salesforce_id=None, external_id=account["Id"])
    account = build.account()
    short = account["Id"][:15]
    _changed(build, "match_by_short_id", account, salesforce_id=short, external_id=account["Id"])


def _marks(build: WorldBuilder) -> None:
    former = build.account(Partners_Partner_Status__c="Former")
    build.case("mark", build.organization_of(former, mark_for_deletion=False))
    build.case("mark", build.deleted(_partner(build)))
    build.case("marked_already", _partner(build, mark_for_deletion=True))


def _without_trace(build: WorldBuilder) -> None:
    """An account of which Salesforce shows no record, neither alive nor deleted."""
    build.case("held_no_trace", _partner(build))


def _partner(build: WorldBuilder, **changes: object) -> Row:
    """A partner's organization whose account is gone."""
    return build.organization(
        **{"account_type": "select_partner", "mark_for_deletion": None, **_own_id(build), **changes}
    )


def _own_id(build: WorldBuilder) -> dict[str, object]:
    account_id = build.id()
    return {"salesforce_id": account_id, "sfdc_short_id": account_id[:15], "external_id": account_id}


def _double_organizations(build: WorldBuilder) -> None:
    account = build.account()
    first = build.organization_of(account, external_id=account["Id"])
    second = build.organization_of(account, external_id=None, name=f"{account['Name']} (old)")
    build.case("problem_two_organizations_for_one_account", account, first, second)


def _double_claim(build: WorldBuilder) -> None:
    one, other = build.account(), build.account()
    organization = build.organization_of(one, external_id=other["Id"])
    build.case("problem_one_organization_for_two_accounts", one, other, organization)


def _taken_names(build: WorldBuilder) -> None:
    account = build.account(Name="Lumen Field Services")
    holder = build.organization(name="LUMEN Field Services", account_type="customer", **_own_id(build))
    build.case("problem_name_taken_create", account, holder)
    account = build.account(Name="Quarzwerk Digital")
    own = build.organization_of(account, name="Quarzwerk IT", account_owner="Someone Who Left")
    holder = build.organization(name="Quarzwerk Digital", account_type="customer", **_own_id(build))
    build.case("problem_name_taken_update", account, own, holder)


def _one_name_for_two(build: WorldBuilder) -> None:
    build.case("problem_two_accounts_with_one_name", build.account(Name="Twin Peaks Data"))
    build.case("problem_two_accounts_with_one_name", build.account(Name="Twin Peaks DATA"))


def _swapped_names(build: WorldBuilder) -> None:
    one, other = build.account(Name="Castor Works"), build.account(Name="Pollux Works")
    first = build.organization_of(one, name="Pollux Works")
    second = build.organization_of(other, name="Castor Works")
    build.case("problem_names_to_swap", one, other, first, second)


def _broken_ids(build: WorldBuilder) -> None:
    account_id = build.id()
    organization = _partner(build, salesforce_id=_with_wrong_checksum(account_id), external_id=None)
    build.case("problem_organization_with_malformed_id", organization)
    organization = _partner(build, salesforce_id=None, sfdc_short_id=None, external_id=None)
    build.case("problem_organization_without_id", organization)
    account = build.account()
    account["Account_ID_18__c"] = _with_wrong_checksum(account["Id"])
    build.case("problem_account_with_malformed_id", account)


def _with_wrong_checksum(account_id: str) -> str:
    right = account_id[15:]
    return account_id[:15] + ("AAA" if right != "AAA" else "BBB")


def _nameless(build: WorldBuilder) -> None:
    account = build.account(Name=None)
    organization = build.organization_of(account, name="Hollow Oak Consulting")
    build.case("problem_account_without_name", account, organization)


def _not_matching(build: WorldBuilder) -> None:
    """Accounts that the query does not find, some with an organization that is none of ours."""
    former = build.account(Partners_Partner_Status__c="Former", Partner_Track__c="Open")
    technology = build.account(Partner_Track__c="Technology")
    build.case("not_matching", former, technology)
    build.case("not_matching", build.account(Partner_Track__c=None), build.account(Partners_Partner_Status__c=None))
    build.organization_of(former, account_type="former_customer", mark_for_deletion=True)
    build.organization_of(technology, account_type="customer")
    for _ in range(6):
        customer = build.account(Type="Customer", Partner_Track__c=None, Partners_Partner_Status__c=None)
        build.case("not_matching", customer)
        build.organization_of(customer, account_type="customer")


def _in_sync_by_reading_well(build: WorldBuilder) -> None:
    """Differences that are none: white space around a text, a name that only Salesforce pads."""
    padded = build.account(Account_Owner_Calc__c="  Renée Bélanger ", Name=" Ostwind Robotics & Söhne  ")
    build.case("in_sync_padded", padded, build.organization_of(padded))


_CASES: tuple[Callable[[WorldBuilder], None], ...] = (
    _pinned,
    _creates,
    _updates,
    _matches,
    _marks,
    _double_organizations,
    _double_claim,
    _taken_names,
    _one_name_for_two,
    _swapped_names,
    _broken_ids,
    _nameless,
    _not_matching,
    _in_sync_by_reading_well,
    _without_trace,
)
