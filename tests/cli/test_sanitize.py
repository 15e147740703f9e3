"""Text from outside is shown, never obeyed."""

from __future__ import annotations

import pytest

from partner_sync.cli.sanitize import sanitize


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme Robotics", "Acme Robotics"),
        ("株式会社ひかり", "株式会社ひかり"),
        ("[red]Acme[/red]", "[red]Acme[/red]"),
        ("\x1b[2JAcme", r"\x1b[2JAcme"),
        ("\x9b2JAcme", r"\x9b2JAcme"),
        ("one\r\nline\tonly", r"one\r line only"),
        ("bell\x07 and nothing\x00", r"bell\x07 and nothing\x00"),
        ("turned \u202eround", r"turned \u202eround"),
        ("line\u2028separator", r"line\u2028separator"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("half a pair \ud800", r"half a pair \ud800"),
        (7, "7"),
    ],
)
def test_what_a_terminal_would_obey_is_spelt_out(text, shown):
    assert sanitize(text) == shown
