"""The results that the documentation shows are the kept results, number by number, and cover what the tests cover."""

from __future__ import annotations

import re

import pytest

from docs.generate import REPOSITORY, filled, shown
from tests.assurance import PARTS
from tests.faults import table as matrix
from tests.production import faults, kept, test_scale, trial

PAGE = (REPOSITORY / "docs" / "assurance.md").read_text(encoding="utf-8")
MADE = {name: made() for name, made in PARTS.items()}


@pytest.mark.parametrize("name", PARTS)
def test_no_number_can_be_forged_on_the_page(name):
    part = shown(PAGE)[name]
    numbers = list(re.finditer(r"\d+", part))
    assert numbers
    for number in numbers:
        forged = f"{part[: number.start()]}{int(number[0]) + 1}{part[number.end() :]}"
        page = PAGE.replace(part, forged)
        assert PAGE != page
        assert MADE[name].strip() != shown(page)[name]
        assert PAGE == filled(page, MADE)


def test_a_forged_kept_result_of_the_matrix_changes_the_page():
    first, *others = matrix.kept()
    for forged in ({"doubles": 9}, {"writes": first.writes + 1}, {"signs": {**first.signs, "refused": "c"}}):
        changed = matrix.RowResult(**{**vars(first), **forged})
        assert matrix.table([changed, *others]) != matrix.table(matrix.kept())


def test_the_kept_matrix_has_a_result_for_each_cell_and_none_broke_an_invariant():
    rows = matrix.kept()
    assert [] == matrix.incomplete(rows)
    assert {sign for row in rows for sign in row.signs.values()} <= set(matrix.SIGNS)
    assert 0 == sum(row.doubles for row in rows)


def test_an_incomplete_matrix_is_not_kept_and_a_changed_sign_is_shown():
    first, *others = matrix.kept()
    fault, *more = first.signs
    assert [f"{first.row} - {fault}"] == matrix.incomplete(
        [matrix.RowResult(first.row, {name: first.signs[name] for name in more}, 0, 0, 0), *others]
    )
    changed = matrix.RowResult(first.row, {**first.signs, fault: "n"}, first.writes, 2, 0)
    assert [
        f"{first.row} - {fault}: n, kept as {first.signs[fault]}",
        f"{first.row}: 2 rows written twice, kept as {first.doubles}",
    ] == matrix.changed(matrix.kept(), [changed])


def test_the_kept_production_results_have_a_row_for_each_fault_and_none_broke_an_invariant():
    rows = kept.kept_faults()
    assert [trial.UNDISTURBED, *faults.FAULTS] == [row.fault for row in rows]
    assert {("success", 0, 0)} == {
        (state, row.written_twice, row.created_twice) for row in rows for state in row.states
    }
    assert {trial.CHANGES} == {row.writes for row in rows if row.fault != "Salesforce answers 503 for a minute"}


def test_the_kept_sizes_have_each_number():
    scale = kept.kept_scale()
    assert ["20", "200"] == list(scale)
    assert [[*test_scale.NUMBERS]] * 2 == [[*numbers] for numbers in scale.values()]
