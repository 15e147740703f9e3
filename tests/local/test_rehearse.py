"""`make rehearse`: the real DAG with an edited config, on what a run of the archive left, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from partner_sync.archive.archive import Archive
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.object_store import put
from partner_sync.local.home import Home, Refusal
from partner_sync.local.rehearse import carry_over, rehearse
from partner_sync.sandbox import Sandbox, large_world
from tests.compare.builders import TOML, edited
from tests.dag.stage import staged, with_instance
from tests.sync.stage import SHIPPED, Stage
from tests.webhook import Webhook, serving

REPOSITORY = Path(__file__).parents[2]
OWNER = 'field = "account_owner"'
RENAMED = edited(OWNER, 'field = "owner_name"')
ANY_NUMBER = RENAMED.replace("max_percent = 5 ", "max_percent = 100 ")


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What comes of `python -m partner_sync.local ARGUMENTS`."""
    return subprocess.run(
        [sys.executable, "-m", "partner_sync.local", *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.defpath, **environ},
        capture_output=True,
        text=True,
        timeout=180,
    )


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a home but those of the rehearsal, with its bytes."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] != "rehearsal"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home after one `make run`."""
    made = Home(tmp_path_factory.mktemp("rehearse") / "home")
    done = command("run", PARTNER_SYNC_HOME=str(made.root))
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture
def rehearsed(home: Home, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.CompletedProcess[str], Any]]]:
    """Rehearses a config: what the command printed, and the outcome as data. The home must be as it was before."""
    before = content(home.root)

    def run(text: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], Any]:
        path = tmp_path / "new.toml"
        path.write_text(text)
        done = command("rehearse", CONFIG=str(path), PARTNER_SYNC_HOME=str(home.root), **environ)
        return done, json.loads(Home(home.rehearsal).last_run.read_text())

    yield run
    assert content(home.root) == before


def test_the_same_config_changes_only_what_the_run_left_undone(home: Home, rehearsed: Any) -> None:
    done, outcome = rehearsed(TOML)
    last = json.loads(home.last_run.read_text())
    assert (done.returncode, done.stderr, outcome["planned"]) == (0, "", {"create": 0, "update": 0, "mark": 0})
    assert last["planned"]["create"] > 0
    assert (last["problems"], last["holds"]) == (outcome["problems"], outcome["holds"])
    assert f"Systems  sandbox as run {last['run_id']} left it, read " in done.stdout
    assert "What the snapshots cannot show" not in done.stdout


def test_rows_that_only_the_edit_causes_are_held_and_nobody_is_notified(rehearsed: Any) -> None:
    systems = {f"AIRFLOW_CONN_{name}_DEFAULT": "not to be used" for name in ("SALESFORCE", "ZENDESK")}
    with serving(Webhook()) as team:
        done, outcome = rehearsed(
            edited('["Open", "Select"]', '["Select"]'),
            AIRFLOW_CONN_PARTNER_SYNC_APPRISE=team.connection,
            **systems,
        )
    assert (done.returncode, outcome["failed_tasks"], outcome["planned"]["mark"]) == (1, ["sync withheld"], 0)
    (hold,) = [one for one in outcome["holds"] if one["reason"] == "rules"]
    assert (hold["kind"], hold["rows"] > 10) == ("mark", True)
    assert f"mark {hold['rows']}  in global, caused by a changed config" in done.stdout
    _, summary = done.stdout.split("\nRead ", 1)  # above it is the log, with the link that compare logs in every run
    assert [words for words in ("approve", "http://", "CONF=") if words in summary] == []
    assert team.got == []


def test_rows_of_the_edit_are_written_to_the_sandbox_and_confirmed(home: Home, rehearsed: Any) -> None:
    done, outcome = rehearsed(ANY_NUMBER, ALL="1")
    updates = outcome["planned"]["update"]
    assert (done.returncode, updates > 40, outcome["verdicts"]) == (0, True, {"confirmed": updates})
    assert done.stdout.count("owner_name: (empty) -> ") == updates
    assert "  owner_name: The snapshot does not have its values in Zendesk. It counts as empty" in done.stdout
    assert [words for words in ("Undo ", "make up", "make run") if words in done.stdout] == []
    cleaned = command("clean", PARTNER_SYNC_HOME=str(home.rehearsal))
    assert (cleaned.returncode, list(home.rehearsal.iterdir())) == (0, [])


def test_each_instance_has_a_sandbox_with_its_own_organizations(database: None, tmp_path: Path) -> None:
    small = {"accounts": 6, "organizations": 12}
    with staged(tmp_path, large_world(**small, updates=2)) as stage, Sandbox(large_world(**small, updates=3)) as other:
        stage.connections["zendesk_emea"] = other.connections()["zendesk"]
        stage.config(with_instance("emea"))
        run = stage.run(dry_run=True)
    environ = {
        "CONFIG": str(stage.folder / "partner_sync.toml"),
        "RUN": run.dag_run.run_id,
        "PARTNER_SYNC_HOME": str(tmp_path / "home"),
        "PARTNER_SYNC_ARCHIVE": str(stage.archive.root),
    }
    before = content(stage.archive.root)
    done = command("rehearse", **environ)
    outcome = json.loads((tmp_path / "home" / "rehearsal" / "last-run.json").read_text())
    planned = {kind: sum(one.kind == kind for one in run.plan.changes) for kind in ("create", "update", "mark")}
    assert (done.returncode, outcome["planned"]) == (0, planned), done.stdout
    assert outcome["verdicts"] == {"confirmed": len(run.plan.changes)}
    assert {"global", "emea"} == {one.instance for one in run.plan.changes}
    assert content(stage.archive.root) == before


# -- what is refused ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(large_world(accounts=6, organizations=12, updates=2), job_seconds=0) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path) -> Stage:
    """An archive with a run."""
    made = Stage(sandbox, tmp_path / "archive", config=SHIPPED)
    made.plan()
    return made


def refused(folder: Path, text: str | None = TOML, **environ: str) -> str:
    """Why a rehearsal is refused; nothing is written."""
    if text is not None:
        (folder / "new.toml").write_text(text)
    values = {"CONFIG": str(folder / "new.toml"), "PARTNER_SYNC_HOME": str(folder / "home")}
    values["PARTNER_SYNC_ARCHIVE"] = str(folder / "archive")
    with pytest.raises(Refusal) as caught:
        rehearse({**values, **environ}, Console())
    assert not (folder / "home" / "rehearsal").exists()
    return str(caught.value)


def test_without_a_config_the_command_is_shown(tmp_path: Path) -> None:
    assert "make rehearse CONFIG=NEW.toml" in refused(tmp_path, CONFIG=" ")


def test_a_config_that_cannot_be_read_is_named(stage: Stage, tmp_path: Path) -> None:
    why = refused(tmp_path, None)
    assert "new.toml cannot be read" in why
    assert "Name the config with CONFIG." in why


def test_every_error_of_the_config_has_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    path.write_text(edited('rule = "dropdown"', 'rule = "list"').replace("grace_days = 0", "grace_days = -1"))
    done = command("rehearse", CONFIG=str(path), PARTNER_SYNC_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stdout, (tmp_path / "home").exists()) == (2, "", False)
    assert [" errors:" in done.stderr, "\n  - " in done.stderr, "grace_days" in done.stderr] == [True] * 3


def test_an_archive_without_a_complete_run_is_refused_with_the_next_step(tmp_path: Path) -> None:
    assert "The archive has no complete run yet. Start a run, or name a dry run." in refused(tmp_path)


def test_an_unknown_run_is_refused_with_the_newest(stage: Stage, tmp_path: Path) -> None:
    assert "has no run nobody. The newest runs are " in refused(tmp_path, RUN="nobody")


@pytest.mark.parametrize("damage", [b"not gzip", None], ids=["damaged", "missing"])
def test_a_snapshot_that_is_not_whole_is_refused_with_the_next_step(
    stage: Stage, tmp_path: Path, damage: bytes | None
) -> None:
    for path in (tmp_path / "archive" / "snapshots").iterdir():
        path.unlink() if damage is None else path.write_bytes(damage)
    why = refused(tmp_path)
    assert ("is missing" if damage is None else "is damaged or foreign") in why
    assert "Choose a newer run." in why


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (edited('name = "global"', 'name = "emea"'), "did not read the instance emea. Name a run that did in RUN"),
        (edited('object = "Account"', 'object = "Partner__c"'), "Review the first run with it as a dry run."),
        (TOML.replace("Account_ID_18__c", "Other__c"), "Review the first run with it as a dry run."),
    ],
    ids=["instance", "object", "id"],
)
def test_an_edit_that_no_snapshot_can_show_is_refused(stage: Stage, tmp_path: Path, text: str, shown: str) -> None:
    assert shown in refused(tmp_path, text)


def test_a_home_with_other_files_is_left_alone(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("mine")
    assert "holds files that are not ours" in refused(tmp_path)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.txt"]


def test_neither_a_second_rehearsal_nor_make_clean_disturbs_the_first(stage: Stage, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.claim("make up"):
        pass
    (tmp_path / "new.toml").write_text(TOML)
    environ = {
        "CONFIG": str(tmp_path / "new.toml"),
        "PARTNER_SYNC_HOME": str(home.root),
        "PARTNER_SYNC_ARCHIVE": str(tmp_path / "archive"),
    }
    with Home(home.rehearsal).claim("make rehearse"):
        with home.claim("make up"):
            second = command("rehearse", **environ)
        cleaning = command("clean", **environ)
    assert [2, 2] == [second.returncode, cleaning.returncode]
    assert all(one.stderr.startswith("make rehearse (process ") for one in (second, cleaning)), "and not make up"
    assert home.rehearsal.exists()


def test_a_rehearsal_begins_with_what_the_archive_remembers_but_no_open_job(stage: Stage, tmp_path: Path) -> None:
    instance = stage.archive.root / "instances" / "global"
    put(instance / "open" / "job.json", "{}")
    put(instance / "decisions" / "one.json", "{}")
    own = tmp_path / "own"
    carry_over(stage.archive, own, ["global", "unknown"])
    known, memory = InstanceMemory(own, "global"), InstanceMemory(stage.archive.root, "global").newest()
    assert memory is not None
    assert (known.newest(), known.armed()) == (memory, InstanceMemory(stage.archive.root, "global").armed())
    assert Archive(own).run(Archive(own).run_folder(memory.run_id, memory.run_after)) is not None
    copied = content(own)
    assert {f"snapshots/{memory.accounts}.json.gz", f"snapshots/{memory.organizations}.json.gz"} <= copied.keys()
    assert {"instances/global/decisions/one.json", f"rules/{memory.rules}.json"} <= copied.keys()
    assert [name for name in copied if "/open/" in name or name.endswith("read.json")] == []
    original = content(stage.archive.root)
    assert copied == {name: original[name] for name in copied}
