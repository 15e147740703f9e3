"""What a run knows of the person who started it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from partner_sync.orchestration.run_context import note_of


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        (None, ""),
        ("Agreed with <b>Ada</b>", "Agreed with <b>Ada</b>"),
        ("x" * 1000, "x" * 1000),
        ("x" * 10_000, f"{'x' * 1000}… (cut, 10,000 characters)"),
    ],
    ids=["none", "html", "the longest", "too long"],
)
def test_a_note_is_kept_as_text_and_a_long_one_is_cut_visibly(note, kept):
    assert note_of({"dag_run": SimpleNamespace(note=note), "params": {}}) == kept
