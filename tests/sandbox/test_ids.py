"""Salesforce ids of 15 and 18 characters."""

from __future__ import annotations

import pytest

from partner_sync.sandbox import is_salesforce_id, salesforce_id
from partner_sync.sandbox.ids import numbered_id


@pytest.mark.parametrize(
    ("fifteen", "eighteen"),
    [
        ("0014M00001sDiGE", "0014M00001sDiGEQA0"),
        ("0015e000002ABCd", "0015e000002ABCdAAO"),
        ("000000000000000", "000000000000000AAA"),
    ],
)
def test_the_checksum_says_which_characters_are_capitals(fifteen: str, eighteen: str) -> None:
    assert salesforce_id(fifteen) == eighteen


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0014M00001sDiGEQA0", True),
        ("0014M00001sDiGE", True),
        ("0014M00001sDiGEQA1", False),
        ("0014M00001sDiGEQ", False),
        ("0014M00001sDi-E", False),
        ("", False),
    ],
)
def test_an_id_has_15_characters_or_18_with_the_right_checksum(value: str, expected: bool) -> None:
    assert is_salesforce_id(value) is expected


def test_what_is_not_15_letters_and_digits_has_no_checksum() -> None:
    with pytest.raises(ValueError, match="not a 15-character"):
        salesforce_id("short")


def test_numbered_ids_differ_and_are_well_formed() -> None:
    made = {numbered_id("0014M00001", number) for number in range(0, 5_000_000, 9_973)}
    assert len(made) == len(range(0, 5_000_000, 9_973))
    assert all(is_salesforce_id(each) for each in made)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        numbered_id("0014M00001", 62**5)
