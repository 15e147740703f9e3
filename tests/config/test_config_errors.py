"""Every error in the reviewed file: named where it is written, with what is wrong and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from partner_sync.config import validation as wording
from partner_sync.config.cross_checks import NEVER_WRITTEN
from partner_sync.config.load import load, tomllib
from partner_sync.errors import ConfigError
from tests.compare.builders import TOML, edited
from tests.naming import named


def findings(text: str) -> dict[str, str]:
    """Key of each error to what is wrong and what to do."""
    with pytest.raises(ConfigError) as caught:
        load(text, "partner_sync.toml")
    assert caught.value.where == "partner_sync.toml"
    found = named(caught.value)
    assert len(found) == len(caught.value.findings)
    return found


# -- errors of single settings ----------------------------------------------------------------------------


SINGLE = [
    # unknown words
    ("problems =", "problem =", "problem", 'is not a setting. Did you mean "problems"?'),
    ("floor = 10", "flor = 10", "limits.mark.flor", 'Did you mean "floor"?'),
    ("[limits.mark]", "[limits.marks]", "limits.marks", 'is not known. Did you mean "mark"?'),
    ("[partners]", "[zzz]\n[partners]", "zzz", "is not a setting. Known here: accounts, instances"),
    ('rule = "id_15"', 'rule = "id15"', "attributes[1].rule", 'is "id15". Did you mean "id_15"?'),
    ('rule = "id_15"', 'rule = "sum"', "attributes[1].rule", "Known here: id_18, id_15, text, checkbox"),
    ('"report"', '"fial"', "problems", 'Did you mean "fail"?'),
    ('adoption = "update"', "adoption = true", "adoption", "is true. Known here: update, problem"),
    # missing and empty
    ("write = true", "", "instances[0].write", "is missing. Wanted: true, or false"),
    ('object = "Account"', "", "accounts.object", "is missing"),
    ('from = "Name"', "", "attributes[2].from", "is missing. Wanted: the Salesforce field"),
    ('Type = "Partner"', "Type = []", "accounts.filter.Type", "is []"),
    ('Type = "Partner"', 'Type = " "', "accounts.filter.Type", 'is " "'),
    ('connection = "zendesk_default"', 'connection = ""', "instances[0].connection", 'is ""'),
    (
        'values = ["alliance_partner", "open_partner", "select_partner"]',
        "values = []",
        "partners.values",
        "is empty",
    ),
    # wrong types
    ("write = true", 'write = "true"', "instances[0].write", 'is "true", not true or false'),
    ('"Name"', "7", "accounts.name", "is 7, not text"),
    ('"Name"', "2026-11-24", "accounts.name", "not text"),
    ("floor = 10", "floor = 10.5", "limits.mark.floor", "is 10.5, not a whole number"),
    ("max_percent = 20", "max_percent = true", "limits.mark.max_percent", "is true, not a number"),
    ("protected = []", 'protected = "x"', "marks.protected", 'is "x", not a list'),
    ('"Partner"', "7", "accounts.filter.Type", "is 7"),
    ('"Authorized"', "7", "accounts.filter.Partners_Partner_Status__c", "is [7]"),
    ("[true, ", "[1, ", "attributes[8].true_for[0]", "is 1"),
    ('{ Open = "open_partner"', '{ Open = "open partner"', "attributes[7].options.Open", 'is "open partner"'),
    ("options = {", "options = [] # {", "attributes[7].options", "is [], not a table"),
    # words that would break a query or an address
    ('object = "Account"', 'object = "Account x"', "accounts.object", 'is "Account x"'),
    ('"Account_Owner_Calc__c"', '"Owner\' OR"', "attributes[3].from", "Wanted: the Salesforce field"),
    ("Type = ", "'T x' = ", 'accounts.filter."T x"', 'is "T x"'),
    ('name = "global"', 'name = "Global/1"', "instances[0].name", 'is "Global/1"'),
    ('field = "account_owner"', 'field = "account owner"', "attributes[3].field", 'is "account owner"'),
    # out of bounds
    ("floor = 10", "floor = -1", "limits.mark.floor", "is -1. It must be at least 0."),
    ("max_percent = 20", "max_percent = 101", "limits.mark.max_percent", "It must be at most 100."),
    ("max_percent = 20", "max_percent = nan", "limits.mark.max_percent", "is NaN"),
    ("max_percent = 20", "max_count = -5", "limits.mark.max_count", "It must be at least 0."),
    ("reserve_percent = 20", "reserve_percent = 100", "calls.reserve_percent", "It must be less than 100."),
    ("read_seconds = 60", "read_seconds = 0", "calls.read_seconds", "is 0. It must be more than 0."),
    ("read_seconds = 60", "read_seconds = inf", "calls.read_seconds", "is Infinity"),
    ("attempts = 4", "attempts = 0", "calls.attempts", "It must be at least 1."),
    ("jobs_in_flight = 20", "jobs_in_flight = 31", "sync.jobs_in_flight", "It must be at most 30."),
    ("first_seconds = 15", "first_seconds = -15", "retry.first_seconds", "It must be more than 0."),
    ("max_percent_7_days = 30", "max_percent_7_days = 101", "limits.mark.max_percent_7_days", "at most 100."),
    ("[limits.emptied]", "[limits.emptyed]", "limits.emptyed", 'is not known. Did you mean "emptied"?'),
    ("grace_days = 0", "grace_days = -1", "marks.grace_days", "It must be at least 0."),
    ("grace_days = 0", "grace_days = inf", "marks.grace_days", "is Infinity"),
    ('merged = "problem"', 'merged = "hold"', "marks.merged", 'is "hold". Known here: problem, mark'),
    ('no_trace = "hold"', 'no_trace = "holds"', "marks.no_trace", 'Did you mean "hold"?'),
    ('open_tickets = "hold"', "open_tickets = true", "marks.open_tickets", "Known here: hold, show, ignore"),
    ("recheck_minutes = 60", "recheck_minutes = 0", "marks.recheck_minutes", "It must be more than 0."),
    ("people = 1", "people = 3", "approvals.people", "It must be at most 2."),
    ("people = 1", "people = 0", "approvals.people", "It must be at least 1."),
    ("hours = 24", "hours = 0", "approvals.hours", "It must be more than 0."),
    ("by = []", 'by = [""]', "approvals.by[0]", 'is ""'),
    ("by = []", 'by = "ana"', "approvals.by", 'is "ana", not a list'),
    ("after = 3", "after = 0", "resting.after", "It must be at least 1."),
    ("# only_if_older", "only_if_older", "marks.only_if_older.years", "It must be more than 0."),
]


def single(old: str, new: str) -> str:
    return edited(old, new, edited("years = 3", "years = 0") if "only_if_older" in old else TOML)


@pytest.mark.parametrize(("old", "new", "key", "said"), SINGLE)
def test_a_wrong_setting_is_named_with_what_to_write(old: str, new: str, key: str, said: str) -> None:
    assert said in findings(single(old, new))[key]


def test_rows_are_missed_only_where_there_are_none() -> None:
    assert "is empty" in findings("instances = []\nattributes = []")["instances"]
    assert "instances" not in findings(edited("write = true", ""))


@pytest.mark.parametrize("text", ["", "accounts = 3\ninstances = 3\nattributes = [3]\npartners = 3\nlimits = 3"])
def test_a_file_of_the_wrong_shape_names_every_table(text: str) -> None:
    found = findings(text)
    assert {"accounts", "partners"} <= set(found)
    assert any(key.startswith("attributes") for key in found)
    assert any(key.startswith("instances") for key in found)


def test_a_line_that_is_not_toml_is_named() -> None:
    assert "is not TOML" in findings('problems = "report"\nadoption = update')["line 2"]


def test_an_end_that_comes_too_early_is_named() -> None:
    (key,) = findings('problems = "report"\n[accounts')
    assert key in ("the end", "line 2")


# -- errors of settings together --------------------------------------------------------------------------

SECOND = '[[instances]]\nname = "us_government"\nconnection = "zendesk_us"\nwrite = false\n\n[[attributes]]'
ROW = '[[attributes]]\nfield = "{}"\nfrom = "X__c"\nrule = "{}"\n{}\n[partners]'


def row(field: str, rule: str, more: str = "") -> str:
    return edited("[partners]", ROW.format(field, rule, more))


TOGETHER = [
    (
        edited('["0014M00001sDiGEQA0"]', '["0014M00001sDiGEQA1"]'),
        "accounts.pinned[0]",
        "which is not a valid account ID",
    ),
    (
        edited('["0014M00001sDiGEQA0"]', '["0014M00001sDiGEQA0", "0014M00001sDiGE"]'),
        "accounts.pinned[1]",
        "for the second time",
    ),
    (edited("protected = []", 'protected = ["x"]'), "marks.protected[0]", "which is not a valid account ID"),
    (
        edited("[[attributes]]", SECOND.replace("us_government", "global")),
        "instances[1].name",
        "for the second time",
    ),
    (
        edited("[[attributes]]", SECOND.replace("zendesk_us", "zendesk_default")),
        "instances[1].connection",
        "for the second time",
    ),
    (
        edited('"zendesk_default"', '"salesforce_default"'),
        "instances[0].connection",
        "need a Connection each",
    ),
    (row("account_owner", "text"), "attributes[10].field", "for the second time"),
    (row("region", "checkbox"), "attributes[10].true_for", "It must list what ticks the box"),
    (row("region", "dropdown"), "attributes[10].options", "It must map each Salesforce value to an option"),
    (row("region", "text", 'true_for = ["x"]'), "attributes[10].true_for", 'means nothing for rule "text"'),
    (row("region", "date", 'options = { a = "b" }'), "attributes[10].options", 'or make it a "dropdown"'),
    (row("region", "number", 'pinned = "b"'), "attributes[10].pinned", 'means nothing for rule "number"'),
    (
        row("region", "dropdown", 'options = { A = "a", "a " = "b" }'),
        "attributes[10].options",
        'has 2 entries for "a"',
    ),
    (row("region", "id_15"), "attributes[10].from", 'but rule "id_15" follows accounts.id'),
    (row("other_id", "id_18"), "attributes", 'has 2 rows with rule "id_18"'),
    (edited('rule = "id_18"', 'rule = "text"'), "attributes", 'has 0 rows with rule "id_18"'),
    (edited('field = "name"', 'field = "label"'), "attributes", "has no row for the name"),
    (edited('from = "Name"', 'from = "Label__c"'), "attributes[2].from", "but the name follows accounts.name"),
    (edited('from = "Name"\nrule = "text"', 'from = "Name"\nrule = "date"'), "attributes[2].rule", "for the name"),
    (
        edited('field = "account_type"               #', 'field = "account_tipe"  #'),
        "partners.field",
        'Did you mean "account_type"?',
    ),
    (edited('["alliance_partner", "open', '["aliance_partner", "open'), "partners.values[0]", "never writes"),
    (edited('["alliance_partner", "open', '["aliance_partner", "open'), "partners.values", 'lacks "alliance_'),
    (edited('["alliance_partner", ', "["), "partners.values", "never seen as partners again"),
    (
        edited('["alliance_partner", ', '["open_partner", "alliance_partner", '),
        "partners.values[2]",
        "for the second time",
    ),
    (edited('field = "mark_for_deletion"', 'field = "ignore_deletion"'), "marks.field", "which is never written"),
    (edited('field = "mark_for_deletion"', 'field = "support_hold"'), "marks.field", "which follows an account"),
    (
        edited("# only_if_older", "only_if_older", edited("expiration_date", "mark_for_deletion")),
        "marks.only_if_older.field",
        "the checkbox that marks",
    ),
    (
        edited("# only_if_older", "only_if_older", edited("expiration_date", "account_owner")),
        "marks.only_if_older.field",
        "which the rule text writes",
    ),
    (edited("max_percent = 20", "", edited("max_percent_7_days = 30", "")), "limits.mark", "limits nothing"),
    (edited("floor = 50\nmax_percent = 20", "floor = 50"), "limits.create", "limits nothing"),
    (
        edited("[limits.create]", "[limits.create]\nmax_percent_7_days = 30"),
        "limits.create.max_percent_7_days",
        "means nothing for create",
    ),
    (
        edited("# only_if_older", "only_if_older", edited('field = "expiration_date", years', "years")),
        "marks.only_if_older",
        "has neither field nor from",
    ),
    (
        edited("# only_if_older", "only_if_older", edited("years = 3", 'years = 3, from = "Expired__c"')),
        "marks.only_if_older",
        "has both field and from",
    ),
    (edited("max_percent = 20", "max_count = 9"), "limits.mark.max_count", "below the floor of 10"),
    (edited("max_seconds = 300", "max_seconds = 5"), "retry.max_seconds", "less than retry.first_seconds = 15"),
    (
        edited("max_skew_minutes = 30", "max_skew_minutes = 361"),
        "reads.max_skew_minutes",
        "more than sync.max_plan_age_hours = 6",
    ),
    (edited("max_skew_minutes = 30", "max_skew_minutes = 0"), "reads.max_skew_minutes", "is 0"),
    (
        edited("max_wait_seconds = 90", "max_wait_seconds = 0.5"),
        "calls.max_wait_seconds",
        "less than calls.first_wait_seconds = 1",
    ),
    (
        edited('from = "Account_Owner_Calc__c"', 'from = "NAME"'),
        "attributes[3].from",
        "is NAME, but Name elsewhere in the file",
    ),
    (edited("Type = ", "name = "), "accounts.filter.name", "is name, but Name elsewhere in the file"),
]


@pytest.mark.parametrize(("text", "key", "said"), TOGETHER)
def test_settings_that_contradict_each_other_are_named(text: str, key: str, said: str) -> None:
    assert said in findings(text)[key]


@pytest.mark.parametrize("field", sorted(NEVER_WRITTEN))
def test_what_is_not_ours_is_never_mapped(field: str) -> None:
    assert "which is never written" in findings(row(field, "text"))["attributes[10].field"]


def test_a_second_instance_that_is_only_read_is_no_error() -> None:
    config = load(edited("[[attributes]]", SECOND), "partner_sync.toml")
    assert [one.write for one in config.instances] == [True, False]


def test_what_a_broken_row_may_have_held_is_not_missed() -> None:
    assert set(findings(edited('from = "Name"', ""))) == {"attributes[2].from"}
    assert set(findings(edited('"dropdown"', '"dropdwon"'))) == {"attributes[7].rule"}


def test_all_errors_are_named_at_once() -> None:
    text = edited("write = true", "wirte = true", edited("floor = 10", "floor = -1"))
    text = edited("protected = []", 'protected = ["x"]', edited('field = "name"', 'field = "tags"', text))
    assert set(findings(text)) == {
        "instances[0].write",
        "instances[0].wirte",
        "limits.mark.floor",
        "marks.protected[0]",
        "attributes[2].field",
        "attributes",
    }


SHIPPED_LINES = TOML.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('rule = "dropdown"', 'rule = "dropdwon"', 'attribute "account_type", rule is "dropdwon"'),
        ("[true, ", "[1, ", 'attribute "support_hold", true_for, item 1 is 1'),
        ("write = true", "write = 1", 'instance "global", write is 1'),
        ("floor = 10", "flor = 10", "limits.mark.flor is not a setting"),
        ('pinned = ["0014M00001sDiGEQA0"]', 'pinned = [\n"x",\n]', 'accounts.pinned, item 1 is "x"'),
        ("Type = ", "'T x' = ", 'accounts.filter."T x" is "T x"'),
        ("[partners]", "[zzz]\n[partners]", "zzz is not a setting"),
    ],
)
def test_an_error_names_the_line_and_the_row(old: str, new: str, place: str) -> None:
    line = next(number for number, text in enumerate(SHIPPED_LINES, 1) if old in text)
    with pytest.raises(ConfigError) as caught:
        load(edited(old, new), "dags/partner_sync.toml")
    assert f"- line {line}, {place}" in str(caught.value)


def test_what_is_missing_is_named_by_the_line_of_its_table_or_row() -> None:
    with pytest.raises(ConfigError) as caught:
        load(edited("[partners]", "[partnerz]", edited('from = "Name"', "")), "dags/partner_sync.toml")
    row = SHIPPED_LINES.index('field = "name"')
    assert f'- line {row}, attribute "name", from is missing' in str(caught.value)
    assert "- partners is missing" in str(caught.value)


def test_a_long_value_is_cut_in_the_message() -> None:
    assert findings(edited('"report"', f'"{"x" * 200}"'))["problems"].startswith(f'is "{"x" * 56}...')


def test_a_mark_that_editors_put_before_a_text_is_no_error() -> None:
    assert load(f"\ufeff{TOML}", "partner_sync.toml").instances == load(TOML, "partner_sync.toml").instances


# -- all of them --------------------------------------------------------------------------------------------

WRONG_VALUES = [-1.5, float("nan"), True, "", "x y", [], [1], {"a b": 1}, date(2026, 11, 24)]


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {written(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if value == value else "nan"


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a table, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places_in(one, (*path, key))


def with_other(path: tuple[Any, ...], change: Any) -> str:
    """The shipped file with something done to the table or list that holds a place."""
    table = tomllib.loads(TOML)
    holder: Any = table
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return "\n".join(f"{key} = {written(value)}" for key, value in table.items())


@pytest.mark.parametrize("path", list(places_in(tomllib.loads(TOML))), ids=lambda path: wording.spelled(path))
def test_whatever_stands_in_a_place_is_right_or_an_error_with_a_place_a_reason_and_advice(path: tuple) -> None:
    texts = [with_other(path, lambda holder, key: holder.__delitem__(key))]
    texts += [
        with_other(path, lambda holder, key, other=other: holder.__setitem__(key, other)) for other in WRONG_VALUES
    ]
    refused = 0
    for text in texts:
        try:
            load(text, "partner_sync.toml")
        except ConfigError as error:
            refused += bool(named(error))
    assert refused >= 6
