"""The account query, and lookups by id."""

from __future__ import annotations

from dataclasses import replace

from partner_sync.compare.soql import lookup_queries, soql
from partner_sync.config.load import Config, load
from tests.compare.builders import SHIPPED, TOML, an_id

DESIGN = """
SELECT Account_ID_18__c, Name, Account_Owner_Calc__c, Technical_Account_Manager_Name__c, Restricted_Account__c,
       Solutions_Architect_Lookup__r.Name, Partner_Track__c, Support_Hold__c, Account_Risk_Level__c, Type,
       Partners_Partner_Status__c
FROM Account
WHERE Account_ID_18__c = '0014M00001sDiGEQA0' OR
      (Type = 'Partner' AND Partners_Partner_Status__c IN ('Authorized') AND Partner_Track__c IN ('Open', 'Select'))
"""


def words(text: str) -> list[str]:
    return text.split()


def with_filter(config: Config, **filter_: str) -> Config:
    return replace(config, accounts=replace(config.accounts, filter=filter_, pinned=()))


def test_the_shipped_file_makes_the_query_of_the_design() -> None:
    assert words(soql(SHIPPED)) == words(DESIGN)


def test_several_pinned_accounts_make_a_list() -> None:
    pinned = ("0014M00001sDiGEQA0", "0014M00001Abc01AAB")
    config = replace(SHIPPED, accounts=replace(SHIPPED.accounts, pinned=pinned))
    assert "WHERE Account_ID_18__c IN ('0014M00001sDiGEQA0', '0014M00001Abc01AAB') OR" in soql(config)


def test_without_pinned_accounts_the_filter_stands_alone() -> None:
    assert soql(with_filter(SHIPPED, Type="Partner")).endswith("\nWHERE Type = 'Partner'")


def test_a_value_cannot_leave_its_quotes() -> None:
    query = soql(with_filter(SHIPPED, Type="O'Brien\\' OR Name != '\n"))
    assert query.endswith(r"WHERE Type = 'O\'Brien\\\' OR Name != \'\n'")


def test_an_attribute_that_is_added_to_the_file_alone_is_selected() -> None:
    added = '[[attributes]]\nfield = "region"\nfrom = "Region__c"\nrule = "text"\n\n[partners]'
    config = load(TOML.replace("[partners]", added), "partner_sync.toml")
    assert "Account_Risk_Level__c, Region__c, Type, Partners_Partner_Status__c" in soql(config)


def conditions(config: Config, number: int, *, passing: bool = False) -> list[str]:
    """The WHERE of each lookup for so many accounts."""
    queries = lookup_queries(config, [an_id(10 + each % 90) for each in range(number)], passing=passing)
    return [query.split("\nWHERE ")[1] for query in queries]


def test_a_lookup_selects_what_judges_a_missing_account() -> None:
    (query,) = lookup_queries(SHIPPED, ["0014M00001sDiGEQA0", "0014M00001Abc01AAB"])
    fields = soql(SHIPPED).splitlines()[0] + ", IsDeleted, MasterRecordId"
    where = "WHERE Account_ID_18__c IN ('0014M00001sDiGEQA0', '0014M00001Abc01AAB')"
    assert query.splitlines() == [fields, "FROM Account", where]


def test_a_lookup_for_what_passes_has_the_condition_of_the_account_query() -> None:
    (query,) = lookup_queries(SHIPPED, ["0014M00001Abc01AAB"], passing=True)
    condition = soql(SHIPPED).split("\nWHERE ")[1]
    assert query.endswith(f"\nWHERE Account_ID_18__c IN ('0014M00001Abc01AAB') AND ({condition})")


def test_150_accounts_are_looked_up_at_once_and_each_of_them_once() -> None:
    assert [where.count("'") // 2 for where in conditions(SHIPPED, 301)] == [150, 150, 1]
    assert conditions(SHIPPED, 0) == []


def test_a_where_is_never_longer_than_salesforce_allows() -> None:
    pinned = tuple(an_id(number) for number in range(10, 99))
    config = replace(SHIPPED, accounts=replace(SHIPPED.accounts, pinned=pinned))
    found = conditions(config, 150, passing=True)
    assert len(found) == 2
    assert all(len(where) <= 4_000 for where in [*found, *conditions(SHIPPED, 150, passing=True)])


def test_a_condition_without_room_still_looks_up_every_account() -> None:
    assert len(conditions(with_filter(SHIPPED, Type="x" * 5_000), 3, passing=True)) == 3
