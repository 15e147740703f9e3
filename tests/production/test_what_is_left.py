"""After all runs: no secret is in anything they left, and what is old can be removed, on S3 and in PostgreSQL."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from partner_sync.archive.object_store import stored
from partner_sync.sandbox.tokens import SALESFORCE_CONSUMER_SECRET, ZENDESK_CLIENT_SECRET
from tests.production.airflow_api import now
from tests.production.stack import Stack
from tests.production.trial import Outcome

pytestmark = pytest.mark.production

TOKEN = re.compile(rb'"value": ?"((?:00D4M0000008abc!)?[0-9a-f]{64})"')
CLEANED = "dag_run,task_instance,task_instance_history,task_reschedule,xcom,log,asset_event,callback,deadline,job"


def issued(stack: Stack) -> set[str]:
    """The tokens that both systems gave out, those of earlier worlds as far as the sandbox's file still has them."""
    files = (stack.folder / "sandbox").glob("world.sqlite*")
    return {token.decode() for path in files for token in TOKEN.findall(path.read_bytes())}


@pytest.fixture(scope="module")
def secrets(stack: Stack, undisturbed: Outcome) -> set[str]:
    """Everything that nobody may see, also as base64."""
    names = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_SECRET_KEY", "FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY")
    plain = {stack.environ[name] for name in (*names, "ADMIN_PASSWORD")} | issued(stack)
    plain |= {SALESFORCE_CONSUMER_SECRET, ZENDESK_CLIENT_SECRET}
    assert len(plain) > len(names) + 5, "the sandbox's file shows no tokens"
    return plain | {base64.b64encode(one.encode()).decode().rstrip("=") for one in plain}


def found(secrets: set[str], texts: Iterator[tuple[str, bytes]]) -> tuple[int, list[str]]:
    """How many texts were searched, and the names of those that hold a secret."""
    held = {name: any(secret.encode() in text for secret in secrets) for name, text in texts}
    return len(held), [name for name, holds in held.items() if holds]


def test_no_secret_is_in_the_database(stack, secrets):
    dump = stack.dump()
    for table in ("xcom", "rendered_task_instance_fields", "task_instance", "log", "connection", "celery_taskmeta"):
        assert re.search(rf"^COPY public\.{table} .*\n(?!\\\.)".encode(), dump, re.MULTILINE), f"{table} is empty"
    assert (1, []) == found(secrets, iter([("dump", dump)]))


def test_no_secret_is_in_any_object_of_the_bucket(stack, secrets):
    root = stack.archive().root.parent
    objects = [("/".join(one.parts), root.fs.cat_file(one.path.path)) for one in stored(root)]
    assert {"archive", "logs", "xcom"} == {name.split("/")[0] for name, _ in objects}
    assert (len(objects), []) == found(secrets, iter(objects))


def test_no_secret_is_in_any_log_of_a_process(stack, secrets):
    """But the sandbox's own, whose first line tells a newcomer how to connect to it."""
    files = [path for folder in ("logs", "airflow/logs") for path in (stack.folder / folder).rglob("*")]
    files = [path for path in files if path.is_file() and path.name != "sandbox.log"]
    searched, holding = found(secrets, ((str(path), path.read_bytes()) for path in files))
    assert searched >= len(stack.processes) - 1
    assert [] == holding


def test_retention_removes_old_xcom_objects_from_s3_and_airflow_their_rows_from_postgresql(stack, undisturbed):
    stack.objects.grow_older(timedelta(days=30))
    shown = stack.execute("python", "-m", "partner_sync.retention")
    assert "this was a dry run" in shown
    assert re.search(r"[1-9]\d* runs' XCom objects in s3://partner_sync_s3@partner-sync/xcom: ", shown)
    assert "Removed " in stack.execute("python", "-m", "partner_sync.retention", "--delete")
    folder = stack.archive().root.parent
    assert [] == list(stored(folder / "xcom"))
    assert list(stored(folder / "archive"))
    before = f"{now() + timedelta(days=1):%Y-%m-%d}"
    clean = ["--clean-before-timestamp", before, "--skip-archive", "--yes", "--tables", CLEANED]
    stack.execute("airflow", "db", "clean", *clean)
    dump = stack.dump()
    assert b"COPY public.xcom " in dump
    assert not re.search(rb"^COPY public\.xcom .*\n(?!\\\.)", dump, re.MULTILINE)
