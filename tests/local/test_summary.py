"""The summary reports a run in few lines, and everything in it is sanitized text."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from rich.console import Console

from partner_sync.archive.records import RowVerdict, RunRecord, Trigger
from partner_sync.local.outcome import FailedTask, RunOutcome, facts, write_totals
from partner_sync.local.progress import show
from partner_sync.local.summary import EVERYTHING, EXAMPLES, Limits, display_value, render
from partner_sync.model import (
    Create,
    FieldChange,
    Hold,
    InstanceCounts,
    Mark,
    NotRestored,
    Plan,
    PlannedDecision,
    PlanOrder,
    Problem,
    ReadProof,
    UnreadInstance,
    Update,
)

NOW = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
READS = (ReadProof("Salesforce", 60, 60, 1, 1), ReadProof("Zendesk global", 4_000, 4_000, 40, 43, instance="global"))


def a_create(name: str = "Acme", number: int = 1, **more: object) -> Create:
    fields = (FieldChange("name", None, name), FieldChange("support_hold", None, True), FieldChange("tam", None, None))
    return Create(
        "global", f"0014M0000{number:09}", name, fields, **{"reason": "account without an organization"} | more
    )


def an_update(name: str = "Beacon", reason: str = "differs from its account", *fields: FieldChange) -> Update:
    fields = fields or (FieldChange("account_owner", "Dana Cole", "Sam Ortiz"),)
    return Update("global", "0014M0000000000002", 42, name, fields, reason)


def a_mark(number: int = 3) -> Mark:
    fields = (FieldChange("mark_for_deletion", False, True),)
    account = f"0014M0000{number:09}"
    return Mark("global", account, number, f"Gone {number}", fields, "deleted in Salesforce, seen 23 Nov")


def a_hold(*marks: Mark, **more: object) -> Hold:
    values = {"reason": "limit", "why": "40 marks in global (67 %).", "next_step": "Review them.", "opens_case": True}
    counted = {"rows": len(marks), "limit": 12, "of": 60, "since": NOW, "changes": marks}
    return Hold(**{"id": "3f2a91c0de12", "instance": "global", "kind": "mark"} | counted | values | more)


def a_verdict(change: Create | Update | Mark, verdict: str = "confirmed", **more: object) -> RowVerdict:
    values = {
        "run_id": "manual__1",
        "plan_id": "plan",
        "batch": f"{change.kind} 1-1",
        "try_number": 1,
        "at": NOW,
        "instance": "global",
        "kind": change.kind,
        "account_id": change.account_id,
        "organization_id": change.organization_id,
        "name": change.name,
        "verdict": verdict,
        "reason": "as desired",
        "vendor_words": "",
        "written": True,
        "job_id": f"job of {change.kind}",
        "calls": 5,
    }
    return RowVerdict(**values | more)


def an_outcome(*changes: Create | Update | Mark, **more: object) -> RunOutcome:
    plan = Plan(
        order=PlanOrder(NOW, NOW, "plan"),
        run_id="manual__1",
        dry_run=bool(more.pop("dry_run", False)),
        config_digest="",
        reads=more.pop("reads", READS),
        counts={"unchanged": 31},
        changes=changes,
        holds=tuple(more.pop("holds", ())),
        planning_only=tuple(more.pop("planning_only", ())),
        unread=tuple(more.pop("unread", ())),
        decisions=tuple(more.pop("decisions", ())),
        not_restored=tuple(more.pop("not_restored", ())),
        instances=(InstanceCounts("global"),),
        problems=tuple(more.pop("problems", ())),
    )
    params = {"account_ids": more.pop("account_ids", [])}
    record = RunRecord(Trigger("partner_sync", "manual__1", "manual", None, NOW, NOW, params), {}, plan)
    values = {
        "state": "success",
        "seconds": 12.34,
        "record": record,
        "plan": plan if changes or plan.holds else None,
        "verdicts": [a_verdict(change) for change in changes],
        "failures": [],
        "archive": "home/archive/runs/1",
        "log": "home/logs/run-1.log",
    }
    return RunOutcome(**values | more)


def text(outcome: RunOutcome, width: int = 100, limits: Limits = EXAMPLES) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=width, color_system=None, highlight=False, markup=True), render(outcome, limits))
    return stream.getvalue()


def test_it_says_what_was_read_of_what_was_announced_and_in_how_many_pages():
    assert "Salesforce      60 of 60        1 page, 1 call\n" in text(an_outcome())
    assert "Zendesk global  4,000 of 4,000  40 pages, 43 calls\n" in text(an_outcome())


def test_it_shows_a_count_that_differs_and_how_many_are_confirmed_gone():
    outcome = an_outcome()
    proof = ReadProof("Zendesk global", 4_000, 3_998, 40, 45, gone=3)
    plan = replace(outcome.record.plan, reads=(proof,))
    said = text(replace(outcome, record=replace(outcome.record, plan=plan)))
    assert "Zendesk global  4,000 read, counted 3,998, 3 confirmed gone  40 pages, 45 calls\n" in said


def test_a_read_of_what_changed_and_what_such_reads_had_missed_are_shown():
    changed = ReadProof("Zendesk global", 4_000, 4_000, 1, 4, kind="changed", instance="global")
    full = ReadProof("Zendesk global", 4_000, 4_000, 40, 45, cause="due", differed=(1, 2), instance="global")
    outcomes = [an_outcome(reads=(READS[0], proof)) for proof in (changed, full)]
    assert "Zendesk global  4,000 of 4,000, by what changed  1 page, 4 calls\n" in text(outcomes[0])
    assert "Zendesk global  4,000 of 4,000, 2 not as changed reads had them" in text(outcomes[1])
    assert ["changed", "full"] == [facts(one)["read"]["global"] for one in outcomes]


def test_a_run_without_changes_says_so_plainly():
    assert "Nothing to do: all partners are in sync. Nothing was written." in text(an_outcome())
    narrowed = text(an_outcome(account_ids=["0014M00001sDiGEQA0"]))
    assert "Nothing to do: the accounts in account_ids are in sync." in narrowed


def test_a_dry_run_says_that_nothing_was_written():
    said = text(an_outcome(a_create(), an_update(), dry_run=True, verdicts=[]))
    assert "dry run: nothing is written" in said
    assert "Dry run: 2 changes planned. Nothing was written." in said


@pytest.mark.parametrize(
    "line",
    [
        "create 1  in global",
        "Acme  account without an organization",
        "name: (empty) -> Acme",
        "support_hold: (empty) -> yes",
        "update 1  in global",
        "account_owner: Dana Cole -> Sam Ortiz",
        "mark 1  in global",
        "mark_for_deletion: no -> yes",
        "confirmed 3",
        "Verdicts  3 rows sent in 3 bulk jobs and read back",
        "3 of 3 changes confirmed.  12.3 s",
        "59: 44 to read, 15 to write and confirm",
        "home/archive/runs/1",
        "home/logs/run-1.log",
    ],
)
def test_each_change_has_old_and_new_value_and_a_reason_and_the_end_says_what_it_cost(line):
    assert line in text(an_outcome(a_create(), an_update(), a_mark()))


def test_a_field_that_stays_empty_is_not_told():
    assert "tam" not in text(an_outcome(a_create()))


def test_of_many_changes_the_first_are_shown_and_the_rest_is_counted():
    said = text(an_outcome(*(a_mark(number) for number in range(3, 50))))
    assert [f"Gone {number}" in said for number in (3, 4, 5, 6)] == [True, True, True, False]
    assert "44 more marks: make run ALL=1" in said


def test_all_changes_fields_and_problems_are_shown_where_it_is_asked_for():
    fields = tuple(FieldChange(f"field_{number}", None, "x") for number in range(9))
    problems = [Problem("name_taken", "global", (), (), f"The name {name} is held.", "Rename it.") for name in "ABCDE"]
    changes = [*(a_mark(number) for number in range(3, 50)), an_update("Beacon", "differs from its account", *fields)]
    said = text(an_outcome(*changes, problems=problems), limits=EVERYTHING)
    assert all(f"Gone {number} " in said for number in range(3, 50))
    assert "field_8: " in said
    assert "The name E is held." in said
    assert "more" not in said.replace("any more", "")


def test_a_rare_reason_is_shown_although_it_is_not_among_the_first():
    rare = an_update("Customer", "adopted: was a customer organization")
    said = text(an_outcome(*(an_update(f"Beacon {number}") for number in range(20)), rare))
    assert "Customer  adopted: was a customer organization" in said
    assert "18 more updates: make run ALL=1" in said


def test_a_reason_of_a_field_is_told_unless_it_is_the_changes_own():
    fields = (FieldChange("name", "A", "B", "renamed"), FieldChange("tier", "a", "b", "matched by external_id"))
    said = text(an_outcome(an_update("Beacon", "matched by external_id", *fields)))
    assert "name: A -> B  (renamed)" in said
    assert "tier: a -> b\n" in said


def test_problems_are_grouped_by_kind_with_one_advice_each():
    problems = [Problem("name_taken", "global", (), (), f"The name {name} is held.", "Rename it.") for name in "ABCDE"]
    said = text(
        an_outcome(problems=[*problems, Problem("malformed_id", None, (), (), "An id is wrong.", "Copy it.", "p1")])
    )
    assert "Problems  6 items need attention; nothing else waits for them" in said
    assert said.count("Rename it.") == 1
    assert "name taken 5\n    global: The name A is held." in said
    assert "2 more: make run ALL=1" in said
    assert "malformed id 1\n    An id is wrong.  problem p1\n      Copy it." in said


def test_a_hold_has_its_reason_since_when_its_rows_and_the_next_step():
    hold = a_hold(*(a_mark(number) for number in range(40)))
    failure = FailedTask("sync", "withheld", hold.why)
    said = text(an_outcome(holds=[hold], state="failed", failures=[failure]))
    assert "mark 40  in global, over the limit of a run, since 2026-11-24 03:00 UTC, hold 3f2a91c0de12" in said
    assert "Gone 0  deleted in Salesforce, seen 23 Nov\n" in said
    assert "40 marks in global (67 %).\n    Review them.\n" in said
    assert "sync withheld" in said
    assert "Nothing to do" not in said


def test_a_green_run_with_holds_does_not_claim_to_be_in_sync():
    hold = a_hold(a_mark(), opens_case=False)
    assert "Nothing was written: 1 change on hold." in text(an_outcome(holds=[hold]))
    assert "1 of 1 change confirmed, 1 on hold." in text(an_outcome(a_create(), holds=[hold]))


def test_a_mark_shows_its_open_tickets_and_users():
    mark = replace(a_mark(), tickets=1, users=12)
    assert "Gone 3  deleted in Salesforce, seen 23 Nov (1 open ticket, 12 users)\n" in text(an_outcome(mark))


def test_planning_only_is_said_where_nothing_is_written():
    only = "Planning only: nothing is written until someone starts a run without dry run"
    unarmed = an_outcome(a_create(), a_mark(), planning_only=["global"], verdicts=[])
    assert f"{only}. 2 changes planned." in text(unarmed, 140)
    assert "planning only: nothing is written in global" in text(unarmed)
    elsewhere = replace(a_create("Beta"), instance="gov")
    mixed = an_outcome(a_create(), elsewhere, planning_only=["gov"], verdicts=[a_verdict(a_create())])
    assert f"1 of 1 change confirmed. {only}: 1 change." in text(mixed, 140)
    assert f"{only}. 0 changes planned, 1 on hold." in text(
        an_outcome(planning_only=["global"], holds=[a_hold(a_mark())]), 140
    )


def test_an_instance_that_was_not_read_is_named_with_the_reason():
    said = text(an_outcome(unread=[UnreadInstance("gov", "Zendesk did not answer.")], state="failed"))
    assert "Read  incomplete" in said
    assert "Zendesk gov     not read" in said
    assert "Nothing is planned for gov. Zendesk did not answer." in said


def test_rows_that_are_not_confirmed_are_listed_with_reason_and_the_vendors_words():
    change = an_update()
    verdicts = [
        a_verdict(change, "rejected", reason="Zendesk refused it", vendor_words="Name: has already been taken"),
        a_verdict(a_create(), "unknown", reason="no answer"),
        a_verdict(a_mark(), "superseded", reason="changed since", written=False, job_id=None),
    ]
    said = text(an_outcome(change, verdicts=verdicts, state="failed"))
    assert "rejected 1  superseded 1  unknown 1" in said
    assert "rejected  Beacon  update, organization 42" in said
    assert 'Zendesk responded: "Name: has already been taken"' in said
    assert "unknown  Acme  create, account 0014M0000000000001" in said
    assert "changed since" in said


def test_a_run_that_failed_before_compare_says_which_task_and_why():
    failures = [
        FailedTask("gather_accounts", "", "Salesforce refused GET /query with 400.\nLook at the config."),
        FailedTask("gather_organizations", "", "Salesforce refused GET /query with 400.\nLook at the config."),
    ]
    said = text(an_outcome(record=None, plan=None, verdicts=[], state="failed", failures=failures))
    assert "there is no plan: the run ended before compare did" in said
    assert "gather_accounts, gather_organizations\n    Salesforce refused GET /query with 400.\n    Look at" in said
    assert "The DAG run failed." in said


HOSTILE = (
    "[red]Acme[/red]",
    "\x1b[2J\x1b[31mAcme",
    "Acme\x07\r\n",
    "\u202eemca",
    "[link=https://x.example]A[/link]",
    "[/]",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_wherever_it_comes(name):
    field = FieldChange("name", name, name + "!", name)
    change = Update("global", name, 42, name, (field,), name)
    problem = Problem(name, name, (), (), name, name)
    verdict = a_verdict(change, "rejected", reason=name, vendor_words=name)
    mark = replace(a_mark(), name=name, reason=name, instance=name)
    hold = a_hold(mark, id=name, instance=name, why=name, next_step=name)
    failure = FailedTask("sync", name, name)
    summary = an_outcome(
        change,
        problems=[problem],
        verdicts=[verdict],
        holds=[hold],
        planning_only=[name],
        unread=[UnreadInstance(name, name)],
        state="failed",
        failures=[failure],
    )
    said = text(summary)
    assert not set(said) & {"\x1b", "\x07", "\r", "\u202e", "\x9b"}
    if name.startswith("["):
        assert name in said


@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_is_wider_than_the_terminal_and_long_names_are_cut(width):
    change = a_create("A very long name " * 20)
    problem = Problem("name_taken", "global", (), (), "The name " + "long " * 60, "advice " * 60)
    summary = an_outcome(change, problems=[problem], verdicts=[a_verdict(change, "rejected")], state="failed")
    lines = text(summary, width).splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.endswith("…") for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "(empty)"), (True, "yes"), (False, "no"), (3, "3"), ("yes", "yes"), ("a\x00b", r"a\x00b")],
)
def test_values_are_said_as_a_person_says_them(value, said):
    assert display_value(value) == said


def test_a_job_counts_once_and_a_batchs_calls_as_well():
    rows = [a_verdict(a_create(number=number), calls=calls) for number, calls in ((1, 4), (2, 6))]
    rows.append(a_verdict(a_mark(), "superseded", written=False, job_id=None, calls=1))
    done = write_totals(rows)
    assert (done.jobs, done.rows, done.calls) == (1, 2, 7)


def test_machines_get_the_same_numbers():
    said = facts(an_outcome(a_create(), an_update()))
    assert said["state"] == "success"
    assert said["planned"] == {"create": 1, "update": 1, "mark": 0}
    assert said["verdicts"] == {"confirmed": 2}
    assert (said["jobs"], said["rows_written"], said["withheld"], said["problems"]) == (2, 2, 0, {})
    assert facts(an_outcome(record=None, plan=None, verdicts=[], state="failed"))["planned"]["create"] == 0


def test_machines_get_holds_decisions_calls_and_what_was_read():
    held = a_hold(a_mark(), a_mark(4))
    resting = Problem("resting", "global", (), (), "detail", "advice")
    outcome = an_outcome(
        a_create(),
        an_update(),
        holds=[held],
        decisions=[
            PlannedDecision("d2", "restore", "global", 1, 1),
            PlannedDecision("d1", "allow", "global", 2, 3),
        ],
        problems=[resting],
        unread=[UnreadInstance("gov", "Zendesk did not answer.")],
    )
    said = facts(outcome)
    hold = {"id": "3f2a91c0de12", "instance": "global", "kind": "mark", "reason": "limit", "rows": 2}
    assert [hold] == said["holds"]
    assert [{"id": "d1", "does": "allow", "rows": 2}, {"id": "d2", "does": "restore", "rows": 1}] == said["decisions"]
    assert {"salesforce": 1, "zendesk": 43 + 5 + 5} == said["calls"]
    assert {"global": "full", "gov": "unreachable"} == said["read"]
    assert (2, 1) == (said["withheld"], said["resting"])
    nothing = facts(an_outcome(record=None, plan=None, verdicts=[], state="failed"))
    assert ([], [], {}, {"salesforce": 0, "zendesk": 0}) == tuple(
        nothing[key] for key in ("holds", "decisions", "read", "calls")
    )


def test_decisions_show_what_they_did_what_could_not_be_undone_and_the_exact_command_that_ends_them():
    field = NotRestored(
        "8c1f20aa73be", "global", "0014M00001sDiGEQA0", 42, "account_owner", "A", "B", "[red]C", "changed"
    )
    said = text(
        an_outcome(
            an_update(),
            decisions=[PlannedDecision("8c1f20aa73be", "restore", "global", 1, 3)],
            not_restored=[field],
        )
    )
    assert "undone 1 of 3 rows  in global, decision 8c1f20aa73be\n" in said
    assert "2 rows already done, or no longer the same\n" in said
    assert "not undone: organization 42, account_owner: somebody else changed it since\n" in said
    assert """To end it early: CONF='{"withdraw": ["8c1f20aa73be"]}' make run\n""" in said


def test_problems_show_their_ids_and_those_that_are_acknowledged_are_only_counted():
    one, two = (Problem("name_taken", "global", (), (), f"{name} is held.", "Rename it.", name) for name in "ab")
    said = text(an_outcome(problems=[one, replace(two, acknowledged="1ea000000001")]))
    assert "Problems  1 item needs attention, 1 acknowledged; nothing else waits for them" in said
    assert "global: a is held.  problem a\n" in said
    assert "b is held" not in said


def test_a_hold_shows_the_command_that_leaves_its_rows():
    said = text(an_outcome(holds=[a_hold(a_mark())]))
    assert """To leave them as they are: CONF='{"leave": ["3f2a91c0de12"]}' make run\n""" in said


def test_a_run_that_changed_organizations_shows_the_command_that_takes_it_back():
    assert """Undo     CONF='{"undo": ["manual__1"]}' make run\n""" in text(an_outcome(a_create(), an_update()))
    assert "Undo " not in text(an_outcome(a_create()))
    undoing = an_outcome(an_update())
    assert "Undo " not in text(replace(undoing, plan=replace(undoing.plan, restores={0: {"account_owner": "d1"}})))


def test_of_a_rehearsal_there_is_nothing_to_decide_to_undo_or_to_view():
    held = an_outcome(an_update(), holds=[a_hold(*(a_mark(number) for number in range(3, 50)))])
    hints = ["Review them.", "To leave them", "make up", "Undo", "make run"]
    assert hints == [hint for hint in hints if hint in text(held)]
    said = text(replace(held, rehearsal=True), limits=replace(EXAMPLES, more="make rehearse CONFIG=new.toml ALL=1"))
    assert [] == [hint for hint in hints if hint in said]
    assert "40 marks in global (67 %)." in said
    assert "44 more marks: make rehearse CONFIG=new.toml ALL=1" in said
