"""The account query."""

from __future__ import annotations

from dataclasses import replace

from partner_sync.compare.soql import soql
from partner_sync.config.load import Config, load
from tests.compare.builders import SHIPPED, TOML

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
