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
from partner_sync.model import Create, FieldChange, Mark, Plan, PlanOrder, Problem, ReadProof, Update, Withheld

NOW = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
READS = (ReadProof("Salesforce", 60, 60, 1, 1), ReadProof("Zendesk global", 4_000, 4_000, 40, 43))


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
    return Mark("global", account, number, f"Gone {number}", fields, f"no account with {account} any more")


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
        reads=READS,
        counts={"unchanged": 31},
        changes=changes,
        withheld_changes=tuple(more.pop("withheld_changes", ())),
        withheld=tuple(more.pop("withheld", ())),
        problems=tuple(more.pop("problems", ())),
    )
    params = {"account_ids": more.pop("account_ids", [])}
    record = RunRecord(Trigger("partner_sync", "manual__1", "manual", None, NOW, NOW, params), {}, plan)
    values = {
        "state": "success",
        "seconds": 12.34,
        "record": record,
        "plan": plan if changes or plan.withheld_changes else None,
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
    said = text(an_outcome(problems=[*problems, Problem("malformed_id", None, (), (), "An id is wrong.", "Copy it.")]))
    assert "Problems  6 items need attention; nothing else waits for them" in said
    assert said.count("Rename it.") == 1
    assert "name taken 5\n    global: The name A is held." in said
    assert "2 more: make run ALL=1" in said
    assert "malformed id 1\n    An id is wrong.\n      Copy it." in said


def test_what_is_withheld_has_numbers_and_the_next_step():
    item = Withheld(
        "global", "mark", 40, 12, 60, "40 of kind mark: 67 %.", 'Trigger with {"allow_over_limit": {"mark": 40}}'
    )
    marks = [a_mark(number) for number in range(40)]
    failure = FailedTask("sync", "withheld", "40 of kind mark: 67 %.")
    said = text(an_outcome(withheld=[item], withheld_changes=marks, state="failed", failures=[failure]))
    assert "mark 40, limit 12  in global, 60 partner organizations" in said
    assert "Gone 0" in said
    assert 'Trigger with {"allow_over_limit": {"mark": 40}}' in said
    assert "sync withheld" in said
    assert "Nothing to do" not in said


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
    withheld = Withheld(name, "mark", 1, 0, 1, name, name)
    failure = FailedTask("sync", name, name)
    summary = an_outcome(
        change, problems=[problem], verdicts=[verdict], withheld=[withheld], state="failed", failures=[failure]
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
