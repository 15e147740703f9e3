"""Rules in canonical form: what changes their digest, and that a config gets them back whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.config.load import load
from partner_sync.config.rules import rules_digest, rules_text, with_rules
from tests.compare.builders import SHIPPED, TOML, edited

FIELD = 'field = "account_owner"\nfrom = "Account_Owner_Calc__c"'


def rules(text: str) -> str:
    return rules_text(load(text, "partner_sync.toml"))


SAME = {
    "a comment": edited("[accounts]", "# a comment\n[accounts]"),
    "the order of attributes": TOML.replace("[[attributes]]\n" + FIELD + '\nrule = "text"\n', "", 1)
    + "\n[[attributes]]\n"
    + FIELD
    + '\nrule = "text"\n',
    "the order in a list": edited('["Open", "Select"]', '["Select", "Open"]'),
    "a list of one value": edited('Type = "Partner"', 'Type = ["Partner"]'),
    "the case of a value of an option": edited("{ Open =", "{ open ="),
    "a Connection": edited('"salesforce_default"', '"salesforce_other"'),
    "a limit": edited("max_percent = 20", "max_percent = 25"),
    "an instance": edited("write = true", "write = false"),
    "what problems do": edited('problems = "report"', 'problems = "fail"'),
}
OTHER = {
    "the filter": edited('["Open", "Select"]', '["Open"]'),
    "a pinned account": edited('pinned = ["0014M00001sDiGEQA0"]', "pinned = []"),
    "a target field": edited(FIELD, FIELD.replace("account_owner", "owner")),
    "a source": edited(FIELD, FIELD.replace("Account_Owner_Calc__c", "Owner__c")),
    "a value that checks": edited('["Restricted Party"]', '["Restricted"]'),
    "an option": edited("{ Open =", '{ Technology = "open_partner", Open ='),
    "an attribute": edited("[partners]", '[[attributes]]\nfield = "x"\nfrom = "X__c"\nrule = "text"\n\n[partners]'),
    "the mark": edited("grace_days = 0", "grace_days = 3"),
    "adoption": edited('adoption = "update"', 'adoption = "problem"'),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_decides_nothing_leaves_the_rules_as_they_are(text: str) -> None:
    assert text != TOML
    assert rules(TOML) == rules(text)


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_what_decides_what_is_planned_changes_their_digest(text: str) -> None:
    assert rules_digest(rules(TOML)) != rules_digest(rules(text))


@pytest.mark.parametrize("text", [TOML, *OTHER.values()], ids=["shipped", *OTHER])
def test_a_config_gets_rules_back_as_they_were(text: str) -> None:
    config = with_rules(SHIPPED, rules(text))
    assert config is not None
    assert rules(text) == rules_text(config)
    assert (SHIPPED.limits, SHIPPED.accounts.connection) == (config.limits, config.accounts.connection)


def test_every_setting_of_the_covered_tables_is_in_the_rules() -> None:
    older = {"field": None, "from": "Closed__c", "years": 3}
    text = rules(
        edited("# only_if_older = { field = ", "only_if_older = { from = ").replace("expiration_date", "Closed__c")
    )
    config = with_rules(SHIPPED, text)
    assert config is not None
    assert config.marks.only_if_older is not None
    assert older["from"] == config.marks.only_if_older.source
    assert replace(config.marks, only_if_older=None) == SHIPPED.marks


def test_rules_of_another_shape_are_not_used() -> None:
    assert with_rules(SHIPPED, '{"mapping": []}') is None
    assert with_rules(SHIPPED, "not JSON") is None
