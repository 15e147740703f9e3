"""The page in a real browser, inside the real Airflow: what somebody does with it of a morning."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Route, expect

from partner_sync.page.assets import STATIC
from tests.browser.conftest import HOSTILE
from tests.browser.visiting import PHONE, WIDE, Visitor
from tests.scheduler.running import until

pytestmark = pytest.mark.browser

TEMPLATES = STATIC.parent / "templates"


def test_the_first_visit_says_what_will_appear(watched):
    assert "No runs yet" in watched.first_visit


def test_a_run_is_watched_from_its_trigger_to_its_last_verdict_without_a_reload(watched):
    before, running, waiting, after, confirmed = watched.seen
    assert ("No plan yet", "… waiting", "✓ confirmed") == (before, waiting, confirmed)
    assert re.fullmatch(r"… Running: [0-9]+ of [0-9]+ written", running)
    assert re.fullmatch(r"✓ [0-9]+ written, [0-9]+ on hold", after)
    assert watched.stayed
    assert "success" == watched.run.state


def test_the_navigation_leads_to_the_overview_and_a_number_of_it_to_its_rows(visitor, run):
    visitor.page.goto(visitor.airflow.url)
    visitor.page.get_by_role("link", name="Partner Sync").click()
    visitor.ours.locator(".runs").get_by_role("link", name=re.compile("to create")).first.click()
    expect(visitor.ours.locator(".changes .kind")).to_have_text(["+ create"] * run.plan.counts["create"])


def test_filters_narrow_the_list_and_going_back_widens_it_again(visitor, run):
    ours = visitor.see("run", run=run.id)
    rows = [*run.plan.changes, *run.plan.withheld_changes]
    marks = [one for one in rows if one.kind == "mark"]
    expect(ours.locator(".total")).to_have_text(f"{len(rows)} changes")
    ours.get_by_label("kind").select_option("mark")
    expect(ours.locator(".changes .kind")).to_have_text(["− mark"] * len(marks))
    expect(visitor.page).to_have_url(re.compile("kind=mark$"))
    visitor.page.go_back()
    expect(ours.locator(".total")).to_have_text(f"{len(rows)} changes")
    expect(ours.get_by_label("kind")).to_have_value("")


def test_a_late_refresh_does_not_undo_a_filter(visitor, run):
    """A page that was shown before the archive was read to its end refreshes itself once, after two seconds."""
    late: list[Route] = []
    refreshes = next(line for line in (TEMPLATES / "base.html").read_text().splitlines() if "delay:2s" in line)

    def shown_too_early(route: Route) -> None:
        if route.request.headers.get("hx-trigger") == "reading":
            late.append(route)
        elif route.request.headers.get("hx-request"):
            route.continue_()
        else:
            response = route.fetch()
            route.fulfill(
                response=response, body=response.text().replace('tabindex="-1">', f'tabindex="-1">{refreshes}', 1)
            )

    visitor.page.route("**/partner-sync/run?*", shown_too_early)
    ours = visitor.see("run", run=run.id)
    marks = [one for one in [*run.plan.changes, *run.plan.withheld_changes] if one.kind == "mark"]
    until("the page refreshes itself", 20, lambda: visitor.page.wait_for_timeout(100) or late)
    ours.get_by_label("kind").select_option("mark")
    visitor.page.wait_for_timeout(1000)
    for route in late:
        route.continue_()
    visitor.page.wait_for_timeout(1000)
    expect(ours.locator(".changes .kind")).to_have_text(["− mark"] * len(marks))


def test_a_search_narrows_the_list_while_it_is_typed(visitor, run):
    ours = visitor.see("run", run=run.id)
    ours.get_by_role("searchbox", name="Search these changes").press_sequentially("alert(1)")
    expect(ours.locator(".changes [data-row]")).to_have_count(1)
    expect(ours.locator(".changes .name a")).to_have_text(HOSTILE)


def test_a_row_opens_beside_the_list_and_can_be_sent_as_a_link(visitor, run):
    ours = visitor.see("run", run=run.id, kind="update")
    ours.locator(".changes [data-row]").first.click()
    name = ours.locator(".changes .name a").first.inner_text()
    expect(ours.locator("#detail h2")).to_have_text(name)
    expect(ours.locator("#detail")).to_contain_text("job")
    links = [link.get_attribute("href") for link in ours.locator("#detail .out").all()]
    assert [("127.0.0.1", "lightning"), ("127.0.0.1", "agent")] == [
        (urlsplit(link).hostname, urlsplit(link).path.split("/")[1]) for link in links
    ]
    expect(visitor.page).to_have_url(re.compile("change="))
    visitor.page.reload()
    expect(ours.locator("#detail h2")).to_have_text(name)
    ours.locator("#detail [data-close]").click()
    expect(visitor.page).not_to_have_url(re.compile("change="))


def test_everything_is_done_by_keys(visitor, run):
    ours = visitor.see("run", run=run.id)
    ours.locator("main").focus()
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("ArrowDown")
    expect(ours.locator(".changes .name a").nth(1)).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(ours.locator("#detail h2")).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(ours.locator("#detail [data-detail]")).to_have_count(0)
    expect(ours.locator(".changes .name a").nth(1)).to_be_focused()
    visitor.page.keyboard.press("/")
    expect(ours.get_by_role("searchbox", name="Search these changes")).to_be_focused()


def test_a_hostile_name_is_found_and_stays_text_wherever_it_is_shown(visitor, run):
    ours = visitor.see()
    ours.get_by_role("searchbox", name="Find an account").fill(HOSTILE)
    visitor.page.keyboard.press("Enter")
    expect(ours.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(ours.get_by_text("Matches Salesforce").first).to_be_visible()
    ours.locator(".history .first a").first.click()
    expect(ours.locator("#detail h2")).to_have_text(HOSTILE)


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_the_changes_are_downloaded_as_they_are_filtered(visitor, run, form):
    ours = visitor.see("run", run=run.id, kind="create")
    with visitor.page.expect_download() as download:
        ours.get_by_role("link", name=form, exact=True).click()
    text = Path(download.value.path()).read_text()
    names = {row["name"] for row in (csv.DictReader(text.splitlines()) if form == "CSV" else json.loads(text))}
    assert {one.name for one in run.plan.changes if one.kind == "create"} == names
    assert download.value.suggested_filename.endswith(form.lower())


def test_a_run_is_printed_from_a_tab_of_its_own(visitor, run):
    ours = visitor.see("run", run=run.id)
    with visitor.context.expect_page() as opened:
        ours.get_by_role("link", name="Print").click()
    document = opened.value
    document.emulate_media(media="print")
    expect(document.get_by_role("button", name="Print")).to_be_hidden()
    expect(document.locator("tbody")).to_contain_text([run.id, HOSTILE, "Signature"])


def test_an_id_is_copied_by_one_click(visitor, run):
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ours = visitor.see("run", run=run.id)
    ours.get_by_role("button", name=f"Copy run {run.id}").click()
    expect(ours.locator(".copied")).to_be_visible()
    assert run.id == visitor.page.evaluate("navigator.clipboard.readText()")


def test_light_and_dark_follow_airflow_at_once(visitor, run):
    ours = visitor.see()
    grounds = []
    for shown in ("Dark", "Light"):
        visitor.page.get_by_role("button", name="User").click()
        visitor.page.get_by_text(re.compile("Appearance|Theme")).first.hover()
        visitor.page.get_by_text(re.compile(f"{shown}( mode)?$", re.IGNORECASE)).first.click()
        expect(visitor.page.locator("html")).to_have_class(re.compile(shown.lower()))
        expect(ours.locator("html")).to_have_attribute("data-theme", shown.lower())
        grounds.append(ours.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))
    assert 2 == len(set(grounds))


def test_the_strip_has_a_bar_for_each_run_that_leads_to_it(visitor, run):
    ours = visitor.see()
    bar = ours.locator(".strip a").last
    expect(bar).to_have_attribute("title", re.compile("written"))
    bar.click()
    expect(ours.locator("#list .changes")).to_be_visible()


def test_times_are_in_the_zone_of_the_browser_which_each_of_them_names(airflow, browser, login, run):
    context = browser.new_context(viewport=WIDE, storage_state=login, timezone_id="Asia/Kathmandu")
    visitor = Visitor.arrives(airflow, context)
    ours = visitor.see("run", run=run.id)
    expect(ours.locator("h1 time")).to_have_text(re.compile(r"[0-9]+ \w+ [0-9:]+ GMT\+5:45"))
    expect(ours.locator("h1 time")).to_have_attribute("title", re.compile("GMT"))
    context.close()


def test_a_run_that_somebody_triggers_in_airflow_is_in_the_overview(visitor, run):
    before = visitor.airflow.run_ids()
    visitor.page.goto(f"{visitor.airflow.url}/dags/partner_sync")
    visitor.page.get_by_role("button", name="Trigger").first.click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    until("Airflow has a new run", 30, lambda: visitor.airflow.run_ids() > before)
    (new,) = visitor.airflow.run_ids() - before
    assert "success" == visitor.airflow.finished(new).state
    expect(visitor.see().locator(f"#runs a[href*='{quote(new)}']").first).to_be_visible()


@pytest.mark.parametrize(
    ("size", "theme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide and light", "phone and dark"]
)
def test_no_screen_has_a_serious_fault_of_accessibility_or_is_wider_than_the_window(
    visitor, run, packages, theme, size
):
    update = next(one for one in run.plan.changes if one.kind == "update")
    screens = {
        "": {},
        "run": {"run": run.id, "change": "1"},
        "story": {"account": update.account_id},
        "find": {"q": "a"},
        "recent": {"kind": "update"},
        "partners": {"type": "open_partner"},
        "problems": {},
        "decisions": {},
        "undo": {"run": run.id},
        "hold": {"id": run.plan.holds[0].id},
        "print": {"run": run.id},
        "nothing": {},
    }
    visitor.context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    visitor.page.set_viewport_size(size)
    assert [] == visitor.faults((packages / "axe-core" / "axe.min.js").read_text(), screens)


def test_what_is_vendored_is_what_npm_has_under_that_version(packages):
    published = (packages / "htmx.org" / "dist" / "htmx.min.js").read_text()
    assert published == (STATIC / "vendor" / "htmx-2.0.11.min.js").read_text()
