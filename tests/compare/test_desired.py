"""From Salesforce's rows to what organizations should be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from partner_sync.compare.canonical import CANONICAL
from partner_sync.compare.desired import DesiredAccount, desired
from partner_sync.compare.organization_schema import ExpectedField, organization_schema
from partner_sync.config.load import Config, load
from partner_sync.config.settings import Attribute, OnlyIfOlder
from partner_sync.model import Value
from tests.compare.builders import (
    CONFIG,
    PINNED,
    SHIPPED,
    TOML,
    Row,
    an_account,
    an_id,
    an_organization,
    only_problem,
    plan_of,
)

TEXT = ("text", "textarea", "regexp")


def with_attribute(*attributes: Attribute) -> Config:
    return replace(CONFIG, attributes=(*CONFIG.attributes, *attributes))


def values(row: Row, config: Config = CONFIG) -> dict[str, Value]:
    """Field to desired value of the one account that a row makes."""
    found = desired(config, [row])
    assert found.problems == ()
    (account,) = found.accounts.values()
    return dict(zip(organization_schema(config).fields, account.values, strict=True))


def trouble(row: Row, config: Config = CONFIG) -> str:
    """The kind of the one problem that a row makes, and no account."""
    found = desired(config, [row])
    assert found.accounts == {}
    (problem,) = found.problems
    return problem.kind


# -- canonical values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "raw", "value"),
    [
        ("text", None, None),
        ("text", "", None),
        ("text", "  ", None),
        ("text", " A. Ortiz\n", "A. Ortiz"),
        ("text", 7, "7"),
        ("id_18", " 0014M00001sDiGE ", "0014M00001sDiGE"),
        ("id_15", "", None),
        ("checkbox", None, False),
        ("checkbox", "", False),
        ("checkbox", False, False),
        ("checkbox", True, True),
        ("checkbox", " True ", True),
        ("checkbox", "false", False),
        ("dropdown", "open_partner", "open_partner"),
        ("dropdown", "", None),
        ("date", None, None),
        ("date", "2018-11-04T00:00:00+00:00", "2018-11-04"),
        ("date", "2018-11-04 00:00:00", "2018-11-04"),
        ("date", "2018-11-04", "2018-11-04"),
        ("date", "2018-13-04", "2018-13-04"),
        ("date", "soon", "soon"),
        ("date", "2018-11-041", "2018-11-041"),
        ("number", None, None),
        ("number", "", None),
        ("number", 7, 7),
        ("number", True, 1),
        ("number", 7.0, 7),
        ("number", 7.5, 7.5),
        ("number", " 7.50 ", 7.5),
        ("number", "-1e3", -1000),
        ("number", "seven", "seven"),
        ("number", "nan", "nan"),
    ],
)
def test_what_zendesk_holds_has_one_form(rule: str, raw: object, value: Value) -> None:
    canonical = CANONICAL[rule]
    assert (canonical(raw), type(canonical(raw))) == (value, type(value))
    assert canonical(value) == value


# -- the rules ----------------------------------------------------------------------------------------------


def test_an_ordinary_account_maps_as_the_design_says() -> None:
    row = an_account(
        1,
        Account_Owner_Calc__c=" M. Weber ",
        Restricted_Account__c="Restricted Party",
        Partner_Track__c="Select",
        Support_Hold__c=True,
        Account_Risk_Level__c="At Risk - Escalated",
    )
    assert values(row) == {
        "salesforce_id": an_id(1),
        "sfdc_short_id": an_id(1)[:15],
        "account_owner": "M. Weber",
        "technical_account_manager": "T. Abe",
        "restricted_account": True,
        "solutions_architect": None,
        "account_type": "select_partner",
        "support_hold": True,
        "org_in_escalated_state": True,
        "mark_for_deletion": False,
    }


def test_the_name_is_trimmed_and_not_among_the_fields() -> None:
    found = desired(CONFIG, [an_account(1, Name="  Nimbus ")])
    assert found.accounts[an_id(1)].name == "Nimbus"
    assert "name" not in organization_schema(CONFIG).fields


def test_a_15_character_id_of_salesforce_is_the_same_account() -> None:
    assert values(an_account(1, Account_ID_18__c=an_id(1)[:15]))["salesforce_id"] == an_id(1)


@pytest.mark.parametrize(
    ("raw", "ticked"),
    [
        ("Restricted Party", True),
        (" restricted PARTY ", True),
        ("Not restricted", False),
        ("", False),
        (None, False),
        (True, False),
    ],
)
def test_a_checkbox_is_ticked_by_its_words_only_whatever_their_case(raw: object, ticked: bool) -> None:
    assert values(an_account(1, Restricted_Account__c=raw))["restricted_account"] is ticked


@pytest.mark.parametrize(
    ("raw", "ticked"), [(True, True), (False, False), ("yes", True), ("TRUE", True), ("No", False), (None, False)]
)
def test_support_hold_is_a_boolean_or_a_word_for_it(raw: object, ticked: bool) -> None:
    assert values(an_account(1, Support_Hold__c=raw))["support_hold"] is ticked


@pytest.mark.parametrize("track", ["Open", "open", " OPEN "])
def test_a_track_counts_whatever_its_case(track: str) -> None:
    assert values(an_account(1, Partner_Track__c=track))["account_type"] == "open_partner"


@pytest.mark.parametrize("track", ["Technology", None, "", "  "])
def test_an_unknown_track_is_a_problem_and_never_a_null_type(track: object) -> None:
    assert trouble(an_account(1, Partner_Track__c=track)) == "unknown_option"


@pytest.mark.parametrize("track", ["Technology", "Open", None])
def test_a_pinned_account_has_the_pinned_option_whatever_its_track(track: object) -> None:
    row = an_account(1, Account_ID_18__c=PINNED, Partner_Track__c=track)
    assert values(row, SHIPPED)["account_type"] == "alliance_partner"


def test_a_pinned_account_follows_the_options_of_a_dropdown_without_pinned_option() -> None:
    config = replace(SHIPPED, attributes=tuple(replace(one, pinned=None) for one in SHIPPED.attributes))
    assert values(an_account(1, Account_ID_18__c=PINNED), config)["account_type"] == "open_partner"


def test_another_dropdown_may_be_empty_but_not_unknown() -> None:
    config = with_attribute(Attribute("region", "Region__c", "dropdown", options={"emea": "region_emea"}))
    assert values(an_account(1, Region__c="EMEA"), config)["region"] == "region_emea"
    assert values(an_account(1, Region__c=None), config)["region"] is None
    assert trouble(an_account(1, Region__c="Moon"), config) == "unknown_option"


def test_dates_and_numbers_are_copied_or_reported() -> None:
    config = with_attribute(Attribute("since", "Since__c", "date"), Attribute("seats", "Seats__c", "number"))
    row = an_account(1, Since__c="2026-05-06T11:56:44.000+0000", Seats__c=12.0)
    assert values(row, config)["since"] == "2026-05-06"
    assert values(row, config)["seats"] == 12
    assert values(an_account(1), config)["since"] is None
    assert trouble(an_account(1, Since__c="soon"), config) == "unreadable_value"
    assert trouble(an_account(1, Seats__c="many"), config) == "unreadable_value"


def test_text_that_is_no_text_is_made_text() -> None:
    assert values(an_account(1, Account_Owner_Calc__c=7))["account_owner"] == "7"


# -- rows that say too little or too much -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (an_account(1, Name=None), "account_without_name"),
        (an_account(1, Name="  "), "account_without_name"),
        (an_account(1, Account_ID_18__c=None), "account_without_id"),
        (an_account(1, Account_ID_18__c=" ", Name=None), "account_without_id"),
        (an_account(1, Account_ID_18__c="0014M"), "malformed_id"),
        (an_account(1, Account_ID_18__c="0014M00001sDiGEqa0"), "malformed_id"),
    ],
)
def test_a_row_without_id_or_name_is_a_problem(row: Row, kind: str) -> None:
    assert trouble(row) == kind


def test_rows_without_a_usable_id_are_remembered_by_name_and_by_what_they_have_of_an_id() -> None:
    found = desired(
        CONFIG, [an_account(1, Account_ID_18__c=None), an_account(2, Account_ID_18__c="0014m00001sdigeqa0")]
    )
    assert found.unidentified == {"partner 1", "partner 2", "0014m00001sdige"}
    assert found.known == frozenset()


def test_an_account_in_two_rows_is_written_by_neither() -> None:
    rows = [an_account(1), an_account(1, Name="Another"), an_account(1), an_account(2)]
    found = desired(CONFIG, rows)
    assert list(found.accounts) == [an_id(2)]
    assert found.blocked == {an_id(1)}
    assert [(one.kind, one.account_ids) for one in found.problems] == [("account_listed_twice", (an_id(1),))]
    assert "3 rows" in found.problems[0].detail


def test_one_row_read_twice_is_listed_twice_as_well() -> None:
    row = an_account(1)
    assert [one.kind for one in desired(CONFIG, [row, row]).problems] == ["account_listed_twice"]


def test_a_pinned_account_that_is_missing_is_a_problem_and_known() -> None:
    found = desired(SHIPPED, [an_account(1)])
    assert [(one.kind, one.account_ids) for one in found.problems] == [("pinned_account_missing", (PINNED,))]
    assert found.blocked == {PINNED}
    assert found.known == {PINNED, an_id(1)}


def test_accounts_come_in_the_order_of_their_ids() -> None:
    found = desired(CONFIG, [an_account(3), an_account(1), an_account(2)])
    assert list(found.accounts) == sorted([an_id(1), an_id(2), an_id(3)])


SEVERAL = {"list": ["a"], "empty list": [], "object": {"Name": "a"}, "empty object": {}, "true in a list": [True]}


@pytest.mark.parametrize("several", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize(
    "source", ["Name", "Account_Owner_Calc__c", "Support_Hold__c", "Restricted_Account__c", "Partner_Track__c"]
)
def test_a_list_or_an_object_is_never_taken_for_a_value_and_touches_nothing(source: str, several: object) -> None:
    rows = [an_account(1, **{source: several}), an_account(2)]
    plan = plan_of(rows, [an_organization(1, support_hold=True, restricted_account=True), an_organization(2, name="B")])
    problem = only_problem(plan)
    assert (problem.kind, problem.account_ids) == ("unreadable_value", (an_id(1),))
    assert f"{source} of {an_id(1)} is {json.dumps(several)}" in problem.detail
    assert [one.account_id for one in plan.changes] == [an_id(2)]


@pytest.mark.parametrize("raw", [7, 7.5, True, [an_id(1)], {"id": an_id(1)}, an_id(1)[:14], f"{an_id(1)}x"])
def test_an_id_of_another_type_or_length_is_malformed_and_touches_nothing(raw: object) -> None:
    rows = [an_account(1, Account_ID_18__c=raw), an_account(2)]
    plan = plan_of(rows, [an_organization(1), an_organization(2)])
    assert ["malformed_id"] == [one.kind for one in plan.problems if one.instance is None]
    assert plan.changes == ()


@pytest.mark.parametrize(("raw", "text"), [(7, "7"), (7.5, "7.5"), (0, "0"), (10**20, "100000000000000000000")])
def test_a_number_where_text_is_wanted_is_written_as_text_and_then_in_sync(raw: object, text: str) -> None:
    found = values(an_account(1, Account_Owner_Calc__c=raw))
    assert found["account_owner"] == text
    assert plan_of([an_account(1, Account_Owner_Calc__c=raw)], [an_organization(1, account_owner=text)]).changes == ()


@pytest.mark.parametrize("raw", ["1e999", "-1e999", float("inf"), float("nan"), "12 345", "0x10", "١٢", True, [1]])
def test_a_number_that_json_cannot_hold_or_that_is_none_is_never_written(raw: object) -> None:
    config = with_attribute(Attribute("seats", "Seats__c", "number"))
    if raw is True:
        assert values(an_account(1, Seats__c=raw), config)["seats"] == 1
    else:
        assert trouble(an_account(1, Seats__c=raw), config) == "unreadable_value"


# -- what the mapping needs of Zendesk ----------------------------------------------------------------------


def test_the_fields_that_are_kept_are_those_that_are_compared_and_those_that_decide() -> None:
    shipped = [one.field for one in SHIPPED.attributes if one.field != "name"]
    assert organization_schema(SHIPPED).kept == (*shipped, "mark_for_deletion")
    older = replace(SHIPPED, marks=replace(SHIPPED.marks, only_if_older=OnlyIfOlder(3, field="expiration_date")))
    assert organization_schema(older).kept == (*shipped, "mark_for_deletion", "expiration_date")
    assert organization_schema(SHIPPED).id_field == "salesforce_id"


def test_the_fields_that_zendesk_must_have() -> None:
    expected = {one.key: (one.types, one.options) for one in organization_schema(SHIPPED).expected}
    assert expected == {
        "salesforce_id": (TEXT, ()),
        "sfdc_short_id": (TEXT, ()),
        "account_owner": (TEXT, ()),
        "technical_account_manager": (TEXT, ()),
        "restricted_account": (("checkbox",), ()),
        "solutions_architect": (TEXT, ()),
        "account_type": (("dropdown", "tagger"), ("alliance_partner", "open_partner", "select_partner")),
        "support_hold": (("checkbox",), ()),
        "org_in_escalated_state": (("checkbox",), ()),
        "mark_for_deletion": (("checkbox",), ()),
    }


def test_the_older_rule_needs_its_date() -> None:
    config = replace(SHIPPED, marks=replace(SHIPPED.marks, only_if_older=OnlyIfOlder(3, field="expiration_date")))
    assert ExpectedField("expiration_date", ("date",)) in organization_schema(config).expected


def test_an_attribute_that_is_added_to_the_file_alone_is_expected_kept_and_mapped() -> None:
    added = '[[attributes]]\nfield = "seats"\nfrom = "Seats__c"\nrule = "number"\n\n[partners]'
    config = load(TOML.replace("[partners]", added), "partner_sync.toml")
    assert ExpectedField("seats", ("integer", "decimal")) in organization_schema(config).expected
    assert "seats" in organization_schema(config).kept
    assert desired(config, [an_account(1, Seats__c="12")]).accounts[an_id(1)] == DesiredAccount(
        an_id(1),
        "Partner 1",
        (an_id(1), an_id(1)[:15], "A. Ortiz", "T. Abe", False, None, "open_partner", False, False, 12, False),
    )
