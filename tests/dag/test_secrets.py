"""No secret of a Connection and no token leaves memory: logs, database, XComs, archive and messages are searched."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from partner_sync.sandbox import Sandbox, default_world
from partner_sync.sandbox.storage import Storage

REPOSITORY = Path(__file__).parents[2]
SMTP_PASSWORD, APPRISE_TOKEN, API_TOKEN = "smtp-password-5Tq8", "apprise-token-9Zx3", "zendesk-api-token-7Wm2"


class Aftermath:
    """What runs have left below their home, and every secret that they were given or obtained."""

    def __init__(self, home: Path, said: str, secrets: set[str]) -> None:
        self.home, self.said = home, said
        forms = {base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets}
        pairs = {f"ops@example.com/token:{API_TOKEN}", f"airflow:{SMTP_PASSWORD}"}
        self.secrets = secrets | forms | {base64.b64encode(pair.encode()).decode() for pair in pairs}

    def files(self, *folders: str) -> list[Path]:
        return [path for folder in folders for path in (self.home / folder).rglob("*") if path.is_file()]

    def found(self, text: bytes) -> list[str]:
        return [secret for secret in self.secrets if secret.encode() in text]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory) -> Aftermath:
    """Two runs in processes of their own; both fail, and the channels that would tell it are down.

    One loses a token in mid-run and has rejected rows, the other has an API token that Zendesk does not take.
    """
    folder = tmp_path_factory.mktemp("secrets")
    home, said = folder / "home", ""
    with Sandbox(world=default_world(1), state=folder / "sandbox.sqlite", job_seconds=0.05) as sandbox:
        connections = sandbox.connections()
        with_token = json.loads(json.dumps(connections))
        given = with_token["zendesk"]["extra"]
        with_token["zendesk"] |= {"login": "ops@example.com"}
        with_token["zendesk"]["extra"] = {"token": API_TOKEN, "endpoint_url": given["endpoint_url"]}
        sandbox.fault("status", system="zendesk", path="/api/v2/organizations", status=401, times=1)
        sandbox.fault("fail_rows", rows=[0], times=1)
        said += run(home, connections)
        said += run(home, with_token)
    issued = {row["value"] for _, row in Storage(folder / "sandbox.sqlite").load("token")}
    secrets = {connections["salesforce"]["extra"]["consumer_secret"], connections["zendesk"]["extra"]["client_secret"]}
    assert len(issued) >= 3
    return Aftermath(home, said, secrets | issued | {SMTP_PASSWORD, APPRISE_TOKEN, API_TOKEN})


def run(home: Path, connections: dict) -> str:
    """`make run` against these systems; what it showed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    environ |= {f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(value) for name, value in connections.items()}
    nobody = {"disable_tls": True, "disable_ssl": True, "from_email": "a@example.com", "to": "b@example.com"}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": 9, "login": "airflow", "password": SMTP_PASSWORD}
    apprise = {"path": f"json://team:{APPRISE_TOKEN}@127.0.0.1:9/"}
    environ |= {
        "PARTNER_SYNC_HOME": str(home),
        "AIRFLOW_CONN_PARTNER_SYNC_SMTP": json.dumps({**smtp, "extra": nobody}),
        "AIRFLOW_CONN_PARTNER_SYNC_APPRISE": json.dumps({"conn_type": "apprise", "extra": {"config": apprise}}),
    }
    command = [sys.executable, "-m", "partner_sync.local", "run"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=180)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_runs_were_worth_searching(aftermath):
    logs = b"".join(path.read_bytes() for path in aftermath.files("logs"))
    assert b"did not accept the message" in logs
    assert b"rows are not confirmed" in logs
    assert b"AuthenticationError" in logs
    assert aftermath.files("archive/runs")
    assert aftermath.files("archive/alarms")
    assert aftermath.files("xcom")
    with sqlite3.connect(aftermath.home / "airflow" / "airflow.db") as database:
        for table in ("xcom", "rendered_task_instance_fields", "task_instance"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table


@pytest.mark.parametrize("folder", ["logs", "airflow", "xcom", "archive"])
def test_no_file_of_a_run_holds_a_secret(aftermath, folder):
    found = {path: aftermath.found(path.read_bytes()) for path in aftermath.files(folder)}
    assert found
    assert {} == {path: secrets for path, secrets in found.items() if secrets}


def test_no_output_of_a_run_holds_a_secret(aftermath):
    assert [] == aftermath.found(aftermath.said.encode())
