"""Why a field changes, by what the last complete run read, wrote and planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.causes import Causes, LastReads
from partner_sync.compare.change_keys import field_key
from partner_sync.compare.earlier_runs import EarlierRuns, LastResults
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.model import Create, FieldChange, Mark, Update
from tests.compare.builders import CONFIG, an_account, an_id, an_organization

SCHEMA = organization_schema(CONFIG)
FIELD = FieldChange("account_owner", "old", "new")
ROW = Update("global", an_id(1), 101, "Partner 1", (FIELD,), "")
KEY = field_key(ROW, FIELD)


def cause(change=ROW, *, earlier=None, caused=(), restored=None, row=None, organization=None, known=True):
    rows = {} if row is None else {an_id(1): row}
    last = LastReads(known, rows, {101: organization} if organization else {})
    found = Causes(CONFIG, SCHEMA, earlier or EarlierRuns(), caused, restored or {}, last)
    (explained,) = found.explained([change])
    assert replace(explained, fields=change.fields) == change
    return [one.cause for one in explained.fields]


def read(owner: str, organization_owner: str, **changes):
    return {
        "row": an_account(1, Account_Owner_Calc__c=owner),
        "organization": an_organization(1, account_owner=organization_owner, **changes),
    }


def wrote(value: str) -> EarlierRuns:
    """The last run wrote this value, and Zendesk confirmed it."""
    sent = frozenset({KEY}) if value == "new" else frozenset()
    return EarlierRuns(written=sent, last=LastResults({101: {"account_owner": value}}))


@pytest.mark.parametrize(
    ("last", "earlier", "expected"),
    [
        (read("old", "old"), None, "salesforce"),
        (read("new", "new"), None, "zendesk"),
        (read("older", "other"), None, "both"),
        (read("new", "old"), None, None),
        # what the last run wrote was not read yet by that run
        (read("new", "old"), wrote("new"), "set_back"),
        (read("older", "old"), wrote("new"), "both"),
        (read("older", "before that"), wrote("old"), "salesforce"),
        (read("new", "before that"), wrote("other"), "zendesk"),
        # nothing is known of the last run
        ({"known": False}, None, None),
        # the account is new in the query, the organization was read without fields
        ({"row": None, "organization": an_organization(1, account_owner="old")}, None, "salesforce"),
        ({"row": an_account(1, Account_Owner_Calc__c="old"), "organization": None}, None, "salesforce"),
        (read("new", "new", fields=None), None, None),
    ],
)
def test_the_cause_of_a_field_of_an_update(last, earlier, expected) -> None:
    assert [expected] == cause(earlier=earlier, **last)


def test_names_are_compared_as_they_are_read() -> None:
    renamed = replace(ROW, fields=(FieldChange("name", "Old Name", "Partner 1"),))
    assert ["zendesk"] == cause(renamed, row=an_account(1), organization=an_organization(1, name="Partner 1"))
    assert ["salesforce"] == cause(
        renamed, row=an_account(1, Name="X"), organization=an_organization(1, name=" Old Name ")
    )


def test_rules_come_first_and_what_a_person_puts_back_has_no_cause() -> None:
    assert ["rules"] == cause(caused={KEY}, **read("old", "old"))
    assert [None] == cause(restored={101: {"account_owner"}}, **read("old", "old"))


def test_a_change_that_waits_keeps_its_cause() -> None:
    waiting = EarlierRuns(last=LastResults(causes={KEY: "zendesk"}))
    assert ["zendesk"] == cause(earlier=waiting, **read("new", "old"))
    assert ["salesforce"] == cause(earlier=waiting, **read("old", "old"))


def test_a_mark_is_caused_by_salesforce_if_the_account_was_there_and_a_create_if_it_was_not() -> None:
    mark = Mark("global", an_id(1), 101, "x", (FieldChange("mark_for_deletion", False, True),), "")
    assert (["salesforce"], [None]) == (cause(mark, row=an_account(1)), cause(mark))
    create = Create("global", an_id(1), "x", (FieldChange("name", None, "x"),), "")
    known, new, unknown = cause(create, row=an_account(1)), cause(create), cause(create, known=False)
    assert ([None], ["salesforce"], [None]) == (known, new, unknown)
