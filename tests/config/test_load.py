"""The reviewed file: what it says."""

from __future__ import annotations

import hashlib

from partner_sync.config.load import load, schema
from partner_sync.config.settings import Calls, Limit, Marks, OnlyIfOlder, Retry, Sync
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
    assert SHIPPED.limits == {"mark": Limit(floor=10, max_percent=20)}
    assert SHIPPED.digest == hashlib.sha256(TOML.encode()).hexdigest()


def test_the_shipped_file_spells_out_the_defaults() -> None:
    assert (SHIPPED.marks, SHIPPED.retry, SHIPPED.calls, SHIPPED.sync) == (Marks(), Retry(), Calls(), Sync())


def test_what_is_left_out_has_its_default() -> None:
    config = load(MINIMAL, "partner_sync.toml")
    assert (config.problems, config.adoption) == ("report", "update")
    assert config.accounts.pinned == ()
    assert (config.marks, config.retry, config.calls, config.sync) == (Marks(), Retry(), Calls(), Sync())


def test_the_limit_of_marks_holds_even_if_the_file_limits_another_kind() -> None:
    config = load(f"{MINIMAL}[limits.create]\nmax_count = 50\n", "partner_sync.toml")
    assert config.limits == {"mark": Limit(floor=10, max_percent=20), "create": Limit(max_count=50)}


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
    assert load(text, "partner_sync.toml").marks == Marks(only_if_older=OnlyIfOlder("expiration_date", 3))


def test_the_schema_has_type_default_bounds_and_meaning_of_every_setting() -> None:
    tables = [schema(), *schema()["$defs"].values()]
    settings = [(name, one) for table in tables for name, one in table["properties"].items()]
    assert len(settings) > 40
    assert [name for name, one in settings if not one.get("description")] == []
