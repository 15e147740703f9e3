"""Worlds with three changes of a kind, for tests that disturb the writing of one batch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from partner_sync.model import AccountsSnapshot, OrganizationsSnapshot, Plan
from partner_sync.sandbox import Sandbox
from tests.sync.stage import ROWS, Begin, Stage


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    limits = {"zendesk_calls_per_minute": 0, "salesforce_calls_per_day": 0, "zendesk_updates_per_minute": 0}
    with Sandbox(job_seconds=0, **limits) as running:
        yield running


FIRST: dict[str, tuple[AccountsSnapshot, OrganizationsSnapshot, Plan]] = {}
"""Kind of change to the snapshots and the plan of its world, which never changes."""


@pytest.fixture
def begin(sandbox: Sandbox, tmp_path: Path) -> Begin:
    """Resets the sandbox to a world with three changes of a kind, with `first`, its plan, named the newest."""
    numbers = itertools.count()

    def start(kind: str, job_seconds: float = 0) -> Stage:
        sandbox.reset(world="large", accounts=6, organizations=12, **{f"{kind}s": ROWS})
        sandbox.settings(job_seconds=job_seconds)
        stage = Stage(sandbox, tmp_path / str(next(numbers)))
        if kind not in FIRST:
            accounts, organizations = stage.accounts(), stage.organizations()
            FIRST[kind] = accounts, organizations, stage.plan(accounts, organizations)
        stage.snapshots, stage.first = FIRST[kind][:2], FIRST[kind][2]
        stage.clock.time = stage.first.order.made
        stage.keep(stage.first)
        stage.name(stage.first)
        return stage

    return start
