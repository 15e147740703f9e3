"""The history of an archive that real DAG runs wrote."""

from __future__ import annotations

from partner_sync.history import History
from partner_sync.history.changes import Filters
from partner_sync.history.labels import HOLD_LABELS
from partner_sync.page.downloads import change_rows


def test_the_history_of_real_runs_is_complete(stage):
    world = stage()
    first, second = world.run(), world.run()
    history = History(world.archive.root, world.folder / "index", fresh_seconds=0)
    found = history.overview()
    assert () == history.unreadable()
    assert ["success", "success"] == [row.state for row in found.chart]
    assert sum(found.partners.values()) == second.record.plan.counts["partner_organizations"]
    run_id = first.record.trigger.run_id
    run = history.run(run_id)
    held = sum(hold.rows for hold in first.plan.holds)
    assert {"confirmed": len(first.plan.changes), "withheld": held} == run.outcomes
    assert (run.row.batches, run.row.batches) == (run.row.batches_done, len(first.plan.digests))
    for row in change_rows(history, run_id, None, Filters(), "plan"):
        assert row.organization_id is not None
        [story] = history.account(row.account_id)
        if row.hold:
            assert ("differs", True) == (story.now, HOLD_LABELS[row.hold_reason] in story.sentence)
            continue
        expected = "marked" if row.kind == "mark" else "as desired"
        in_problem = any(row.account_id in one.account_ids for one in second.record.plan.problems)
        assert story.now == ("problem" if in_problem else expected)
        if expected == "as desired" and not in_problem:
            assert [(field.field, field.desired) for field in story.fields if field.known] == [
                (field.field, field.existing) for field in story.fields if field.known
            ]
    unchanged = world.archive.partner_states("global").rows
    changed = {change.account_id for change in first.plan.changes}
    quiet = next(row for row in unchanged if row.desired == row.existing and row.account_id not in changed)
    assert [quiet.account_id] == [hit.account_id for hit in history.find(quiet.account_id).hits]
