"""Stages for the tests of this folder: the real DAG against a sandbox of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from partner_sync.sandbox import World, large_world
from tests.dag.stage import Stage, staged

Stages = Callable[..., Stage]


@pytest.fixture
def stage(database: None, tmp_path: Path) -> Iterator[Stages]:
    """Makes a stage with a world of its own."""
    with ExitStack() as opened:

        def make(world: World | None = None, **settings: Any) -> Stage:
            return opened.enter_context(staged(tmp_path, world, **settings))

        yield make


@pytest.fixture
def small(stage: Stages) -> Stage:
    """A stage that wants two creates, two updates and two marks, each kind one batch."""
    return stage(large_world(accounts=6, organizations=12, creates=2, updates=2, marks=2))
