"""One command uses a home at a time, and nothing that is not ours is touched."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import ExitStack

import pytest

from partner_sync.local.children import Child
from partner_sync.local.home import Home, Refusal
from partner_sync.orchestration.locations import CHECKOUT


def test_the_home_is_in_the_checkout_unless_the_environment_names_another(tmp_path):
    assert Home.of({}).root == CHECKOUT / ".partner_sync"
    assert Home.of({"PARTNER_SYNC_HOME": ""}).root == CHECKOUT / ".partner_sync"
    assert Home.of({"PARTNER_SYNC_HOME": str(tmp_path)}).root == tmp_path


def test_who_comes_second_is_told_who_holds_the_home(tmp_path):
    home = Home(tmp_path / "home")
    with (
        home.claim("make up"),
        pytest.raises(Refusal, match=rf"make up \(process {os.getpid()}, since ..:..\) is using"),
        home.claim("make run"),
    ):
        pass


def test_a_home_is_free_again_when_its_holder_is_done(tmp_path):
    home = Home(tmp_path / "home")
    for what in ("make run", "make run"):
        with home.claim(what):
            pass


def test_a_child_that_got_the_lock_holds_the_home_after_us(tmp_path):
    home = Home(tmp_path / "home")
    with ExitStack() as stack:
        with home.claim("make up") as lock:
            home.make()
            Child(stack, "http.server", "0", env=os.environ, log=home.logs / "child.log", keep=(lock,))
        with pytest.raises(Refusal, match="make up"), home.claim("make run"):
            pass
    with home.claim("make run"):
        pass


def test_whatever_is_created_in_a_home_is_for_its_owner_only(tmp_path):
    before = os.umask(0o022)
    try:
        home = Home(tmp_path / "home")
        for folder in (home.root, home.xcom):  # as an earlier release left it
            folder.mkdir()
        home.marker.write_text("{}")
        with home.claim("make run"):
            home.make()
            with sqlite3.connect(home.airflow / "airflow.db") as database:
                database.execute("CREATE TABLE one (number)")
            script = "import sys; open(sys.argv[1], 'w').write('an XCom')"
            subprocess.run([sys.executable, "-c", script, home.xcom / "value"], check=True)
        folders = (home.airflow, home.archive, home.xcom, home.sandbox, home.logs)
        files = (home.airflow / "airflow.db", home.xcom / "value", home.secrets, home.passwords)
        assert {0o700} == {stat.S_IMODE(path.stat().st_mode) for path in folders}
        assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in files}
        assert 0o022 == os.umask(0o022)
    finally:
        os.umask(before)


def test_a_folder_with_other_files_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Refusal, match="holds files that are not ours"), Home(tmp_path).claim("make clean"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_only_looks_like_ours_is_refused(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "archive").mkdir()
    with pytest.raises(Refusal, match="holds files that are not ours"), Home(tmp_path).claim("make clean"):
        pass


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(Refusal, match="is not a folder"), Home(tmp_path / "home").claim("make run"):
        pass


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="cannot be used"), Home(tmp_path / "file" / "home").claim("make run"):
        pass


def test_cleaning_removes_what_is_ours_follows_no_link_and_leaves_the_rest(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "plan.json").write_text("")
    home = Home(tmp_path / "home")
    with home.claim("make clean"):
        home.make()
        home.archive.rmdir()
        home.archive.symlink_to(elsewhere)
        (home.root / "thesis.txt").write_text("mine")
        left = home.empty()
    assert left == [home.root / "thesis.txt"]
    assert (elsewhere / "plan.json").exists()
    assert sorted(path.name for path in home.root.iterdir()) == ["home.json", "thesis.txt"]


def test_a_cleaned_home_is_as_good_as_new(tmp_path):
    home = Home(tmp_path / "home")
    for _ in range(2):
        with home.claim("make clean"):
            home.make()
            assert home.empty() == []
        assert list(home.root.iterdir()) == []


def test_secrets_are_long_random_and_of_their_owner_only(tmp_path):
    first, second = Home(tmp_path / "first"), Home(tmp_path / "second")
    for home in (first, second):
        with home.claim("a test"):
            home.make()
        assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.passwords.stat().st_mode) == 0o600
    assert len(first.secret("jwt_secret")) >= 64
    assert first.secret("jwt_secret") != second.secret("jwt_secret")
    assert first.password() != second.password()
