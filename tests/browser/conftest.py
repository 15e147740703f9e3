"""A real browser before a real Airflow: Debian's Chromium, driven by Playwright, and what `make up` starts.

Everything is left out, with its name and what to install, where Chromium or the npm packages are missing.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from partner_sync.sandbox import Sandbox, World, default_world
from tests.browser.visiting import WIDE, Visitor
from tests.scheduler.running import Airflow, Run
from tests.scheduler.starting import REPOSITORY, started

NODE = Path(__file__).with_name("node")
CHROMIUM, NPM = shutil.which("chromium"), shutil.which("npm")
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)  # the machine may be busy
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Skips, by name, what cannot run here."""
    missing = [name for name, found in (("chromium", CHROMIUM), ("npm", NPM)) if found is None]
    if missing:
        pytest.skip(f"the page is not tried in a browser: apt-get install {' '.join(missing)}")


@pytest.fixture(scope="module")
def packages(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lock in `node` installs, outside the checkout."""
    folder = tmp_path_factory.mktemp("node")
    for file in NODE.iterdir():
        shutil.copy(file, folder)
    order = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(order, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode and any(code in done.stderr for code in UNREACHABLE):
        pytest.skip("the page is not tried in a browser: npm cannot reach where packages come from")
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"


@pytest.fixture(scope="module")
def world() -> World:
    """What the sandbox starts with."""
    return default_world(1)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped config in a place of its own, where a test may edit it."""
    return Path(shutil.copy(REPOSITORY / "dags" / "partner_sync.toml", tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="module")
def airflow(installed: None, world: World, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """The full Airflow on a sandbox whose jobs take seconds, so that a run can be watched. No run starts by itself."""
    with (
        Sandbox(world=world, job_seconds=6) as sandbox,
        started(tmp_path_factory.mktemp("browser"), sandbox, sandbox.connections(), config) as running,
    ):
        running.new_account(name=HOSTILE)
        newest = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
        for hours in (0, 1):
            running.occupy(newest + timedelta(hours=hours))
        yield running


@pytest.fixture(scope="module")
def browser(installed: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def login(airflow: Airflow, browser: Browser) -> Any:
    """What a browser keeps of somebody who logged in."""
    context = browser.new_context()
    Visitor.arrives(airflow, context).log_in()
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture(scope="module")
def viewer_login(airflow: Airflow, login: Any) -> Any:
    """The same of somebody who may look at everything and start nothing."""
    return login_as(airflow, login, "viewer", "VIEWER")


def login_as(airflow: Airflow, login: Any, user: str, role: str) -> Any:
    """The login of somebody else: name and role are in the token."""
    kept = copy.deepcopy(login)
    [cookie] = [one for one in kept["cookies"] if one["name"] == "_token"]
    token = jwt.decode(cookie["value"], options={"verify_signature": False})
    secret = airflow.home.secret("jwt_secret")
    algorithm = jwt.get_unverified_header(cookie["value"])["alg"]
    cookie["value"] = jwt.encode(token | {"sub": user, "role": role}, secret, algorithm)
    return kept


@dataclass(frozen=True)
class Watched:
    """A run, and what somebody saw of it who opened its tab *Plan* before it began, and touched nothing."""

    run: Run
    first_visit: str
    seen: tuple[str, ...]
    stayed: bool


@pytest.fixture(scope="module")
def watched(airflow: Airflow, browser: Browser, login: Any) -> Watched:
    """The first run of this Airflow. Everything of it is written."""
    context = browser.new_context(viewport=WIDE, storage_state=login)
    visitor = Visitor.arrives(airflow, context)
    welcome = visitor.see().get_by_role("heading", level=1)
    expect(welcome).not_to_contain_text("Reading the archive", timeout=30_000)
    first_visit = welcome.inner_text()
    run_id = airflow.trigger()
    ours = visitor.see_plan(run_id)
    seen = [ours.get_by_role("heading", level=1).inner_text()]
    visitor.frame.evaluate("window.stayed = true")
    airflow.unpause()  # it waited for this; so it is seen from its beginning, however busy the machine is
    expect(ours.locator("#live progress")).to_be_visible(timeout=90_000)
    seen += [ours.locator("#live .state").inner_text(), ours.locator(".changes .outcome").first.inner_text()]
    expect(ours.locator("#live .state")).not_to_contain_text("Running", timeout=90_000)
    seen += [ours.locator("#live .state").inner_text(), ours.locator(".changes .outcome").first.inner_text()]
    stayed = bool(visitor.frame.evaluate("window.stayed"))
    context.close()
    assert [] == visitor.said
    return Watched(airflow.finished(run_id), first_visit, tuple(" ".join(text.split()) for text in seen), stayed)


@pytest.fixture
def run(watched: Watched) -> Run:
    return watched.run


@pytest.fixture
def visitor(airflow: Airflow, browser: Browser, login: Any) -> Iterator[Visitor]:
    """Logged in, at a wide screen. In the end no foreign host was asked, and no page of ours complained."""
    context = browser.new_context(viewport=WIDE, storage_state=login, accept_downloads=True)
    made = Visitor.arrives(airflow, context)
    yield made
    context.close()
    assert {"127.0.0.1"} == made.hosts
    assert [] == made.said
