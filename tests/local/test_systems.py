"""The sandbox is used unless the environment names both systems."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from partner_sync.local import systems
from partner_sync.local.home import Home, Refusal


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({}, False),
        ({systems.SALESFORCE: "", systems.ZENDESK: ""}, False),
        ({systems.SALESFORCE: "{}", systems.ZENDESK: "{}"}, True),
    ],
)
def test_both_or_none(environ, own):
    assert systems.are_own(environ) is own


@pytest.mark.parametrize("name", [systems.SALESFORCE, systems.ZENDESK])
def test_one_alone_is_refused_with_both_names(name):
    with pytest.raises(Refusal) as refusal:
        systems.are_own({name: "{}"})
    assert systems.SALESFORCE in str(refusal.value)
    assert systems.ZENDESK in str(refusal.value)


def test_a_sandbox_that_cannot_start_names_its_log(tmp_path):
    home = Home(tmp_path / "home")
    with home.claim("a test"):
        home.make()
        (home.sandbox / "world.sqlite").write_text("no database")
        with ExitStack() as stack, pytest.raises(Refusal, match=r"See the end of .*sandbox\.log"):
            systems.Sandbox(stack, home, {}).connections()
