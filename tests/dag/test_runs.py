"""The real DAG through worlds: what it writes, what it leaves alone, and that a second run finds nothing to do."""

from __future__ import annotations


def test_a_first_run_brings_everything_in_sync_and_a_second_writes_nothing(stage):
    world = stage()
    first = world.run()
    assert "success" == first.state
    assert {"confirmed": len(first.plan.changes)} == first.counts()
    assert {"create", "update", "mark"} == {change.kind for change in first.plan.changes}
    writes = len(world.sandbox.writes())
    second = world.run()
    assert ("success", "skipped") == (second.state, second.tasks["sync"])
    assert writes == len(world.sandbox.writes())
    assert () == second.plan.changes
    assert first.record.plan.problems == second.record.plan.problems
