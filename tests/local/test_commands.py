"""What the commands refuse, at once and in one line, and how they end when they are stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from partner_sync.local.children import members
from partner_sync.local.home import Home, Refusal
from partner_sync.local.run import conf_of
from partner_sync.local.up import EXAMPLE, port_of
from partner_sync.sandbox import Sandbox

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def command(tmp_path):
    """Starts the command line in a home of its own."""
    started = []

    def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        env = {"PATH": os.defpath, "PARTNER_SYNC_HOME": str(tmp_path / "home"), **environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "partner_sync.local", *arguments],
            cwd=REPOSITORY,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["run"], {"CONF": "{'dry_run': true}"}, "CONF is not JSON"),
        (["run"], {"AIRFLOW_CONN_ZENDESK_DEFAULT": "{}"}, "AIRFLOW_CONN_SALESFORCE_DEFAULT is not"),
        (["up"], {"AIRFLOW_CONN_SALESFORCE_DEFAULT": "{}"}, "AIRFLOW_CONN_ZENDESK_DEFAULT is not"),
        (["up"], {"PORT": "http"}, "PORT is 'http'"),
        (["run"], {"PARTNER_SYNC_HOME": str(REPOSITORY)}, "holds files that are not ours"),
        (["clean"], {"PARTNER_SYNC_HOME": str(REPOSITORY)}, "holds files that are not ours"),
        (["rehearse"], {}, "CONFIG names no config"),
        (["airflow", "dags", "list"], {}, "There is no local Airflow"),
        (["walk"], {}, "usage:"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(command, arguments, environ, said):
    process = command(*arguments, **environ)
    output, errors = process.communicate(timeout=30)
    assert (output, process.returncode) == ("", 2)
    assert said in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("what", ["run", "up", "clean"])
def test_a_home_in_use_is_refused(command, tmp_path, what):
    home = Home(tmp_path / "home")
    with home.claim("make up"):
        process = command(what)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors.startswith(f"make up (process {os.getpid()}, since ")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["INT", "TERM", "HUP"]
)
def test_a_stopped_run_ends_at_once_and_leaves_no_process(command, number, code):
    process = command("run")
    assert "sandbox on this machine" in process.stdout.readline()
    children = [child.pid for child in psutil.Process(process.pid).children()]
    process.send_signal(number)
    _, errors = process.communicate(timeout=15)
    assert (process.returncode, errors) == (code, "Stopped.\n")
    assert children
    assert [members(child) for child in children] == [[] for _ in children]


def test_ctrl_c_does_not_look_like_an_error_of_make_and_still_is_no_success(tmp_path):
    """A terminal sends the signal to make, the shell of the recipe, and the command at once."""
    process = subprocess.Popen(
        ["make", "--old-file=venv", f"VENV={Path(sys.executable).parents[1]}", "run"],
        cwd=REPOSITORY,
        env={"PATH": os.defpath, "PARTNER_SYNC_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert "sandbox on this machine" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=15)
    assert (process.returncode, errors) == (-signal.SIGINT, "Stopped.\n")


def test_the_example_of_make_up_changes_an_account_that_is_in_sync():
    with Sandbox() as sandbox:
        before = {account["Id"]: account for account in sandbox.accounts()}
        (organization,) = sandbox.organizations(external_id=EXAMPLE["Id"])
        assert before[EXAMPLE["Id"]]["Support_Hold__c"] != EXAMPLE["Support_Hold__c"]
        assert EXAMPLE["Id"] not in {each for ids in sandbox.cases().values() for each in ids}
        assert organization["organization_fields"]["support_hold"] is False


def test_a_name_that_does_not_resolve_is_archived_as_final(command, tmp_path):
    salesforce = {"domain": "acme-typo.my", "consumer_key": "key", "consumer_secret": "secret"}
    zendesk = {"client_id": "client", "client_secret": "secret"}
    process = command(
        "run",
        AIRFLOW_CONN_SALESFORCE_DEFAULT=json.dumps({"conn_type": "salesforce", "extra": salesforce}),
        AIRFLOW_CONN_ZENDESK_DEFAULT=json.dumps({"conn_type": "zendesk", "host": "acme.invalid", "extra": zendesk}),
    )
    assert 1 == process.wait(60), process.communicate()
    failures = [json.loads(path.read_text()) for path in (tmp_path / "home" / "archive").rglob("failures/*.json")]
    assert [("UnknownHostError", False)] * 2 == [(failure["error"], failure["retryable"]) for failure in failures]


def test_cleaning_nothing_is_fine(command, tmp_path):
    output, _ = command("clean").communicate(timeout=30)
    assert output == f"Nothing to remove: there is no {tmp_path / 'home'}.\n"


@pytest.mark.parametrize(
    ("conf", "read"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"dry_run": true}', {"dry_run": True}),
        ('{"account_ids": []}', {"account_ids": []}),
    ],
)
def test_conf_is_a_json_object_or_nothing(conf, read):
    assert conf_of({"CONF": conf}) == read
    assert conf_of({}) == {}


@pytest.mark.parametrize(
    ("conf", "shown"),
    [
        ('{"dryrun": true}', 'dryrun is not a param. Did you mean "dry_run"?'),
        ('{"account_ids": ["short"]}', 'Account ID 1 is not valid: "short".'),
    ],
)
def test_a_conf_that_the_dag_would_refuse_is_refused_before_anything_starts(conf, shown):
    with pytest.raises(Refusal) as caught:
        conf_of({"CONF": conf})
    assert str(caught.value).startswith(f"CONF is wrong: {shown}")


@pytest.mark.parametrize("conf", ["{", "dry_run", "[1]", "true", '"text"'])
def test_any_other_conf_is_refused_with_an_example(conf):
    with pytest.raises(Refusal, match=r"""CONF='\{"dry_run": true\}' make run"""):
        conf_of({"CONF": conf})


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "8080.5", "²"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(Refusal, match="PORT is"):
        port_of({"PORT": port})


def test_a_taken_port_is_refused_and_left_alone_when_none_is_asked_for():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        with pytest.raises(Refusal, match=f"Port {number} of 127.0.0.1 is taken"):
            port_of({"PORT": number})
    assert 0 < port_of({}) < 65536
