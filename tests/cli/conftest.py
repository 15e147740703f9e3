"""A run in an archive, for commands that look at it later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from partner_sync.model import Plan
from partner_sync.sandbox import Sandbox
from tests.sync.stage import SHIPPED, Stage


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(job_seconds=0) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path) -> Stage:
    """Two creates, two updates, and two organizations whose accounts are deleted."""
    sandbox.reset(world="large", accounts=6, organizations=12, creates=2, updates=2, marks=2)
    return Stage(sandbox, tmp_path / "archive", config=SHIPPED)


@pytest.fixture
def plan(stage: Stage) -> Plan:
    return stage.plan()
