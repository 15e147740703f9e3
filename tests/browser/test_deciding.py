"""What people decide on the page, in a real browser inside the real Airflow, and who may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from partner_sync.local.home import ADMIN
from partner_sync.model import Hold
from partner_sync.sandbox import default_world
from tests.browser.another_site import AnotherSite
from tests.browser.conftest import login_as
from tests.browser.visiting import PHONE, WIDE, Visitor
from tests.scheduler.running import Airflow, Run, until

pytestmark = pytest.mark.browser
GONE = 37


@pytest.fixture(scope="module")
def world():
    return default_world(1, accounts=160, organizations=500)


@pytest.fixture(scope="module")
def first(airflow) -> Run:
    """The first run, which arms the instance and writes."""
    airflow.unpause()
    return airflow.finished(airflow.trigger())


@pytest.fixture(scope="module")
def hold(airflow, first) -> Hold:
    """Marks on hold: many accounts were deleted in Salesforce at once."""
    return hold_without(airflow, partners(airflow)[:GONE])


def partners(airflow: Airflow) -> list[str]:
    """Ids of accounts that the query reads, with one organization that is as the account wants it."""
    read = {one["Id"] for one in airflow.sandbox.accounts() if one["Partners_Partner_Status__c"] == "Authorized"}
    return [one for one in airflow.in_sync() if one in read]


def hold_without(airflow: Airflow, accounts: list[str]) -> Hold:
    """The hold of marks when these accounts are deleted in Salesforce."""
    for account_id in accounts:
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


NOTE = "Deleted on purpose, ask Marta <b>"
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


def test_the_filter_hides_rows_and_unticks_none(visitor, hold):
    ours = visitor.see("hold", id=hold.id)
    name = ours.locator(".review .name a").first.inner_text()
    ours.get_by_placeholder("Name, id or evidence").fill(name)
    expect(ours.locator(".review [data-row]:visible")).to_have_count(1)
    visitor.page.keyboard.press("Enter")
    expect(ours.locator("[data-chosen]")).to_have_text(f"{hold.rows} of {hold.rows} selected")
    expect(ours.get_by_role("button", name=f"Approve {hold.rows}")).to_be_visible()


def test_a_decision_page_has_no_serious_fault_of_accessibility_on_a_phone(visitor, hold, packages):
    visitor.context.add_init_script("localStorage.setItem('theme', 'dark')")
    visitor.page.set_viewport_size(PHONE)
    axe = (packages / "axe-core" / "axe.min.js").read_text()
    assert [] == visitor.faults(axe, {"hold": {"id": hold.id}, "problems": {}, "": {}})


@pytest.fixture(scope="module")
def approved(airflow, browser, login, hold) -> list[str]:
    """The accounts of all rows of the hold but two, which somebody approves on the page."""
    context = browser.new_context(viewport=WIDE, storage_state=login)
    visitor = Visitor.arrives(airflow, context)
    ours = visitor.see("hold", id=hold.id)
    expect(ours.get_by_role("button", name=f"Approve {hold.rows}")).to_be_enabled()
    ticks = ours.locator(".review [data-row] input")
    accounts = [ticks.nth(at).get_attribute("value") for at in range(hold.rows)]
    for at in (0, 5):
        ticks.nth(at).uncheck()
    expect(ours.locator("[data-chosen]")).to_have_text(f"{hold.rows - 2} of {hold.rows} selected")
    ours.get_by_role("button", name=f"Approve {hold.rows - 2}").click()  # without a note nothing happens
    expect(ours.get_by_label("Note")).to_be_focused()
    run = airflow.finished(visitor.decide(f"Approve {hold.rows - 2}", NOTE))
    written = {row.account_id for row in run.verdicts if row.verdict == "confirmed" and row.kind == "mark"}
    assert {*accounts} - {accounts[0], accounts[5]} == written
    assert ADMIN == run.record.trigger.triggered_by
    expect(ours.locator(".decided")).to_contain_text(f"Approved by {ADMIN}")
    expect(ours.locator(".decided q")).to_have_text(NOTE)
    expect(ours.locator(".results")).to_have_text(f"{hold.rows - 2} confirmed")
    expect(ours.locator(".review .withheld")).to_have_count(2)
    context.close()
    assert [] == visitor.said
    return sorted(written)


def test_some_rows_are_approved_and_those_and_no_others_are_written(approved, hold):
    assert hold.rows - 2 == len(approved)


def test_the_organization_page_says_who_approved_the_mark_and_why(visitor, approved):
    ours = visitor.see("story", account=approved[0])
    expect(ours.get_by_role("heading", name="Evidence")).to_be_visible()
    expect(ours.locator(".lead").first).to_contain_text("deleted in Salesforce")
    expect(ours.locator(".decided").first).to_contain_text(f"Approved by {ADMIN}")
    expect(ours.locator(".decided q").first).to_have_text(NOTE)
    expect(ours.locator(".tag", has_text="out of date")).to_have_count(0)


def test_the_rest_is_left_as_it_is_and_waits_no_longer(visitor, approved):
    ours = visitor.see()
    ours.get_by_role("link", name="Review changes on hold").first.click()
    expect(ours.locator(".review [data-row]")).to_have_count(2)
    visitor.decide("Leave as they are", "They come back next month")
    visitor.see("decisions")
    expect(ours.locator(".decisions").first).to_contain_text("Leave 2 marks as they are")
    expect(ours.get_by_role("heading", level=1)).to_have_text("1 decision in force")
    ours.locator(".note summary", has_text="Withdraw").first.click()
    visitor.decide("Withdraw", "They did not come back")
    expect(ours.get_by_role("heading", level=1)).to_have_text("0 decisions in force", timeout=90_000)


def test_somebody_with_an_old_tab_sees_what_was_decided_meanwhile_and_nothing_is_written_twice(visitor, approved, hold):
    before = len(visitor.airflow.sandbox.writes(0))
    conf = {"approve": [hold.id], "note": "from the other tab"}
    run = visitor.airflow.finished(visitor.airflow.trigger(**conf))
    assert [] == [row for row in run.verdicts if row.account_id in approved]
    assert {*approved}.isdisjoint(one.account_id for one in run.plan.changes)
    ours = visitor.see("hold", id=hold.id)
    expect(ours.get_by_text("This hold is over.")).to_be_visible()
    assert len(visitor.airflow.sandbox.writes(0)) <= before + 2


def test_a_decision_needs_no_mouse(visitor, first):
    visitor.see("problems")
    ours = visitor.ours
    ours.locator(".note summary").nth(1).focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type("By keys")
    visitor.page.keyboard.press("Tab")
    before = visitor.airflow.run_ids()
    visitor.page.keyboard.press("Enter")
    until("Airflow has a new run", 30, lambda: visitor.airflow.run_ids() > before)
    (new,) = visitor.airflow.run_ids() - before
    assert "By keys" == visitor.airflow.finished(new).record.trigger.params["note"]


def test_a_run_is_undone_and_its_creates_stay(visitor, first):
    written = [one for one in first.plan.changes if one.kind != "create"]
    fields = sum(len(one.fields) for one in written)
    ours = visitor.see("run", run=first.id)
    ours.get_by_role("link", name="Undo this run").click()
    expect(ours.get_by_text("stay: nothing is ever deleted")).to_be_visible()
    button = ours.get_by_role("button", name=re.compile("Undo [0-9]+ fields"))
    assert int(re.findall("[0-9]+", button.inner_text())[0]) <= fields
    visitor.decide(button.inner_text(), "Wrong owners")
    expect(ours.locator("p", has_text="Undone by")).to_be_visible(timeout=90_000)
    one = next(one for one in written if {"account_owner"} >= {field.field for field in one.fields})
    found = visitor.airflow.sandbox.organization(one.organization_id)
    assert one.fields[0].before == found["organization_fields"]["account_owner"]


def test_a_problem_is_acknowledged_with_a_note(visitor, first):
    ours = visitor.see("problems")
    ours.locator(".note summary", has_text="Acknowledge").first.click()
    visitor.decide("Acknowledge", "Known, see ticket 12")
    expect(ours.get_by_text("Acknowledged", exact=True).first).to_be_visible(timeout=90_000)


def test_while_the_dag_is_paused_the_page_says_that_the_run_stays_queued(visitor, first):
    assert visitor.airflow.call("PATCH", "/dags/partner_sync", json={"is_paused": True}).ok
    try:
        ours = visitor.see()
        expect(ours.get_by_text(f"The DAG is paused by {ADMIN}")).to_be_visible()
        visitor.see("problems")
        ours.locator(".note summary", has_text="Acknowledge").first.click()
        expect(ours.get_by_text("stays queued until someone unpauses it").first).to_be_visible()
        visitor.decide("Acknowledge", "Later", wait=False)
        expect(ours.locator("#live")).to_contain_text("queued, and the DAG is paused")
    finally:
        visitor.airflow.unpause()
    expect(ours.locator("#live")).to_contain_text("View the run", timeout=90_000)


def test_a_run_of_240_fields_is_undone_and_every_field_is_back(visitor, first):
    airflow, shown = visitor.airflow, {"Support_Hold__c": True, "Account_Risk_Level__c": "At Risk - Escalated"}
    owned = {"Account_Owner_Calc__c": "Wrong owner", "Technical_Account_Manager_Name__c": "Wrong manager"}
    in_sync = {*partners(airflow)}
    rows = [one for one in airflow.sandbox.accounts() if one["Id"] in in_sync]
    rows = [one for one in rows if shown.items().isdisjoint(one.items())][-60:]
    before = fields_of(airflow, rows)
    airflow.sandbox.put_accounts(row | owned | shown for row in rows)
    wrong = airflow.finished(airflow.trigger())
    assert 240 == sum(len(one.fields) for one in wrong.plan.changes if one.kind == "update")
    assert before != fields_of(airflow, rows)
    ours = visitor.see("run", run=wrong.id)
    ours.get_by_role("link", name="Undo this run").click()
    expect(ours.locator(".lead")).to_have_text(
        "240 fields in 60 organizations can go back to their value before the run."
    )
    visitor.decide("Undo 240 fields", "Somebody imported the wrong owners")
    expect(ours.locator("#live")).to_contain_text("60 written")
    expect(ours.locator("p", has_text="Undone by")).to_contain_text(f"{ADMIN}")
    expect(ours.get_by_text("240 fields have the old value already.")).to_be_visible()
    assert before == fields_of(airflow, rows)
    airflow.sandbox.put_accounts(rows)


def fields_of(airflow: Airflow, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    """Account to the fields of its organization."""
    wanted = {one["Id"] for one in accounts}
    found = [one["organization_fields"] for one in airflow.sandbox.organizations()]
    return {one["salesforce_id"]: one for one in found if one["salesforce_id"] in wanted}


def test_an_account_that_returns_before_the_approval_is_not_marked_and_all_others_are(visitor, first):
    airflow = visitor.airflow
    gone = partners(airflow)[:GONE]
    hold = hold_without(airflow, gone)
    ours = visitor.see("hold", id=hold.id)
    expect(ours.get_by_role("button", name=f"Approve {hold.rows}")).to_be_enabled()
    airflow.sandbox.undelete_account(gone[4])  # while somebody reads
    run = airflow.finished(visitor.decide(f"Approve {hold.rows}", "They left"))
    marked = {row.account_id for row in run.verdicts if row.verdict == "confirmed" and row.kind == "mark"}
    assert {one.account_id for one in hold.changes} - {gone[4]} == marked
    chips = [f"{hold.rows - 1} confirmed", "1 no longer the same: not written"]
    expect(ours.locator(".results .chip")).to_have_text(chips)
    back = ours.locator(".review [data-row]", has_text=gone[4])
    expect(back.locator(".outcome")).to_have_text("no longer the same: not written")
    (now,) = fields_of(airflow, [{"Id": gone[4]}]).values()
    assert now["mark_for_deletion"] is False


@pytest.fixture
def two_people(config) -> Iterator[None]:
    """A config that asks two people."""
    text = config.read_text()
    config.write_text(text.replace("people = 1", "people = 2"))
    yield
    config.write_text(text)


def test_the_first_of_two_people_writes_nothing_and_two_tabs_of_the_second_write_once(
    visitor, browser, login, first, two_people
):
    airflow = visitor.airflow
    hold = hold_without(airflow, partners(airflow)[:GONE])
    accounts, approve = {one.account_id for one in hold.changes}, f"Approve {hold.rows}"
    ours = visitor.see("hold", id=hold.id)
    expect(ours.locator(".people")).to_contain_text("Nobody has approved yet. The first approval writes nothing.")
    run = airflow.finished(visitor.decide(approve, "As agreed"))
    assert accounts.isdisjoint(row.account_id for row in run.verdicts)
    expect(ours.locator(".results")).to_have_text(f"{hold.rows} still on hold")
    expect(ours.locator(".people")).to_contain_text("You have approved. Nothing is written until one more person")
    before, since = airflow.run_ids(), len(airflow.sandbox.writes(0))
    context = browser.new_context(viewport=WIDE, storage_state=login_as(airflow, login, "maria", "ADMIN"))
    tabs = [Visitor.arrives(airflow, context) for _ in range(2)]
    for tab in tabs:
        tab.see("hold", id=hold.id)
        expect(tab.ours.locator(".people")).to_contain_text(f"{ADMIN} has approved.")
        expect(tab.ours.get_by_role("button", name=approve)).to_be_enabled()
    for tab in tabs:
        tab.press(approve, "I agree")
    until("both tabs started a run", 30, lambda: len(airflow.run_ids() - before) == 2)
    for tab in tabs:
        tab.watch()
        expect(tab.ours.locator(".results")).to_have_text(f"{hold.rows} confirmed")
        expect(tab.ours.locator(".decided", has_text="by maria").first).to_be_visible()
        expect(tab.ours.locator(".decided", has_text=f"by {ADMIN}")).to_have_count(1)
    assert ["success"] * 2 == [airflow.finished(one).state for one in airflow.run_ids() - before]
    marked = {one.organization_id for one in hold.changes}
    writes = {of: count for of, count in airflow.writes(since).items() if of[0] in marked}
    assert {(one, "update"): 1 for one in marked} == writes
    context.close()
