"""The real DAG where a task ends with an error: the archive knows it, and the error stays the one that was raised."""

from __future__ import annotations

from partner_sync.archive.archive import Archive


def test_a_wrong_config_is_archived_with_its_task_and_words(stage):
    world = stage()
    world.config(lambda text: text.replace('adoption = "update"', 'adoption = "sometimes"'))
    run = world.run()
    assert "failed" == run.state
    assert run.record is None
    [day] = (world.folder / "archive" / "runs").iterdir()
    [folder] = day.iterdir()
    failures = {one.task: one for one in world.archive.failures(folder)}
    assert {"gather_accounts", "gather_organizations"} == set(failures)
    one = failures["gather_accounts"]
    assert ("ConfigError", 1, None, False) == (one.error, one.try_number, one.batch, one.retryable)
    assert "adoption" in one.message
    assert "manual" == one.trigger.run_type


def test_an_archive_that_cannot_be_written_hides_nothing(stage, caplog):
    world = stage()
    world.config(lambda text: text.replace('adoption = "update"', 'adoption = "sometimes"'))
    (world.folder / "archive").write_text("a file where a folder should be")
    world.archive = Archive(world.folder / "elsewhere")  # only for the look afterwards
    run = world.run()
    assert "failed" == run.state
    assert {"failed"} == {run.tasks[task] for task in ("gather_accounts", "gather_organizations")}
    warnings = [record.getMessage() for record in caplog.records if "could not be archived" in record.getMessage()]
    assert 2 == len(warnings)
