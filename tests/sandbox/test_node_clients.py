"""Clients for Node that other people wrote for the real systems work here unchanged: node-zendesk and jsforce."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.tokens import (
    SALESFORCE_CONSUMER_KEY,
    SALESFORCE_CONSUMER_SECRET,
    SALESFORCE_PASSWORD,
    SALESFORCE_SECURITY_TOKEN,
    SALESFORCE_USERNAME,
    ZENDESK_OAUTH_TOKEN,
)

FOLDER = Path(__file__).with_name("node")
HINT = "node-zendesk and jsforce are not tried: install Node 18 or later with npm, for example `apt-get install npm`"
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")
NODE = shutil.which("node")
NPM = shutil.which("npm")

pytestmark = pytest.mark.skipif(not (NODE and NPM), reason=HINT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drivers beside what the lock installs, outside the checkout."""
    installed = tmp_path_factory.mktemp("node")
    for file in FOLDER.iterdir():
        shutil.copy(file, installed)
    order = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(order, cwd=installed, capture_output=True, text=True, timeout=300)
    if done.returncode and any(code in done.stderr for code in UNREACHABLE):
        pytest.skip("node-zendesk and jsforce are not tried: npm cannot reach where packages come from")
    assert done.returncode == 0, done.stderr
    return installed


def driven(folder: Path, script: str, **order: Any) -> dict[str, Any]:
    """What a driver saw."""
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [str(NODE), script, json.dumps(order)], cwd=folder, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_node_zendesk_lists_creates_updates_and_polls(sandbox: Sandbox, folder: Path) -> None:
    # It follows the links in answers, so they have to lead here and not to a host of Zendesk's.
    sandbox.settings(job_seconds=0.1, zendesk_canonical_url=sandbox.zendesk_url)
    sandbox.add_organizations({"name": f"n{number:03}"} for number in range(250))
    seen = driven(folder, "zendesk.mjs", url=sandbox.zendesk_url, token=ZENDESK_OAUTH_TOKEN)
    assert sorted(seen["listed"]) == [f"n{number:03}" for number in range(250)]
    assert (seen["submitted"], seen["created"]) == ("queued", ["Created", "Created"])
    assert seen["updated"] == ["Updated", "OrganizationUpdateFailed"]
    assert seen["account_type"] == "open_partner"
    assert {row["name"] for row in sandbox.organizations()} >= {"made 1", "made 2"}


def test_jsforce_logs_in_pages_and_understands_a_refusal(sandbox: Sandbox, folder: Path) -> None:
    sandbox.put_accounts([{"Name": f"n{number}", "Type": "Partner"} for number in range(5)])
    sandbox.settings(salesforce_page_size=2)
    seen = driven(
        folder,
        "salesforce.mjs",
        url=sandbox.salesforce_url,
        id=SALESFORCE_CONSUMER_KEY,
        secret=SALESFORCE_CONSUMER_SECRET,
        queries=[
            "SELECT Name FROM Account WHERE Type = 'Partner'",
            "SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3",
        ],
    )
    assert (seen["total"], seen["pages"], seen["fetched"]) == (5, [2, 2, 1], 5)
    assert seen["names"] == [f"n{number}" for number in range(5)]
    assert seen["refused"] == "MALFORMED_QUERY"


def test_jsforce_logs_in_by_soap_and_sees_the_recycle_bin_when_it_asks_for_all(sandbox: Sandbox, folder: Path) -> None:
    # The host of its calls is the one of the response to its login.
    sandbox.settings(salesforce_instance_url=sandbox.salesforce_url)
    sandbox.put_account(Name="alive")
    sandbox.delete_account(sandbox.put_account(Name="deleted"))
    seen = driven(
        folder,
        "salesforce_soap.mjs",
        url=sandbox.salesforce_url,
        username=SALESFORCE_USERNAME,
        password=SALESFORCE_PASSWORD + SALESFORCE_SECURITY_TOKEN,
        query="SELECT Name FROM Account",
    )
    assert (seen["names"], seen["all"]) == (["alive"], ["alive", "deleted"])
    assert seen["organization"] == "00D4M0000008abcUAA"
    assert seen["refused"].startswith("INVALID_LOGIN")


def test_the_lock_pins_exact_versions_and_names_no_host() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    text = (FOLDER / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for path, package in packages.items() if path)
    assert "resolved" not in text
