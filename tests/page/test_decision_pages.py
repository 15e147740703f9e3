"""The pages on which people decide, and what the overview says first: over real archives, without Airflow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Decision, HoldRow, Memory, MissingAccount, Withdrawal, WrittenField
from partner_sync.archive.records import PartnerState, PartnerStates
from partner_sync.archive.replay_store import put_config
from partner_sync.compare.change_keys import change_keys
from partner_sync.page.app import page_app
from partner_sync.page.dag import DagView
from tests.history.past import NOON, a_create, a_hold, a_mark, a_partner, a_problem, account, an_update

TOML = (Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text()
ADMIN = DagView(user="admin", may_trigger=True)
MARKS = [a_mark(number, tickets=0, users=number) for number in range(37)]
HOLD = a_hold(*MARKS, is_case=True, limit=35, of=176)


def client(past, dag: DagView = ADMIN, hour: float = 1) -> TestClient:
    history = past.history(hour)
    return TestClient(page_app(lambda: history, lambda: None, lambda: dag))


def decides(past, *marks, does: str = "allow", hour: float = 0.1, **values) -> Decision:
    rows = tuple(HoldRow(one.account_id, one.organization_id, change_keys(one)) for one in marks)
    at = NOON + timedelta(hours=hour)
    of = {"hold": HOLD.id, "kind": "mark", "reason": "limit"} if marks else {}
    asked = {"until": at + timedelta(hours=24) if does == "allow" else None, "note": "as agreed <b>", **of, **values}
    made = Decision(
        id=f"{len(marks):012x}", does=does, instance="global", rows=rows, by="maria", run_id="r", at=at, **asked
    )
    Decisions(past.archive.root, "global").record(made)
    return made


# -- what the overview says first ----------------------------------------------------------------------------


def headline(past, dag: DagView = ADMIN, hour: float = 0.5) -> str:
    text = client(past, dag, hour).get("/").text
    return " ".join(text.split("<h1>")[1].split("</h1>")[0].split("</span>", 1)[1].split())


def test_a_paused_dag_is_said_first_and_who_paused_it_and_that_runs_stay_queued(past):
    past.run(0)
    dag = replace(ADMIN, paused=True, paused_since=NOON, paused_by="joe", active=("x",))
    assert "Paused since" in headline(past, dag)
    text = client(past, dag, 30).get("/").text
    assert "paused by <bdi>joe</bdi>" in text
    assert "1 run stays queued" in text
    assert "Overdue" not in text
    past.run(0.1, holds=[HOLD])
    assert "1 item needs attention" == headline(past, dag)
    assert "<strong>Paused.</strong>" in client(past, dag).get("/").text


def test_a_run_that_writes_is_said_with_how_far_it_is(past):
    past.run(-1)
    past.run(0, [an_update(1), an_update(2), a_create(3)], written=False)
    plan = replace(past.plan(0, [an_update(1), an_update(2), a_create(3)]), run_id=past.trigger(0).run_id)
    past.write(plan, past.trigger(0), {}, only=1)
    assert "Running: 2 of 3 written" == headline(past)


def test_a_run_that_only_airflow_knows_is_said_too(past):
    past.run(0)
    assert "Running: reading" == headline(past, replace(ADMIN, active=("new",)))


def test_planning_only_offers_the_one_action_that_ends_it_to_who_may_start_runs(past):
    past.run(0, [a_create(1)], planning_only=("global",))
    assert "Planning only" == headline(past)
    assert "Start a run that writes" in client(past).get("/").text
    assert "Start a run that writes" not in client(past, DagView()).get("/").text


def test_before_the_first_run_the_page_offers_a_dry_run_to_who_may_start_runs(past):
    assert "Start a dry run" in client(past).get("/").text
    assert "Start a dry run" not in client(past, DagView()).get("/").text


@pytest.mark.parametrize(
    ("run", "label"),
    [
        ({"changes": [an_update(1), an_update(2)], "verdicts": {2: "rejected"}}, "1 of 2 written, 1 rejected"),
        ({"changes": [an_update(1)]}, "1 written"),
        ({}, "No changes"),
        ({"changes": [an_update(1)], "holds": [HOLD]}, "1 written, 37 on hold"),
        ({"holds": [HOLD]}, "37 on hold"),
        ({"changes": [an_update(1)], "dry_run": True}, "Dry run: 1 change planned"),
        ({"changes": [an_update(1)], "planning_only": ("global",)}, "Planning only: 1 change planned"),
        ({"changes": [an_update(1)], "verdicts": {1: "superseded"}}, "0 of 1 written, 1 skipped"),
    ],
)
def test_a_run_is_labeled_by_what_happened(past, run, label):
    run_id = past.run(0, run.pop("changes", []), **run)
    text = client(past).get("/run", params={"run": run_id}).text
    assert f"</span> {label}</span>" in text


def test_counts_have_no_sign_that_reads_as_minus(past):
    past.run(0, [a_mark(number) for number in range(7)])
    text = client(past).get("/").text
    assert ">7</a>" in text
    assert "−7" not in text


def test_the_duration_is_the_one_of_airflow(past):
    run_id = past.run(0)
    text = client(past, replace(ADMIN, run_seconds=14.2)).get("/run", params={"run": run_id}).text
    assert '<th scope="row">Duration in Airflow</th><td>14 s</td>' in text


# -- the review of a hold ------------------------------------------------------------------------------------


def test_a_review_has_rows_with_evidence_tickets_users_and_since_when_they_are_missing(past):
    past.run(0, holds=[HOLD])
    missing = (MissingAccount(MARKS[3].organization_id, MARKS[3].account_id, NOON - timedelta(hours=49)),)
    plan = past.plan(0)
    InstanceMemory(past.archive.root, "global").remember(Memory(plan.order, "global", "r", NOON, missing=missing))
    text = client(past).get("/hold", params={"id": HOLD.id}).text
    assert "37 organizations would be marked for deletion. The limit is 35 per run, so none were marked." in text
    assert 37 == text.count('name="row"')
    assert "Not for a 38th." in text
    row = text.split(">Partner 3</bdi>")[1].split("</tr>")[0]
    assert "deleted in Salesforce, seen 23 Nov" in row
    assert 'data-label="users">3</td>' in row
    assert "2 days ago" in row
    assert "required" in text.split('id="note"')[1].split(">")[0]


def test_who_may_not_start_runs_has_no_button_and_no_checkbox(past):
    past.run(0, holds=[HOLD])
    text = client(past, DagView()).get("/hold", params={"id": HOLD.id}).text
    assert 'name="does"' not in text
    assert "checkbox" not in text
    assert f"{{&#34;approve&#34;: [&#34;{HOLD.id}&#34;]}}" in text


def test_after_a_decision_the_review_says_who_why_and_what_became_of_each_row(past):
    past.run(0, holds=[HOLD])
    decides(past, *MARKS[:36])
    rest = a_hold(*MARKS[36:], is_case=True)
    past.run(0.2, [one for one in MARKS[:36] if one != MARKS[4]], holds=[rest])
    text = client(past).get("/hold", params={"id": HOLD.id}).text
    assert "<strong>Approved</strong> by <bdi>maria</bdi>" in text
    assert "as agreed &lt;b&gt;" in text
    assert "35 confirmed" in text
    assert "1 no longer the same: not written" in text
    assert "This hold is over." in text
    assert f'href="hold?id={rest.id}"' in text
    assert 'name="does"' not in text


def configured(past, approvals: str) -> None:
    """The config of every run of this past."""
    text = re.sub(r"(?s)(\[approvals\]\n).*?(?=\n\[)", rf"\1{approvals}\n", TOML)
    put_config(past.archive.root, "digest", text)


@pytest.mark.parametrize(
    ("hours", "said", "expiry"),
    [("24", "24 hours", "2026-11-25T13:00:00+00:00"), ("1", "1 hour", "2026-11-24T14:00:00+00:00")],
)
def test_a_review_says_when_an_approval_of_now_would_expire_by_the_newest_config(past, hours, said, expiry):
    past.run(0, holds=[HOLD])
    configured(past, f"hours = {hours}")
    text = client(past).get("/hold", params={"id": HOLD.id}).text
    assert f"expires after {said}: " in text
    assert f'datetime="{expiry}"' in text.split('class="expiry"')[1].split("</span>")[0]


@pytest.mark.parametrize("text", [None, "this = is of another release"])
def test_a_review_names_no_hours_that_it_does_not_know(past, text):
    past.run(0, holds=[HOLD])
    if text:
        put_config(past.archive.root, "digest", text)
    shown = client(past).get("/hold", params={"id": HOLD.id}).text
    assert "expires after the <code>hours</code> of the config." in shown
    assert "two people" not in shown


def people(past, user: str = "admin") -> str:
    """What a review says about who has to approve."""
    text = client(past, replace(ADMIN, user=user)).get("/hold", params={"id": HOLD.id}).text
    found = re.search(r'<p class="people">(.*?)</p>', text)
    return re.sub("<[^>]+>", "", found[1]) if found else ""


def test_a_review_says_that_two_people_are_needed_and_who_has_approved(past):
    past.run(0, holds=[HOLD])
    configured(past, "people = 2")
    assert "This needs two people. Nobody has approved yet. The first approval writes nothing." == people(past)
    made = decides(past, *MARKS)
    waits = "approved. Nothing is written until one more person approves the same rows."
    assert f"This needs two people. maria has {waits}" == people(past)
    assert f"This needs two people. You have {waits}" == people(past, "maria")
    joe = replace(made, id="f" * 12, by="joe", at=made.at + timedelta(minutes=1), rows=made.rows[:35])
    Decisions(past.archive.root, "global").record(joe)
    assert "maria and joe have approved." in people(past)
    text = client(past).get("/hold", params={"id": HOLD.id}).text
    assert [True, True] == [f"by <bdi>{by}" in text for by in ("maria</bdi>, <time", "joe</bdi>, 35 rows, <time")]


def test_where_one_person_is_enough_or_the_hold_is_over_no_second_is_asked_for(past):
    past.run(0, holds=[HOLD])
    configured(past, "people = 2")
    past.run(0.2)
    assert "" == people(past)


def test_a_review_names_who_may_decide_where_the_config_does(past):
    past.run(0, holds=[HOLD])
    configured(past, 'by = ["joe", "maria"]')
    text = client(past).get("/hold", params={"id": HOLD.id}).text
    assert "The config names who may decide: <bdi>joe, maria</bdi>." in text


def test_a_paused_dag_is_said_where_people_decide_and_where_the_run_is_awaited(past):
    past.run(0, holds=[HOLD])
    paused = replace(ADMIN, paused=True, run_state="queued")
    asked = client(past, paused)
    assert "stays queued until someone unpauses" in asked.get("/hold", params={"id": HOLD.id}).text
    text = asked.get("/hold", params={"id": HOLD.id, "started": "new"}).text
    assert "The run is queued, and the DAG is paused." in text
    assert 'hx-trigger="every 2s"' in text
    assert 'name="does"' not in text


def test_a_decision_that_its_run_refused_is_said_with_the_reason(past):
    past.run(0, holds=[HOLD])
    run_id = past.fail(0.1, message="approve is set by joe, who is not in approvals.by of the config.")
    text = client(past).get("/hold", params={"id": HOLD.id, "started": run_id}).text
    assert "who is not in approvals.by of the config." in text
    assert 'name="does"' in text


# -- problems, decisions, undo -------------------------------------------------------------------------------


def test_problems_are_grouped_by_kind_with_the_advice_once_and_new_ones_on_top(past):
    old = [replace(a_problem(number), id=f"{number:012x}") for number in (1, 2)]
    new = replace(a_problem(9, "malformed_id"), id="9" * 12, advice="Copy the id again.")
    past.read_partners(-30, a_partner(1, "Kestrel"))
    past.run(-30, problems=old)
    past.run(0, problems=[*old, new])
    text = client(past).get("/problems").text
    assert 1 == text.count("Rename one of them.")
    assert text.index("Malformed id") < text.index("Name already in use")
    assert ">Kestrel</bdi>" in text
    assert "Fix in Salesforce" in text
    assert f'data-whole="problem:{old[0].id}"' in text
    assert "Acknowledge</summary>" not in client(past, DagView()).get("/problems").text


def test_an_acknowledged_problem_is_no_longer_new_and_needs_no_attention(past):
    past.run(-30)
    past.run(0, problems=[a_problem(1)])
    assert "1 item needs attention" == headline(past)
    past.run(0.2, problems=[replace(a_problem(1), id="1" * 12, acknowledged="a" * 12)])
    assert "Up to date" == headline(past)
    assert "Acknowledged" in client(past).get("/problems").text


def test_all_decisions_in_force_are_listed_and_can_be_withdrawn(past):
    past.run(0, holds=[HOLD])
    made, left = decides(past, *MARKS[:35]), decides(past, *MARKS[35:], does="leave")
    Decisions(past.archive.root, "global").withdraw(left.id, Withdrawal("joe", NOON, "r2"))
    text = client(past).get("/decisions").text
    assert "1 decision in force" in text
    assert "Approve 35 marks" in text
    assert f'data-whole="{made.id}"' in text
    assert f'data-whole="{left.id}"' not in text
    assert "Withdrawn by <bdi>joe</bdi>" in text
    assert "Expired" in client(past, hour=30).get("/decisions").text


def test_undo_says_first_how_much_can_go_back_what_was_changed_since_and_that_creates_stay(past):
    changes = [an_update(1, "Kestrel"), an_update(2, "Nimbus", account_owner=("A", "B")), a_mark(3), a_create(4)]
    run_id = past.run(-2, changes)
    past.read_partners(-1, a_partner(1), a_partner(2, owner="someone else"))
    text = client(past).get("/undo", params={"run": run_id}).text
    assert "2 fields in 2 organizations can go back to their value before the run." in text
    assert "1 field changed since and stays as it is." in text
    assert "1 created organization stays: nothing is ever deleted." in text
    assert "someone else" in text
    assert f'data-whole="{run_id}"' in text
    row = client(past).get("/undo", params={"run": run_id, "account": account(1)}).text
    assert f'data-whole="{run_id}:{account(1)}"' in row
    assert "1 field in 1 organization can go back" in row


def test_a_run_that_is_undone_says_by_whom_and_is_not_undone_again(past):
    run_id = past.run(-2, [an_update(1)])
    field = WrittenField(account(1), 3_600_001, "account_owner", "A", "B", "k")
    rows = (HoldRow(account(1), 3_600_001, ("k",)),)
    made = decides(past, does="restore", undoes=run_id, fields=(field,))
    Decisions(past.archive.root, "global").record(replace(made, rows=rows, id="e" * 12))
    text = client(past).get("/undo", params={"run": run_id}).text
    assert "<strong>Undone</strong> by <bdi>maria</bdi>" in text
    assert 'name="does"' not in text


def test_a_run_that_wrote_offers_its_undo_and_a_row_too(past):
    run_id = past.run(0, [an_update(1)])
    asked = client(past)
    assert f'href="undo?run={quote(run_id, safe="")}"' in asked.get("/run", params={"run": run_id}).text
    story = asked.get("/story", params={"account": account(1)}).text
    assert f"undo?run={quote(run_id, safe='')}&amp;account={account(1)}" in story


def test_the_organization_page_shows_the_evidence_of_a_mark_and_who_approved_it(past):
    made = decides(past, MARKS[1], hour=-2)
    past.run(-1, [MARKS[1]], approvals={0: (made.id,)})
    past.read_partners(-1, a_partner(1, desired=None, marked=True))
    text = client(past).get("/story", params={"account": account(1)}).text
    evidence = text.split("<h2>Evidence</h2>")[1].split("</section>")[0]
    assert "deleted in Salesforce, seen 23 Nov" in evidence
    assert "Approved by <bdi>maria</bdi>" in evidence
    assert "<h2>Fields</h2>" not in text


def test_fields_have_the_names_of_zendesk_with_keys_on_hover_and_say_where_they_come_from(past):
    run_id = past.run(0, [an_update(1)])
    states = PartnerStates(
        past.plan(0).order,
        "global",
        ("account_owner",),
        (PartnerState(account(1), 3_600_001, "Kestrel", ("B",), ("B",), False),),
        titles={"account_owner": "Account owner"},
        sources={"account_owner": ("Account_Owner_Calc__c", "text")},
    )
    past.archive.write_partner_states(states)
    asked = client(past)
    named = '<span class="field" title="account_owner">Account owner</span>'
    assert named in asked.get("/run", params={"run": run_id}).text
    story = asked.get("/story", params={"account": account(1)}).text
    assert named in story
    assert "Account_Owner_Calc__c</span>, as it is" in story


def test_the_history_of_an_organization_can_be_downloaded(past):
    past.run(-1, [an_update(1, "Kestrel")])
    past.run(0, [an_update(1, "Kestrel", support_hold=(False, True))])
    text = client(past).get("/story.csv", params={"account": account(1)}).text
    assert ["support_hold", "account_owner"] == [line.split(",")[5] for line in text.splitlines()[1:]]


# -- finding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["oresund", "ÖRESUND", "Öresund da"])
def test_search_folds_accents_and_case_and_opens_a_single_hit(past, text):
    past.run(0, [an_update(1, "Öresund Data"), an_update(2, "Nimbus")])
    answer = client(past).get("/find", params={"q": text}, follow_redirects=False)
    assert (303, f"story?account={account(1)}") == (answer.status_code, answer.headers["location"])


def test_search_says_what_it_does_not_search(past):
    past.run(0, [an_update(1, "Nimbus A"), an_update(2, "Nimbus B")])
    for text in ("nimbus", "nothing like it"):
        assert "domains are not" in client(past).get("/find", params={"q": text}).text.lower()


def test_rejected_rows_come_first_by_the_message_of_zendesk_with_names(past):
    run_id = past.run(
        0, [an_update(1, "Kestrel"), an_update(2, "Nimbus"), an_update(3)], verdicts={1: "rejected", 2: "rejected"}
    )
    text = client(past).get("/run", params={"run": run_id}).text
    refusals = text.split('id="refusals"')[1].split("</section>")[0]
    assert 1 == refusals.count("“RecordInvalid Name: has already been taken”")
    assert [True, True, False] == [name in refusals for name in ("Kestrel", "Nimbus", "Partner 3")]
    assert text.index('id="refusals"') < text.index('id="list"')
