"""The reviewed file: what it says."""

from __future__ import annotations

import hashlib

from partner_sync.config.limits import LIMITS, Approvals, Limit, Resting
from partner_sync.config.load import load, schema
from partner_sync.config.settings import Calls, Marks, OnlyIfOlder, Retry, Sync
from tests.compare.builders import PINNED, SHIPPED, TOML, edited

MINIMAL = """
[accounts]
connection = "salesforce_default"
object = "Account"
id = "Id"
name = "Name"
filter = { Type = "Partner" }
[[instances]]
name = "global"
connection = "zendesk_default"
write = true
[[attributes]]
field = "salesforce_id"
from = "Id"
rule = "id_18"
[[attributes]]
field = "name"
from = "Name"
rule = "text"
[[attributes]]
field = "account_type"
from = "Track__c"
rule = "dropdown"
options = { Open = "open_partner" }
[partners]
field = "account_type"
values = ["open_partner"]
"""


# -- what it says -------------------------------------------------------------------------------------------


def test_the_shipped_file_is_right_and_says_what_the_design_says() -> None:
    assert SHIPPED.accounts.pinned == (PINNED,)
    assert SHIPPED.accounts.filter == {
        "Type": "Partner",
        "Partners_Partner_Status__c": ("Authorized",),
        "Partner_Track__c": ("Open", "Select"),
    }
    assert [(one.name, one.connection, one.write) for one in SHIPPED.instances] == [("global", "zendesk_default", True)]
    assert [one.field for one in SHIPPED.attributes] == [
        "salesforce_id",
        "sfdc_short_id",
        "name",
        "account_owner",
        "technical_account_manager",
        "restricted_account",
        "solutions_architect",
        "account_type",
        "support_hold",
        "org_in_escalated_state",
    ]
    assert SHIPPED.limits == {
        "mark": Limit(floor=10, max_percent=20, max_percent_7_days=30),
        "create": Limit(floor=50, max_percent=20),
        "emptied": Limit(floor=20, max_percent=20),
        "rules": Limit(floor=10, max_percent=5),
    }
    assert SHIPPED.digest == hashlib.sha256(TOML.encode()).hexdigest()


def test_the_shipped_file_spells_out_the_defaults() -> None:
    assert (SHIPPED.marks, SHIPPED.limits, SHIPPED.approvals, SHIPPED.resting) == (
        Marks(),
        LIMITS,
        Approvals(),
        Resting(),
    )
    assert (SHIPPED.retry, SHIPPED.calls, SHIPPED.sync) == (Retry(), Calls(), Sync())


def test_what_is_left_out_has_its_default() -> None:
    config = load(MINIMAL, "partner_sync.toml")
    assert (config.problems, config.adoption) == ("report", "update")
    assert config.accounts.pinned == ()
    assert (config.marks, config.limits, config.approvals, config.resting) == (
        Marks(),
        LIMITS,
        Approvals(),
        Resting(),
    )
    assert (config.retry, config.calls, config.sync) == (Retry(), Calls(), Sync())


def test_the_limits_without_a_table_hold_even_if_the_file_limits_another_kind() -> None:
    config = load(f"{MINIMAL}[limits.create]\nmax_count = 50\n", "partner_sync.toml")
    assert config.limits == {**LIMITS, "create": Limit(max_count=50)}


def test_the_budget_of_marks_holds_even_if_the_file_has_another_limit_of_marks() -> None:
    config = load(f"{MINIMAL}[limits.mark]\nmax_count = 50\n", "partner_sync.toml")
    assert config.limits["mark"] == Limit(max_count=50, max_percent_7_days=30)


def test_marks_approvals_and_resting_values_are_what_the_file_says() -> None:
    marks = '[marks]\ngrace_days = 3\nmerged = "mark"\nno_trace = "mark"\nopen_tickets = "show"\nrecheck_minutes = 15\n'
    others = '[approvals]\npeople = 2\nhours = 8\nby = ["ana", "bo"]\n[resting]\nafter = 5\n'
    config = load(f"{MINIMAL}{marks}{others}", "partner_sync.toml")
    assert config.marks == Marks(grace_days=3, merged="mark", no_trace="mark", open_tickets="show", recheck_minutes=15)
    assert (config.approvals, config.resting) == (Approvals(2, 8, ("ana", "bo")), Resting(5))


def test_15_character_ids_come_out_as_18() -> None:
    text = edited('pinned = ["0014M00001sDiGEQA0"]', 'pinned = ["0014M00001sDiGE"]')
    config = load(edited("protected = []", 'protected = ["0014M00001sDiGE"]', text), "partner_sync.toml")
    assert config.accounts.pinned == (PINNED,)
    assert config.marks.protected == (PINNED,)


def test_the_options_of_a_dropdown_are_found_whatever_their_case() -> None:
    options = next(one.options for one in SHIPPED.attributes if one.field == "account_type")
    assert options == {"open": "open_partner", "select": "select_partner"}


def test_the_older_rule_is_two_settings() -> None:
    text = edited("# only_if_older", "only_if_older")
    assert load(text, "partner_sync.toml").marks == Marks(only_if_older=OnlyIfOlder(3, field="expiration_date"))


def test_the_older_rule_can_follow_a_date_of_salesforce() -> None:
    text = edited('# only_if_older = { field = "expiration_date"', 'only_if_older = { from = "Expired__c"')
    assert load(text, "partner_sync.toml").marks == Marks(only_if_older=OnlyIfOlder(3, source="Expired__c"))


def test_the_schema_has_type_default_bounds_and_meaning_of_every_setting() -> None:
    tables = [schema(), *schema()["$defs"].values()]
    settings = [(name, one) for table in tables for name, one in table["properties"].items()]
    assert len(settings) > 40
    assert [name for name, one in settings if not one.get("description")] == []
