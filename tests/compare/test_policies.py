"""Field policies: when a field of an existing organization follows Salesforce, and when it is left as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.desired import desired
from partner_sync.compare.differences import Differences
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.partner_states import partner_states
from partner_sync.config.load import Config, load
from partner_sync.errors import ConfigError
from tests.compare.builders import (
    BYSTANDER,
    CONFIG,
    accounts,
    an_account,
    an_instance,
    an_organization,
    changed,
    compared,
    edited,
    plan_of,
    snapshot,
)

OWNER = 'field = "account_owner"\nfrom = "Account_Owner_Calc__c"\nrule = "text"'


def config(**settings: object) -> Config:
    attributes = (replace(one, **settings) if one.field == "account_owner" else one for one in CONFIG.attributes)
    return replace(CONFIG, attributes=tuple(attributes))


@pytest.mark.parametrize(
    ("settings", "before", "want", "written"),
    [
        ({}, "A", "B", True),
        ({}, None, "B", True),
        ({}, "A", None, True),
        ({"clear": False}, "A", "B", True),
        ({"clear": False}, None, "B", True),
        ({"clear": False}, "A", None, False),
        ({"clear": False}, "A", "  ", False),
        ({"policy": "if_empty"}, "A", "B", False),
        ({"policy": "if_empty"}, None, "B", True),
        ({"policy": "if_empty"}, " ", "B", True),
        ({"policy": "if_empty"}, "A", None, False),
        ({"policy": "if_empty", "clear": False}, None, "B", True),
        ({"policy": "once"}, "A", "B", False),
        ({"policy": "once"}, None, "B", False),
        ({"policy": "once"}, "A", None, False),
    ],
)
def test_what_a_policy_writes_to_an_organization_that_exists(
    settings: dict[str, object], before: str | None, want: str | None, written: bool
) -> None:
    rows, organizations = [an_account(1, Account_Owner_Calc__c=want)], [an_organization(1, account_owner=before)]
    plan = plan_of(rows, organizations, config=config(**settings))
    assert [["account_owner"]] * written == [list(changed(one)) for one in plan.changes]
    assert (not written) == plan.counts["unchanged"]
    found = compared(config(**settings), accounts(*rows), snapshot(an_instance(*organizations, BYSTANDER)))
    (states,) = partner_states(found)
    assert written == (states.rows[0].desired != states.rows[0].existing), "what is left does not count as different"


@pytest.mark.parametrize("settings", [{}, {"policy": "once"}, {"policy": "if_empty"}, {"clear": False}])
def test_a_new_organization_gets_every_value(settings: dict[str, object]) -> None:
    plan = plan_of([an_account(1, Account_Owner_Calc__c="B")], [], config=config(**settings))
    assert (None, "B") == changed(plan.changes[0])["account_owner"]


@pytest.mark.parametrize("policy", ["source", "if_empty", "once"])
def test_other_fields_of_the_row_are_written_as_ever(policy: str) -> None:
    rows = [an_account(1, Account_Owner_Calc__c="B", Support_Hold__c=True)]
    plan = plan_of(rows, [an_organization(1, account_owner="A")], config=config(policy=policy))
    assert (False, True) == changed(plan.changes[0])["support_hold"]
    assert (policy == "source") == ("account_owner" in changed(plan.changes[0]))


@pytest.mark.parametrize("settings", [{"policy": "once"}, {"policy": "if_empty"}, {"clear": False}])
def test_what_a_person_puts_back_is_written_whatever_the_policy(settings: dict[str, object]) -> None:
    found = config(**settings)
    (account,) = desired(found, [an_account(1, Account_Owner_Calc__c=None)]).accounts.values()
    compare, organization = Differences(organization_schema(found), "global"), an_organization(1, account_owner="A")
    assert compare.update(account, organization, with_name=True) is None
    update = compare.update(account, organization, with_name=True, restored=["account_owner"])
    assert update is not None
    assert {"account_owner": ("A", None)} == changed(update)


def test_policies_are_part_of_the_shipped_file() -> None:
    text = edited(OWNER, f'{OWNER}\npolicy = "if_empty"\nclear = false')
    attribute = next(one for one in load(text, "x").attributes if one.field == "account_owner")
    assert ("if_empty", False) == (attribute.policy, attribute.clear)


@pytest.mark.parametrize(
    ("field", "setting", "words"),
    [
        ("salesforce_id", 'policy = "once"', "identifies an organization"),
        ("sfdc_short_id", "clear = false", "identifies an organization"),
        ("name", 'policy = "if_empty"', "identifies an organization"),
        ("account_type", 'policy = "once"', "identifies an organization"),
        ("support_hold", 'policy = "if_empty"', "is a checkbox, which is never empty"),
        ("support_hold", "clear = false", "is a checkbox, which is never empty"),
        ("account_owner", 'policy = "always"', "is"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_an_error(field: str, setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f'attribute "{field}", {setting.split()[0]}') as error:
        load(edited(f'field = "{field}"\nfrom', f'field = "{field}"\n{setting}\nfrom'), "x")
    assert words in str(error.value)


def test_a_checkbox_may_be_written_once() -> None:
    load(edited('field = "support_hold"\nfrom', 'field = "support_hold"\npolicy = "once"\nfrom'), "x")
