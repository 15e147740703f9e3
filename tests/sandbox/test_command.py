"""The command: what it prints, how it ends, and that nothing it has promised is lost when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from partner_sync.sandbox import Control, Sandbox, an_empty_world
from partner_sync.sandbox.tokens import ZENDESK_OAUTH_TOKEN

HEADERS = {"Authorization": f"Bearer {ZENDESK_OAUTH_TOKEN}"}


class Command:
    """A running sandbox command and what it printed."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "partner_sync.sandbox", *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.control = Control(self.ready["zendesk"]["url"])

    def zendesk(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.ready['zendesk']['url']}/api/v2{path}"
        return requests.request(method, url, json=body, headers=HEADERS, timeout=10)

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; answers the exit code and what went to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@contextmanager
def command(*arguments: str) -> Iterator[Command]:
    running = Command(*arguments)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


def test_one_line_says_where_it_is_and_how_to_connect() -> None:
    with command("--accounts", "70", "--seed", "3") as running:
        assert set(running.ready) == {"salesforce", "zendesk", "pid"}
        assert running.ready["pid"] == running.process.pid
        for system in ("salesforce", "zendesk"):
            url = running.ready[system]["url"]
            assert url.startswith("http://127.0.0.1:")
            assert running.ready[system]["connection"]["extra"]["endpoint_url"] == url
        assert running.control.overview()["counts"]["organizations"] == 400
        assert running.end(signal.SIGTERM) == (0, "")


def test_it_ends_cleanly_on_an_interrupt_and_logs_calls_when_asked_to() -> None:
    with command("--world", "empty", "--verbose") as running:
        running.zendesk("GET", "/organizations?page[size]=3")
        code, errors = running.end(signal.SIGINT)
        assert (code, errors) == (0, "1 zendesk GET /api/v2/organizations?page[size] 200\n")


def test_it_ends_with_the_process_that_holds_its_standard_input() -> None:
    with command("--world", "empty", "--exit-with-parent") as running:
        assert running.process.poll() is None
        running.process.communicate(timeout=10)
        assert running.process.returncode == 0


def test_with_a_certificate_it_is_reached_by_https_at_any_address(tmp_path: Path) -> None:
    authority = trustme.CA()
    identity, (ca, certificate, key) = (
        authority.issue_cert("127.0.0.1"),
        (tmp_path / name for name in ("ca", "certificate", "key")),
    )
    authority.cert_pem.write_to_path(ca)
    identity.cert_chain_pems[0].write_to_path(certificate)
    identity.private_key_pem.write_to_path(key)
    arguments = ["--host", "0.0.0.0", "--certificate", str(certificate), "--key", str(key), "--world", "empty"]
    with command(*arguments) as running:
        scheme, _, port = running.ready["zendesk"]["url"].split(":")
        assert scheme == "https"
        url = f"https://127.0.0.1:{port}/api/v2/organizations.json"
        assert requests.get(url, headers=HEADERS, verify=str(ca), timeout=10).json()["organizations"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--accounts", "1"],
        ["--latency", "-1"],
        ["--world", "flat"],
        ["--host", "0.0.0.0"],
        ["--host", "sandbox"],
        ["--certificate", "certificate.pem"],
        ["--key", "key.pem"],
        ["--world-file", "world.json", "--accounts", "7"],
        ["--world-file", "pyproject.toml"],
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "partner_sync.sandbox", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "error:" in done.stderr


def test_a_world_comes_from_a_file_and_an_existing_state_goes_on(tmp_path: Path) -> None:
    file, arguments = tmp_path / "world.json", ["--state", str(tmp_path / "state.db")]
    world = an_empty_world()
    world.accounts = [{"Id": "0014M00001KKzjJQAT", "Name": "a"}]
    world.organizations = [{"id": 7, "name": "b", "organization_fields": {"seats": 3}}]
    file.write_text(json.dumps(asdict(world)))
    with command("--world-file", str(file), *arguments) as running:
        assert [row["Name"] for row in running.control.accounts()] == ["a"]
        (organization,) = running.control.organizations()
        assert (organization["id"], organization["organization_fields"]["seats"]) == (7, 3)
        running.control.put_account(Name="c")
        running.end(signal.SIGTERM)
    with command("--world-file", str(file), *arguments) as running:
        assert [row["Name"] for row in running.control.accounts()] == ["a", "c"]


def test_a_world_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "partner_sync.sandbox", "--world-file", str(tmp_path / "none.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot start" in done.stderr


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    state = str(tmp_path / "below" / "state.db")
    arguments = ["--state", state, "--world", "empty", "--job-seconds", "0.4"]
    body = {"organizations": [{"name": f"n{number}"} for number in range(50)]}
    with command(*arguments) as running:
        job = running.zendesk("POST", "/organizations/create_many", body).json()["job_status"]["id"]
        running.control.put_account(Name="a")
        running.control.fault("status", skip=10_000)
        running.control.settings(job_limit=7)
        while not running.control.writes():
            time.sleep(0.01)
        running.end(signal.SIGKILL)
    with command("--state", state, "--job-limit", "8") as running:
        while running.zendesk("GET", f"/job_statuses/{job}").json()["job_status"]["status"] != "completed":
            time.sleep(0.01)
        writes = running.control.writes()
        assert [write["after"]["name"] for write in writes] == [f"n{number}" for number in range(50)]
        assert [write["n"] for write in writes] == list(range(1, 51))
        assert [account["Name"] for account in running.control.accounts()] == ["a"]
        assert running.control.faults()[0]["skip"] < 10_000
        assert running.control.settings()["job_limit"] == 8
        assert running.control.calls()[0]["path"] == "/api/v2/organizations/create_many"


def test_whatever_was_answered_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    answered: list[str] = []
    for life in range(2):
        with command("--state", str(state), "--world", "empty") as running:
            names = sorted((row["name"] for row in running.control.organizations()), key=lambda name: int(name[1:]))
            assert names[: len(answered)] == answered
            assert len(names) <= len(answered) + 1
            answered = names
            killer = subprocess.Popen(
                ["/bin/sh", "-c", f"sleep 0.{life + 1}; kill -9 {running.process.pid}"],
                env={"PATH": os.environ["PATH"]},
            )
            try:
                while True:
                    name = f"n{len(answered)}"
                    created = running.zendesk("POST", "/organizations", {"organization": {"name": name}})
                    assert created.status_code == 201
                    answered.append(name)
            except requests.ConnectionError:
                killer.wait()
    assert len(answered) > 10


def test_a_state_has_one_owner_at_a_time(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(an_empty_world(), state=state):
        done = subprocess.run(
            [sys.executable, "-m", "partner_sync.sandbox", "--state", str(state)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "database is locked" in done.stderr


def test_a_state_is_gone_on_with_in_process_too(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(an_empty_world(), state=state, job_limit=3) as sandbox:
        sandbox.add_organizations([{"name": "a"}])
        (organization,) = sandbox.organizations()
        sandbox.add_organization_field(key="tier", type="dropdown", options=["one"])
    with Sandbox(state=state) as sandbox:
        assert sandbox.settings()["job_limit"] == 3
        assert [row["name"] for row in sandbox.organizations()] == ["a"]
        assert sandbox.organizations()[0] == {
            **organization,
            "organization_fields": {**organization["organization_fields"], "tier": None},
        }
        (later,) = sandbox.add_organizations([{"name": "b"}])
        assert later != organization["id"]


def test_a_reset_also_replaces_what_is_kept(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Sandbox(state=state) as sandbox:
        sandbox.reset(world="empty")
    with Sandbox(state=state) as sandbox:
        assert sandbox.overview()["counts"]["organizations"] == 0
