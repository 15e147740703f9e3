"""Generated parts: up to date on the pages, and complete."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from docs.generate import PARTS, TABLES, filled, markdown, tables
from docs.generate.config_keys import RULES
from docs.generate.output import COMMANDS, SHORT
from partner_sync.cli.fields import Table, required_fields
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.soql import selected_fields
from partner_sync.config.load import schema
from partner_sync.config.settings import Instance
from tests.compare.builders import BYSTANDER, CONFIG, SHIPPED, accounts, an_account, an_instance, make_plan, snapshot
from tests.docs.pages import SHOWN, TEXT

REPAIR = "make docs writes the generated parts"


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_on_the_pages_as_the_code_makes_it(part: str) -> None:
    assert SHOWN[part] == PARTS[part]().strip(), REPAIR


def test_each_part_is_on_one_page() -> None:
    names = {*PARTS, *COMMANDS, SHORT}
    assert set(SHOWN) == names
    assert [1] * len(names) == [TEXT.count(f"<!-- {name} -->") for name in names]


def test_a_page_keeps_what_is_outside_of_the_named_parts() -> None:
    page = "a\n<!-- one -->\nold\n<!-- end -->\nb\n<!-- two -->\nkept\n<!-- end -->\n"
    assert filled(page, {"one": "new"}) == page.replace("old", "\nnew\n")


def rows(part: str) -> dict[str, tuple[str, ...]]:
    """The rows of a part by what stands in their first column."""
    return {row[0]: row for table in TABLES[part]() for row in table.rows}


@pytest.mark.parametrize("part", [name for name in TABLES if name != "fields"])
def test_every_row_fills_the_columns_of_its_table(part: str) -> None:
    made = TABLES[part]()
    assert made
    assert all(len(row) == len(table.columns) for table in made for row in table.rows)
    assert [row for table in made for row in table.rows if not row[0] or not row[-1]] == []


TOP = ("schedule", "problems", "adoption")
"""Settings outside of all tables."""


def test_every_setting_of_the_schema_has_its_row() -> None:
    keys = {key for key, node in schema()["properties"].items() if key not in TOP}
    shown = [row[0].split(".")[-1].strip("`") for table in TABLES["config"]() for row in table.rows]
    named = [name for node in schema()["$defs"].values() for name in node["properties"]]
    rules = list(RULES)
    assert sorted(shown) == sorted([*named, *TOP, *rules])
    headings = " ".join(table.heading for table in TABLES["config"]())
    assert [key for key in keys if f"[{key}" not in headings] == []


def test_every_number_has_a_unit_and_what_bounds_it() -> None:
    numbers = [row for row in rows("config").values() if row[1].startswith(("number", "whole number"))]
    assert len(numbers) > 15
    assert [row[0] for row in numbers if not row[3] or ("from" not in row[1] and "over" not in row[1])] == []


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("problems", ('`"report"` or `"fail"`', '`"report"`', "")),
        ("jobs_in_flight", ("whole number, from 1 to 30", "`20`", "jobs")),
        ("reserve_percent", ("number, from 0 under 100", "`20`", "%")),
        ("max_count", ("whole number, from 0", "none", "changes")),
        ("job_minutes", ("number, over 0", "`20`", "minutes")),
        ("true_for", ("list of text, true or false", "none", "")),
        ("filter", ("table", "required", "")),
        ("only_if_older.years", ("whole number, over 0 to 100", "required", "years")),
    ],
)
def test_a_setting_is_told_with_type_default_and_unit(key: str, shown: tuple[str, ...]) -> None:
    assert rows("config")[f"`{key}`"][1:4] == shown


def test_the_fields_of_both_systems_are_those_of_the_query_and_of_the_pre_flight() -> None:
    salesforce, zendesk = required_fields(SHIPPED)
    assert [row[0] for row in salesforce.rows] == [f"`{source}`" for source in selected_fields(SHIPPED)]
    assert [row[0] for row in zendesk.rows] == [f"`{one.key}`" for one in organization_schema(SHIPPED).expected]
    uses = {row[0]: row[1] for row in salesforce.rows}
    assert uses["`Account_ID_18__c`"] == "`salesforce_id`, `external_id` of a new organization, `sfdc_short_id`"
    assert uses["`Partner_Track__c`"] == "`account_type`, the filter"
    options = {row[0]: row[2] for row in zendesk.rows}
    assert options["`account_type`"] == "`alliance_partner`, `open_partner`, `select_partner`"


@pytest.mark.parametrize(
    ("source", "lookup"),
    [("Solutions_Architect_Lookup__r.Name", "Solutions_Architect_Lookup__c"), ("Owner.Name", "OwnerId"), ("Name", "")],
)
def test_a_path_names_the_lookup_that_has_to_be_seen_too(source: str, lookup: str) -> None:
    attributes = tuple(
        replace(one, source=source) if one.field == "solutions_architect" else one for one in SHIPPED.attributes
    )
    salesforce, _ = required_fields(replace(SHIPPED, attributes=attributes))
    (more,) = [row[2] for row in salesforce.rows if row[0] == f"`{source}`"]
    assert more == (f"the lookup `{lookup}`, and `Name` of the records it points to" if lookup else "")


def test_the_counts_are_those_of_a_plan() -> None:
    (table,) = TABLES["counts"]()
    told = {row[0].strip("`") for row in table.rows}
    config = replace(CONFIG, instances=tuple(Instance(name, name, write=True) for name in ("one", "other")))
    sides = snapshot(an_instance(BYSTANDER, name="one"), an_instance(BYSTANDER, name="other", write=False))
    plan = make_plan(config, accounts(an_account()), sides)
    assert told == {re.sub(r"^type:.*", "type:…", name.split(".")[-1]) for name in plan.counts}


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    table = Table(("a",), (("x | y",),))
    assert markdown([table]) == "| a |\n| --- |\n| x \\| y |"


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("One.", "One."),
        ("One; and\n    the rest of it. Two.", "One; and the rest of it."),
        ("See x.py for it. `Two` is more.\n\nThree.", "See x.py for it."),
        ("No full stop", "No full stop."),
    ],
)
def test_the_first_sentence_is_what_stands_before_the_first_full_stop(docstring: str, sentence: str) -> None:
    assert tables.first_sentence(docstring) == sentence
