"""Change keys, hold ids and decision ids."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.change_keys import change_keys, decision_id, hold_id
from partner_sync.model import FieldChange, Mark

MARK = Mark("global", "0014M00001sDiGEQA0", 7, "Acme", (FieldChange("mark_for_deletion", False, True),), "deleted")


def test_a_row_has_one_key_per_field():
    fields = (FieldChange("account_owner", "A", "B"), FieldChange("support_hold", True, False))
    keys = change_keys(replace(MARK, fields=fields))
    assert len(set(keys)) == 2
    assert all(len(key) == 16 for key in keys)


def test_name_and_reason_are_not_part_of_a_key():
    assert change_keys(replace(MARK, name="Acme Inc", reason="merged")) == change_keys(MARK)


@pytest.mark.parametrize(
    "other",
    [
        replace(MARK, instance="us_gov"),
        replace(MARK, organization_id=8),
        replace(MARK, account_id="0014M00001sDiGFQA0"),
        replace(MARK, fields=(FieldChange("mark", False, True),)),
        replace(MARK, fields=(FieldChange("mark_for_deletion", None, True),)),
        replace(MARK, fields=(FieldChange("mark_for_deletion", False, None),)),
    ],
    ids=["instance", "organization", "account", "field", "before", "after"],
)
def test_a_key_changes_with_everything_that_the_row_writes(other):
    assert change_keys(other) != change_keys(MARK)


def test_a_number_and_the_truth_are_different_values():
    one, true = (replace(MARK, fields=(FieldChange("seats", None, value),)) for value in (1, True))
    assert change_keys(one) != change_keys(true)


def test_a_hold_has_the_same_id_for_the_same_rows_in_any_order():
    assert hold_id("limit", ["b", "a"]) == hold_id("limit", ["a", "b"])
    assert hold_id("limit", ["a", "b"]) != hold_id("budget", ["a", "b"])
    assert hold_id("limit", ["a", "b"]) != hold_id("limit", ["a"])
    assert len(hold_id("limit", ["a"])) == 12


def test_a_run_that_is_cleared_makes_the_same_decision_again():
    assert decision_id("run", "approve", ["a"]) == decision_id("run", "approve", ["a"])
    assert decision_id("another run", "approve", ["a"]) != decision_id("run", "approve", ["a"])
