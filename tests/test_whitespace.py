"""Texts as they come: every kind of blank, scripts and signs of all kinds, and what is no text at all."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from partner_sync.model import Create
from partner_sync.whitespace import WHITESPACE, control, trimmed, visible
from tests.compare.builders import an_account, an_id, an_organization, changed, kinds, only_problem, plan_of

WHITESPACES = {
    "space": " ",
    "tab": "\t",
    "line feed": "\n",
    "carriage return": "\r",
    "line separator": "\u2028",
    "no-break space": "\u00a0",
    "narrow no-break space": "\u202f",
    "figure space": "\u2007",
    "thin space": "\u2009",
    "ideographic space": "\u3000",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "zero-width non-joiner": "\u200c",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "null": "\x00",
    "several": " \u00a0\u200b\t\u3000",
}
NAMES = {
    "emoji": "🤝 Partner 👩‍👩‍👧‍👦 ❤️",
    "right to left": "שותפים בע״מ",
    "right to left with marks": "\u200fشركة الأمل\u200f",
    "ideographs": "株式会社\u3000ひかり",
    "combining": "Z͑ͫ̓a̴l̷g̸o",
    "letters that fold to two": "Straße ﬁn",
    "script": "<script>alert('x')</script>",
    "quotes": '\'; DROP TABLE "organizations"; --',
    "template": "{{ 7 * 7 }} ${x} %s {0}",
    "line end": "Partner\nSecond line",
    "tab": "Partner\tTab",
    "300 characters": "A" * 300,
    "a digit": "7",
}


@pytest.mark.parametrize("blank", WHITESPACES.values(), ids=WHITESPACES)
def test_blanks_of_every_kind_are_trimmed_and_a_name_of_nothing_else_is_no_name(blank: str) -> None:
    assert trimmed(f"{blank}Acme{blank}Corp{blank}") == f"Acme{blank}Corp"
    plan = plan_of([an_account(1, Name=blank), an_account(2)], [an_organization(1)])
    assert only_problem(plan).kind == "account_without_name"
    assert [(one.kind, one.account_id) for one in plan.changes] == [("create", an_id(2))]


def test_whatever_python_takes_for_white_space_is_blank_and_nothing_that_can_be_seen() -> None:
    every = [chr(number) for number in range(sys.maxunicode + 1)]
    assert [one for one in every if one.isspace() and one not in WHITESPACE] == []
    assert {unicodedata.category(one) for one in WHITESPACE} == {"Cc", "Cf", "Zs", "Zl", "Zp"}


@pytest.mark.parametrize("blank", WHITESPACES.values(), ids=WHITESPACES)
def test_an_organization_whose_name_differs_by_blanks_around_it_is_in_sync(blank: str) -> None:
    assert plan_of([an_account(1)], [an_organization(1, name=f"{blank}Partner 1{blank}")]).changes == ()
    assert plan_of([an_account(1, Name=f"{blank}Partner 1{blank}")], [an_organization(1)]).changes == ()


@pytest.mark.parametrize("blank", WHITESPACES.values(), ids=WHITESPACES)
def test_names_that_differ_by_blanks_around_them_or_by_case_are_one_name(blank: str) -> None:
    plan = plan_of([an_account(1, Name="Acme"), an_account(2, Name=f"{blank}ACME{blank}")], [])
    assert (kinds(plan), plan.changes) == (["two_accounts_one_name"], ())
    holder = an_organization(7, name=f"{blank}acme", salesforce_id=None, external_id=None, account_type="customer")
    assert kinds(plan_of([an_account(1, Name="Acme")], [holder])) == ["name_taken"]


def test_names_that_differ_by_blanks_inside_are_two_names() -> None:
    plan = plan_of([an_account(1, Name="Acme Corp"), an_account(2, Name="Acme  Corp")], [])
    assert kinds(plan) == []
    assert [one.name for one in plan.changes] == ["Acme Corp", "Acme  Corp"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_written_as_it_is_whatever_signs_it_has(name: str) -> None:
    plan = plan_of([an_account(1, Name=name, Account_Owner_Calc__c=name)], [])
    (create,) = plan.changes
    assert isinstance(create, Create)
    assert (changed(create)["name"], changed(create)["account_owner"]) == ((None, name), (None, name))
    fields = {"name": name, "account_owner": name}
    assert plan_of([an_account(1, Name=name, Account_Owner_Calc__c=name)], [an_organization(1, **fields)]).changes == ()


@pytest.mark.parametrize("name", ["\u200f", "\u2066\u2069 \u200e", "\u202e"])
def test_a_name_with_nothing_to_see_is_no_name(name: str) -> None:
    plan = plan_of([an_account(1, Name=name)], [])
    problem = only_problem(plan)
    assert (problem.kind, plan.changes) == ("account_without_name", ())
    assert "no visible character" in problem.detail
    assert not visible(name)


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x7f", "\x85"])
def test_a_control_character_inside_a_text_is_a_problem_of_its_account_alone(sign: str) -> None:
    rows = [an_account(1, Name=f"Part{sign}ner"), an_account(2, Account_Owner_Calc__c=f"A.{sign} Ortiz"), an_account(3)]
    plan = plan_of(rows, [an_organization(1)])
    assert [(one.kind, one.account_ids) for one in plan.problems] == [
        ("unreadable_value", (an_id(1),)),
        ("unreadable_value", (an_id(2),)),
    ]
    assert plan.problems[0].detail == f"Name of {an_id(1)} contains U+{ord(sign):04X}, which is not text."
    assert [one.account_id for one in plan.changes] == [an_id(3)]


def test_tabs_and_line_ends_are_no_control_characters() -> None:
    assert [control(f"a{sign}b") for sign in ("\t", "\n", "\r", "\r\n", "\u00a0", "\u2028", "")] == [None] * 7
