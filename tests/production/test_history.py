"""The history of an archive on S3, over HTTP: the same as that of a folder, and a sentence for whatever is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from partner_sync.archive.archive import Archive
from partner_sync.history import History
from partner_sync.history.reader import Reader
from partner_sync.orchestration import locations
from tests.history.past import Past, a_create, a_hold, a_mark, a_partner, a_problem, account, an_update
from tests.production import machine
from tests.production.compose import REPOSITORY
from tests.production.parts import Objects

pytestmark = pytest.mark.production


@dataclass
class Stored:
    """Two archives with the same past, one on S3 and one in a folder; the server and the address of the first."""

    server: Objects
    url: str
    remote: Past
    local: Past

    def run(self, hour: float, *arguments: object, **values: object) -> str:
        self.local.run(hour, *arguments, **values)
        return self.remote.run(hour, *arguments, **values)


@pytest.fixture(scope="module")
def server() -> Iterator[Objects]:
    """One for all, since clients are kept by their Connection."""
    import boto3

    port = machine.free_port()
    made, keys = Objects(port), {"login": "some-key", "password": "some-secret"}
    extra = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
    client = boto3.client("s3", aws_access_key_id=keys["login"], aws_secret_access_key=keys["password"], **extra)
    client.create_bucket(Bucket="the-archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_HISTORY_S3", json.dumps({"conn_type": "aws", **keys, "extra": extra}))
        yield made
    made.close()


@pytest.fixture
def stored(server: Objects, tmp_path: Path) -> Stored:
    remote, local = Past(tmp_path / "remote"), Past(tmp_path / "local")
    url = f"s3://history_s3@the-archive/{tmp_path.name}/archive"
    remote.archive = Archive(locations.root(url))
    return Stored(server, url, remote, local)


@pytest.fixture
def a_past(stored: Stored) -> Stored:
    for hour in range(-50, 0, 3):
        stored.run(hour, [a_create(hour + 200), an_update(hour + 300)], problems=[a_problem(1)] if hour % 2 else [])
    stored.run(-0.5, holds=[a_hold(a_mark(7), a_mark(8))])
    for past in (stored.remote, stored.local):
        past.fail(0)
        past.read_partners(0, *(a_partner(number) for number in range(20)))
    return stored


def test_an_archive_on_s3_gives_the_same_history_as_a_folder(a_past):
    remote, local = a_past.remote.history(1), a_past.local.history(1)
    assert remote.overview() == local.overview()
    assert remote.account(account(150)) == local.account(account(150))
    assert remote.refresh().objects == 0
    a_past.run(0.5, [an_update(1)])
    assert remote.overview() == local.overview()
    assert remote.refresh(everything=True).objects == 0


def test_foreign_and_half_written_objects_on_s3_are_reported_with_their_path(a_past):
    folder = a_past.remote.archive.root / "runs" / "2026-11-24"
    for name, text in {"half/run.json": '{"half', "notes.txt": "buy milk", "x/y/plan.json": "[]"}.items():
        with (folder / name).open("w") as stream:
            stream.write(text)
    history = a_past.remote.history(1)
    assert {one.path for one in history.unreadable()} == {
        "runs/2026-11-24/half/run.json",
        "runs/2026-11-24/notes.txt",
        "runs/2026-11-24/x/y/plan.json",
    }
    assert history.trouble is None


def test_while_s3_is_down_the_index_still_serves_queries_and_catches_up_afterwards(a_past):
    history = a_past.remote.history(1)
    before = history.overview()
    a_past.server.close()
    assert history.overview().chart == before.chart
    assert "cannot be read (EndpointConnectionError" in history.trouble
    a_past.server.open()
    a_past.run(0.5, [an_update(1)])
    assert history.overview() == a_past.local.history(1).overview()
    assert history.trouble is None


def test_no_query_waits_for_s3(a_past, tmp_path):
    reader = Reader(a_past.url, tmp_path / "index")
    history = History(a_past.remote.archive.root, tmp_path / "index", reader=reader, fresh_seconds=0.2)
    try:
        begun = time.monotonic()
        assert "being read" == history.overview().health
        assert time.monotonic() - begun < 1
        until = time.monotonic() + 60
        while not history.index().complete and time.monotonic() < until:
            time.sleep(0.1)
        assert 19 == history.runs().total
        assert history.index().trouble is None
    finally:
        reader.close()


def test_the_command_reads_s3_and_prints_only_its_result(a_past, tmp_path, monkeypatch):
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", a_past.url)
    monkeypatch.setenv("PARTNER_SYNC_HOME", str(tmp_path))
    command = [sys.executable, "-m", "partner_sync.why", account(150), "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    assert account(150) == json.loads(done.stdout)["stories"][0]["account_id"]
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", a_past.url.replace("history_s3", "nobody"))
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert (2, "") == (done.returncode, done.stdout)
    assert "names the Connection nobody, which is not there" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
