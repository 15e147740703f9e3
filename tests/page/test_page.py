"""The page by its routes, over real archives: what is shown, what is escaped, who may look."""

from __future__ import annotations

import csv
import io
import re
import time
from dataclasses import replace
from html import unescape
from urllib.parse import quote

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from markupsafe import escape

from partner_sync.archive.records import RunRecord
from partner_sync.history import History
from partner_sync.history.overview_results import Overview
from partner_sync.history.reader import Reader
from partner_sync.model import FieldChange, UnreadInstance
from partner_sync.page.app import page_app
from partner_sync.page.assets import FILES
from tests.history.past import a_create, a_hold, a_mark, a_partner, a_problem, an_update

HOSTILE = ["<script>alert(1)</script>", "x" * 300, "\u202eمرحبا", "🎉 & Söhne", '" onmouseover="x']


def client(past, refusal: int | None = None) -> TestClient:
    def may_look() -> None:
        if refusal:
            raise HTTPException(refusal, "no")

    history = past.history()
    return TestClient(page_app(lambda: history, may_look))


def addresses(run: str) -> list[str]:
    asked = [f"/{page}?run={run.replace('+', '%2B')}&n=0" for page in ("run", "change", "changes.csv", "changes.json")]
    asked += [f"/problems.{form}?run={run.replace('+', '%2B')}" for form in ("csv", "json")]
    asked += [
        "/",
        "/problems",
        "/decisions",
        f"/undo?run={run.replace('+', '%2B')}",
        "/hold?id=x",
        "/find?q=a",
        "/story?account=0014M0000000001",
        "/story.csv?account=x",
        "/recent",
        "/partners",
    ]
    return [*asked, f"/print?run={run.replace('+', '%2B')}", *(f"/static/{name}" for name in FILES)]


def test_the_addresses_tried_here_are_all_there_are(past):
    made = client(past).app
    tried = {address.split("?")[0] for address in addresses("x") if not address.startswith("/static/")}
    assert {*tried, "/static/{name:path}"} == {route.path for route in made.routes}


@pytest.mark.parametrize("status", [401, 403])
def test_every_route_is_refused_to_who_may_not_look(past, status):
    run = past.run(0, [a_create(1)])
    asked = client(past, status)
    assert {status} == {asked.get(address).status_code for address in addresses(run)}


def test_every_answer_forbids_foreign_hosts_frames_and_inline_scripts(past):
    run = past.run(0, [a_create(1)])
    asked = client(past)
    for address in [*addresses(run), "/run?run=unknown"]:
        headers = asked.get(address).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "nosniff" == headers["x-content-type-options"]


def test_the_first_visit_says_what_will_appear(past):
    answer = client(past).get("/")
    assert 200 == answer.status_code
    assert "No runs yet" in answer.text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(past, name):
    run = past.run(0, [a_create(1, name), an_update(2, name)])
    asked = client(past)
    for address, params in (
        ("/run", {"run": run, "change": 0}),
        ("/find", {"q": name}),
        ("/story", {"account": "0014M0000000001"}),
    ):
        text = asked.get(address, params=params).text
        assert "<script>alert" not in text
        assert ' onmouseover="x' not in text.replace("&#34; onmouseover", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_evidence_and_hostile_texts_of_holds_stay_text(past, text):
    mark = a_mark(1, reason=text, tickets=1, users=1)
    run = past.run(0, holds=[a_hold(mark, why=text, next_step=text)], unread=[UnreadInstance("gov", text)])
    asked = client(past)
    for address, params in (
        ("/", {}),
        ("/run", {"run": run, "change": 0}),
        ("/run", {"run": run, "hold": text}),
        ("/print", {"run": run}),
        ("/change", {"run": run, "n": 0}),
        ("/story", {"account": mark.account_id}),
    ):
        html = asked.get(address, params=params).text
        assert "<script>alert" not in html
        assert ' onmouseover="x' not in html.replace("&#34; onmouseover", "")
        assert address == "/" or params.get("hold") or escape(text) in html


@pytest.mark.parametrize("run", ["unknown", "../../etc/passwd", "manual__2026", "%2e%2e%2f", "\x00"])
def test_a_foreign_or_invented_run_gets_a_polite_answer(past, run):
    past.run(0, [a_create(1)])
    answer = client(past).get("/run", params={"run": run})
    assert 404 == answer.status_code
    assert "has no record of this run" in answer.text


def test_a_run_of_another_dag_has_no_plan_and_is_not_waited_for(past):
    answer = client(past).get("/run", params={"run": "scheduled__2026", "dag": "billing"})
    assert "belongs to another DAG" in answer.text
    assert "every" not in answer.text


def test_a_run_without_a_plan_yet_is_asked_for_again(past):
    assert "every 3s" in client(past).get("/run", params={"run": "scheduled__2026", "dag": "partner_sync"}).text


@pytest.mark.parametrize("address", ["/run?run=x&page=0", "/run?run=x&sort=id;drop", "/change?run=x&n=-1", "/run"])
def test_an_address_that_makes_no_sense_is_answered_in_plain_words(past, address):
    answer = client(past).get(address)
    assert 422 == answer.status_code
    assert "Invalid address" in answer.text


def test_static_files_are_kept_by_the_browser_under_the_digest_of_their_content(past):
    text = client(past).get("/").text
    addresses = re.findall(r'(?:src|href)="(static/[^"]+)"', text)
    assert addresses
    assert all(re.search(r"\?v=[0-9a-f]{12}$", one) for one in addresses)
    assert "immutable" in client(past).get(f"/{addresses[0]}").headers["cache-control"]
    assert "no-store" == client(past).get("/").headers["cache-control"]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ({}, "Zendesk global: all 4,212 organizations read."),
        (
            {"kind": "changed", "announced": 4213, "gone": 2},
            "Zendesk global: 4,212 organizations known, by the read before and all that changed since, counted 4,213,"
            " 2 confirmed gone.",
        ),
        (
            {"cause": "first"},
            "Zendesk global: all 4,212 organizations read (all listed: it is the first read of the instance that is"
            " known).",
        ),
        (
            {"cause": "due", "differed": (1, 2)},
            "Zendesk global: all 4,212 organizations read (all listed: the last full listing is as old as"
            " full_every_hours allows; 2 organizations differed from what reads of changes had).",
        ),
    ],
)
def test_a_run_says_how_each_instance_was_read_and_why(past, read, said):
    plan = past.plan(0)
    salesforce, zendesk = plan.reads
    plan = replace(plan, reads=(salesforce, replace(zendesk, **read)))
    past.archive.write_run(RunRecord(past.trigger(0), {}, plan))
    text = client(past).get("/run", params={"run": plan.run_id}).text
    line = text.split("Complete</span>")[1].split("</p>")[0]
    assert f"Salesforce: all 171 accounts read; {said}" == " ".join(re.sub("<[^>]+>", "", line).split())


def test_every_number_of_the_overview_leads_to_as_many_rows(past):
    edited = an_update(3)
    edited = replace(edited, fields=(replace(edited.fields[0], cause="zendesk"),))
    past.run(0, [a_create(1), an_update(2), edited, a_mark(4)], problems=[a_problem(1)], types={"open_partner": 2})
    past.read_partners(0, a_partner(2), a_partner(3))
    asked = client(past)
    text = asked.get("/").text
    for address, count in (
        ("partners?type=open_partner", 2),
        ("recent?kind=create&amp;days=1", 1),
        ("recent?kind=update&amp;days=1", 2),
        ("recent?kind=mark&amp;days=1", 1),
        ("recent?kind=update&amp;field=account_owner&amp;days=30", 2),
        ("recent?kind=update&amp;field=account_owner&amp;days=30&amp;edited=True", 1),
    ):
        assert f'href="{address}"' in text
        assert count == asked.get(f"/{unescape(address)}").text.count("data-row")
    assert "edited in Zendesk</span>" in asked.get("/recent", params={"days": 30, "edited": True}).text


def test_changes_are_sorted_by_a_click_on_their_column(past):
    run = past.run(0, [an_update(1, "B"), an_update(2, "C"), an_update(3, "A")])
    asked = client(past)
    for sort, order in (("", "BCA"), ("name", "ABC"), ("-name", "CBA")):
        text = asked.get("/run", params={"run": run, "sort": sort}).text
        assert list(order) == re.findall(r'<bdi class="cut" title="([ABC])">', text)
    assert 'aria-sort="descending"' in text


def test_a_printed_run_says_what_it_is_narrowed_by_and_has_a_place_to_sign(past):
    run = past.run(0, [a_create(1, "Kestrel"), an_update(2, "Nimbus")])
    text = client(past).get("/print", params={"run": run, "kind": "create"}).text
    assert "kind create" in text
    assert "Signature" in text
    assert ("Kestrel" in text, "Nimbus" in text) == (True, False)


def test_an_address_that_nothing_answers_is_a_plain_message_with_a_way_back(past):
    answer = client(past).get("/nothing")
    assert 404 == answer.status_code
    assert "Back to the overview" in answer.text


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "%2e%2e/routes.py", "/etc/passwd", "vendor/../../app.py"])
def test_no_static_name_reaches_another_file(past, name):
    answer = client(past).get(f"/static/{name}")
    assert 404 == answer.status_code
    assert "FastAPI" not in answer.text


def test_filters_and_search_narrow_on_the_server(past):
    run = past.run(0, [a_create(1, "Kestrel"), an_update(2, "Nimbus"), a_mark(3, "Harbour")], verdicts={2: "rejected"})
    asked = client(past)
    for params, shown in (
        ({"kind": "mark"}, "Harbour"),
        ({"verdict": "rejected"}, "Nimbus"),
        ({"q": "kest"}, "Kestrel"),
    ):
        text = asked.get("/run", params={"run": run, **params}).text.split('<div id="list">')[1]
        assert [shown] == [name for name in ("Kestrel", "Nimbus", "Harbour") if name in text]


def test_a_row_opens_with_the_message_of_zendesk_and_both_links(past):
    run = past.run(0, [an_update(2, "Nimbus")], verdicts={2: "rejected"})
    text = client(past).get("/change", params={"run": run, "n": 0}).text
    assert "has already been taken" in text
    assert "https://acme.my.salesforce.com/" in text
    assert "https://acme.zendesk.com/agent/organizations/3600002" in text


def test_a_hold_has_a_review_and_who_may_not_start_runs_sees_the_conf_to_hand_on(past):
    limit = a_hold(*(a_mark(number) for number in range(12)))
    tickets = a_hold(a_mark(20, "Nimbus", tickets=2, users=1), reason="open_tickets", opens_case=False)
    run = past.run(0, holds=[tickets, limit])
    asked = client(past)
    text = asked.get("/run", params={"run": run}).text
    for hold in (limit, tickets):
        assert f'href="hold?id={hold.id}"' in text
        assert f"{{&#34;approve&#34;: [&#34;{hold.id}&#34;]}}" in asked.get("/hold", params={"id": hold.id}).text
    assert text.index("Over the limit of a run") < text.index("Open tickets")
    assert "global, since <time" in text
    assert "2 open tickets, 1 user" in text
    assert "Partner 3" not in asked.get("/run", params={"run": run, "hold": tickets.id}).text
    overview = asked.get("/").text
    assert f'href="hold?id={tickets.id}"' in overview
    assert "1 item needs attention" in overview


def test_planning_only_is_said_on_the_overview_the_run_the_change_and_the_print(past):
    run = past.run(0, [a_create(1)], planning_only=("global",))
    asked = client(past)
    said = "Planning only: nothing is written until someone starts a run without dry run."
    for address in ("/", f"/run?run={quote(run)}", f"/change?run={quote(run)}&n=0"):
        assert said in asked.get(address).text
    assert said.rstrip(".") in asked.get("/print", params={"run": run}).text


def test_a_change_says_of_each_field_why_it_changes(past):
    field = FieldChange("account_owner", "A", "B", cause="zendesk")
    run = past.run(0, [replace(an_update(1), fields=(field,))])
    assert "edited in Zendesk" in client(past).get("/change", params={"run": run, "n": 0}).text


def test_an_instance_that_was_not_read_is_named_with_the_reason(past):
    run = past.run(0, unread=[UnreadInstance("gov", "Zendesk did not answer <at all>.")])
    for page in ("/run", "/print"):
        text = client(past).get(page, params={"run": run}).text
        assert "gov" in text
        assert "Zendesk did not answer &lt;at all&gt;." in text


def test_the_downloads_have_the_evidence_the_hold_the_tickets_and_the_users(past):
    hold = a_hold(a_mark(1, tickets=2, users=5), reason="open_tickets", opens_case=False)
    run = past.run(0, holds=[hold])
    asked = client(past)
    [row] = csv.DictReader(io.StringIO(asked.get("/changes.csv", params={"run": run}).text))
    [told] = asked.get("/changes.json", params={"run": run}).json()
    expected = {"reason": "deleted in Salesforce, seen 23 Nov", "hold": hold.id, "hold_reason": "open_tickets"}
    assert expected | {"tickets": "2", "users": "5"} == {key: row[key] for key in (*expected, "tickets", "users")}
    assert expected | {"tickets": 2, "users": 5} == {key: told[key] for key in (*expected, "tickets", "users")}


def test_problems_are_shown_with_their_advice(past):
    run = past.run(0, problems=[a_problem(1)])
    assert "Rename one of them." in client(past).get("/run", params={"run": run}).text


def test_a_run_that_failed_before_its_plan_says_which_task_and_why(past):
    run = past.fail(0, message="Zendesk lacks the field support_tier.")
    text = client(past).get("/run", params={"run": run}).text
    assert "gather_accounts" in text
    assert "Zendesk lacks the field support_tier." in text


def test_a_running_run_asks_again_and_a_finished_one_does_not(past):
    done, open_ = past.run(0, [a_create(1)]), past.run(0.9, [a_create(2)], written=False)
    asked = client(past)
    assert "0 of 1 batches" in asked.get("/run", params={"run": open_}).text
    assert "every 2s" in asked.get("/run", params={"run": open_}).text
    assert "every 2s" not in asked.get("/run", params={"run": done}).text


def test_an_unreadable_object_is_a_plain_message(past):
    run = past.run(0, [a_create(1)])
    [plan] = past.folder.glob("archive/runs/*/*/*/plan.json")
    plan.write_text("{half")
    answer = client(past).get("/run", params={"run": run})
    assert 200 == answer.status_code
    assert "Traceback" not in answer.text
    assert "plan.json" in answer.text


def test_downloads_hold_every_change_and_no_formula(past):
    run = past.run(0, [a_create(1, "=1+1"), a_create(2, "@x"), a_create(3, "plain"), an_update(4, "-4")])
    asked = client(past)
    rows = list(csv.DictReader(io.StringIO(asked.get("/changes.csv", params={"run": run}).text)))
    assert {"'=1+1", "'@x", "plain", "'-4"} == {row["name"] for row in rows}
    assert ["=1+1", "@x", "plain", "-4"] == [
        row["name"] for row in asked.get("/changes.json", params={"run": run}).json()
    ]


def test_problems_that_no_longer_fit_on_the_page_are_in_its_downloads(past):
    hostile = replace(a_problem(0), detail="=HYPERLINK(1)")
    run = past.run(0, problems=[hostile, *(a_problem(number) for number in range(1, 250))])
    asked, params = client(past), {"run": run}
    text = asked.get("/run", params=params).text
    assert "and 50 more problems. The downloads above have all of them." in text
    assert 'href="problems.csv?run=' in text
    answer = asked.get("/problems.csv", params=params)
    assert "-problems.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = asked.get("/problems.json", params=params).json()
    assert (250, 250) == (len(rows), len(told))
    assert {"'=HYPERLINK(1)"} == {row["detail"] for row in rows if "HYPERLINK" in row["detail"]}
    assert {hostile.detail} == {one["detail"] for one in told if "HYPERLINK" in one["detail"]}
    assert sorted(row["account_ids"] for row in rows) == sorted(one["accounts"][0]["id"] for one in told)
    assert [404, 404] == [
        asked.get(f"/problems.{form}", params={"run": "unknown"}).status_code for form in ("csv", "json")
    ]


def test_twenty_thousand_changes_are_shown_within_300_ms_and_downloaded_whole(past):
    run = past.run(0, [an_update(number) for number in range(20_000)])
    history = past.history(fresh_seconds=600)
    asked = TestClient(page_app(lambda: history, lambda: None))
    for params in ({}, {"page": 200}, {"q": "partner 19"}, {"kind": "update", "sort": "-name"}):
        asked.get("/run", params={"run": run, **params})
        assert min(_seconds(asked, {"run": run, **params}) for _ in range(3)) < 0.3, params
    assert 20_000 == len(asked.get("/changes.json", params={"run": run}).json())


def _seconds(asked: TestClient, params: dict[str, object]) -> float:
    """What one answer costs this process; not what else the machine does meanwhile."""
    begun = time.process_time()
    assert 200 == asked.get("/run", params=params).status_code
    return time.process_time() - begun


class ReadMeanwhile(History):
    """A history that is read for the first time right after its overview was asked for."""

    def overview(self, **asked: object) -> Overview:
        said, until = super().overview(**asked), time.monotonic() + 60
        while not self.index().complete or self.index().refreshing:
            assert time.monotonic() < until
        return said


def test_an_answer_from_before_the_archive_was_read_asks_again_although_it_is_read_by_now(past):
    past.run(0, [an_update(1)])
    reader = Reader(str(past.archive.root), past.folder / "index")
    history = ReadMeanwhile(past.archive.root, past.folder / "index", reader=reader, patience=0, fresh_seconds=600)
    try:
        said = TestClient(page_app(lambda: history, lambda: None)).get("/").text
        assert "Reading the archive" in said
        assert 'hx-get="" hx-trigger="every 2s"' in said
    finally:
        history.close()


def test_while_the_archive_is_read_for_the_first_time_the_page_says_so_and_asks_again(past):
    past.run(-30, [a_create(1)])
    past.run(0, [an_update(1)])
    reader = Reader(str(past.archive.root), past.folder / "index")
    history = History(past.archive.root, past.folder / "index", reader=reader, patience=0, fresh_seconds=0.1)
    browser, until = TestClient(page_app(lambda: history, lambda: None)), time.monotonic() + 60
    try:
        said = browser.get("/").text
        assert "Reading the archive" in said
        assert "Reading the archive for the first time" in said
        assert 'hx-get="" hx-trigger="every 2s"' in said
        while "for the first time" in (said := browser.get("/").text):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert 2 == browser.get("/").text.count('<li><a href="run?')
    finally:
        history.close()
