"""What people decide on the page, in a real browser inside the real Airflow, and who may."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from partner_sync.model import Hold
from partner_sync.sandbox import default_world
from tests.browser.visiting import WIDE, Visitor
from tests.scheduler.running import until

pytestmark = pytest.mark.browser
GONE = 37


@pytest.fixture(scope="module")
def world():
    return default_world(1, accounts=160, organizations=500)


@pytest.fixture(scope="module")
def hold(airflow) -> Hold:
    """Marks on hold: many accounts were deleted in Salesforce at once."""
    airflow.unpause()
    airflow.finished(airflow.trigger())
    for account_id in airflow.in_sync()[:GONE]:
        airflow.sandbox.delete_account(account_id)
    run = airflow.finished(airflow.trigger())
    (found,) = [one for one in run.plan.holds if one.reason == "limit"]
    return found


@pytest.fixture
def viewer(airflow, browser, viewer_login) -> Iterator[Visitor]:
    """Logged in, without the permission to start runs."""
    context = browser.new_context(viewport=WIDE, storage_state=viewer_login)
    yield Visitor.arrives(airflow, context)
    context.close()


START = """async (hold) => {
    const body = {logical_date: null, conf: {approve: [hold]}, note: "forced"};
    const headers = {"Content-Type": "application/json"};
    const url = "/api/v2/dags/partner_sync/dagRuns";
    return (await fetch(url, {method: "POST", headers, body: JSON.stringify(body)})).status;
}"""


def test_a_viewer_sees_the_rows_and_the_command_to_hand_on_and_may_not_decide(viewer, hold):
    ours = viewer.see("hold", id=hold.id)
    expect(ours.locator(".review [data-row]")).to_have_count(hold.rows)
    expect(ours.locator("code")).to_have_text(json.dumps({"approve": [hold.id]}))
    expect(ours.get_by_role("button", name=re.compile("Approve|Leave"))).to_have_count(0)
    before = viewer.airflow.run_ids()
    assert 403 == viewer.frame.evaluate(START, hold.id)
    assert before == viewer.airflow.run_ids()


def test_a_page_of_another_site_cannot_decide_for_somebody_who_is_logged_in(visitor, hold):
    url = f"{visitor.airflow.url}/api/v2/dags/partner_sync/dagRuns"
    body = json.dumps({"logical_date": None, "conf": {"approve": [hold.id]}})
    page = f"""<form method="post" enctype="text/plain" action="{url}">
        <input name='{body[:-1]}, "x": "' value='"}}'>
    </form>
    <script>
        fetch("{url}", {{method: "POST", mode: "no-cors", credentials: "include", body: '{body}'}})
            .finally(() => document.forms[0].submit());
    </script>"""
    before = visitor.airflow.run_ids()
    with (
        AnotherSite(page) as address,
        visitor.page.expect_response(lambda one: one.url == url and one.request.is_navigation_request()) as answer,
    ):
        visitor.page.goto(address)
    assert answer.value.status in (401, 403, 415, 422)
    assert before == visitor.airflow.run_ids()
    visitor.hosts.discard("localhost")


def test_some_rows_are_approved_and_those_and_no_others_are_written(visitor, hold):
    ours = visitor.see("hold", id=hold.id)
    expect(ours.get_by_role("button", name=f"Approve {hold.rows}")).to_be_enabled()
    ticks = ours.locator(".review [data-row] input")
    kept = [ticks.nth(at).get_attribute("value") for at in (0, 5)]
    for at in (0, 5):
        ticks.nth(at).uncheck()
    expect(ours.locator("[data-chosen]")).to_have_text(f"{hold.rows - 2} of {hold.rows} selected")
    ours.get_by_role("button", name=f"Approve {hold.rows - 2}").click()  # without a note nothing happens
    expect(ours.get_by_label("Note")).to_be_focused()
    ours.get_by_label("Note").fill("Deleted on purpose, ask Marta <b>")
    before = visitor.airflow.run_ids()
    ours.get_by_role("button", name=f"Approve {hold.rows - 2}").click()
    until("Airflow has a new run", 30, lambda: visitor.airflow.run_ids() > before)
    (new,) = visitor.airflow.run_ids() - before
    expect(ours.locator(".decided")).to_contain_text("Approved by admin", timeout=60_000)
    expect(ours.locator(".decided q")).to_have_text("Deleted on purpose, ask Marta <b>")
    run = visitor.airflow.finished(new)
    assert "admin" == run.record.trigger.triggered_by
    written = {row.account_id for row in run.verdicts if row.verdict == "confirmed" and row.kind == "mark"}
    assert hold.rows - 2 == len(written)
    assert written.isdisjoint(kept)
    expect(ours.locator(".results")).to_contain_text(f"{hold.rows - 2} confirmed", timeout=60_000)
    expect(ours.locator(".results")).not_to_contain_text("waiting")
    expect(ours.locator(".review .withheld")).to_have_count(2)


class AnotherSite:
    """A page at `localhost`, which is another site than 127.0.0.1."""

    def __init__(self, page: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://localhost:{self.server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
