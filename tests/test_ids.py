"""Salesforce ids: the checksum, and that case is never mended."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_sync.ids import id_18
from tests.compare.builders import PINNED

SHORT = st.text(string.ascii_letters + string.digits, min_size=15, max_size=15)


@pytest.mark.parametrize("text", ["0014M00001sDiGE", "0014M00001sDiGEQA0", "  0014M00001sDiGEQA0\n"])
def test_15_and_18_characters_come_out_as_18_trimmed(text: str) -> None:
    assert id_18(text) == PINNED


@pytest.mark.parametrize(
    "text",
    [
        None,
        14,
        "",
        "0014M00001sDiG",
        "0014M00001sDiGEQA",
        "0014M00001sDiGEQA00",
        "0014M00001sDiGEqa0",
        "0014m00001sdigeqa0",
        "0014M00001sDiGEQA1",
        "0014M00001sDiG-",
        "0014M00001sDiGÉ",
    ],
)
def test_what_does_not_fit_together_is_no_id(text: object) -> None:
    assert id_18(text) is None


def test_each_upper_case_letter_counts_in_its_third_of_the_checksum() -> None:
    assert id_18("A" * 15) == "A" * 15 + "555"
    assert id_18("a" * 15) == "a" * 15 + "AAA"
    assert id_18("Abcdeabcdeabcde") == "AbcdeabcdeabcdeBAA"
    assert id_18("abcdEabcdeabcde") == "abcdEabcdeabcdeQAA"
    assert id_18("abcdeabcdeaBcde") == "abcdeabcdeaBcdeAAC"


@settings(deadline=None)
@given(SHORT)
def test_the_long_form_is_the_long_form_of_itself(text: str) -> None:
    full = id_18(text)
    assert full is not None
    assert full[:15] == text
    assert id_18(full) == full


@settings(deadline=None)
@given(SHORT, SHORT)
def test_long_forms_differ_even_without_case_wherever_short_ones_differ(one: str, other: str) -> None:
    first, second = id_18(one), id_18(other)
    assert first is not None
    assert second is not None
    assert (first.casefold() == second.casefold()) == (one == other)
    assert (id_18(one.swapcase()) or "").casefold() != first.casefold() or one.swapcase() == one
