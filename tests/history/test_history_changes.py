"""A run and its changes: filtered, searched, counted, paged; and one change with everything about it."""

from __future__ import annotations

import pytest

from partner_sync.history.changes import Filters
from partner_sync.page.downloads import change_rows
from tests.history.past import a_create, a_hold, a_mark, a_problem, account, an_update

CHANGES = [
    a_create(1, "Nimbus Systems"),
    a_create(2, "<script>alert(1)</script>"),
    an_update(3, "Kestrel Cloud", account_owner=("A", "B"), support_hold=(False, True)),
    an_update(4, "STRASSE Ünïcode 100%", account_owner=("A", "B")),
    a_mark(5, "Old Harbour"),
]


@pytest.fixture
def shown(past):
    run_id = past.run(
        -1, CHANGES, verdicts={4: "rejected"}, holds=[a_hold(a_mark(6), a_mark(7))], problems=[a_problem(4)]
    )
    return past.history(), run_id


FILTERS = {
    "nothing": (Filters(), [1, 2, 3, 4, 5, 6, 7]),
    "kind": (Filters(kind="mark"), [5, 6, 7]),
    "field": (Filters(field="support_hold"), [3]),
    "a part of a field's name": (Filters(field="support"), []),
    "verdict": (Filters(verdict="rejected"), [4]),
    "withheld": (Filters(verdict="withheld"), [6, 7]),
    "instance": (Filters(instance="gov"), []),
    "a part of a name": (Filters(search=" nimb "), [1]),
    "markup": (Filters(search="<SCRIPT>"), [2]),
    "case beyond ASCII": (Filters(search="straße ÜNÏ"), [4]),
    "what SQL takes for a joker": (Filters(search="100%"), [4]),
    "a joker alone": (Filters(search="_"), []),
    "a quote": (Filters(search="' OR 1=1 --"), []),
    "18 characters": (Filters(search=account(3)), [3]),
    "15 characters": (Filters(search=account(3)[:15]), [3]),
    "the beginning of an id": (Filters(search="0014M0000000005"), [5]),
    "Zendesk's id": (Filters(search="3600003"), [3]),
    "a number beyond all": (Filters(search="9" * 40), []),
    "several": (Filters(kind="update", field="account_owner", verdict="confirmed"), [3]),
}


@pytest.mark.parametrize(("filters", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters_narrow_and_count_exactly(shown, filters, expected):
    history, run_id = shown
    found = history.changes(run_id, filters=filters)
    assert [account(number) for number in expected] == [row.account_id for row in found.rows]
    assert (len(expected), 7) == (found.total, found.all)
    assert list(change_rows(history, run_id, None, filters, "plan")) == list(found.rows)


def test_facets_count_what_a_further_choice_would_show(shown):
    history, run_id = shown
    facets = history.changes(run_id, filters=Filters(kind="update")).facets
    assert {"mark": 3, "create": 2, "update": 2} == facets.kind
    assert {"account_owner": 2, "support_hold": 1} == facets.field
    assert {"confirmed": 1, "rejected": 1} == facets.verdict
    assert {"global": 2} == facets.instance


@pytest.mark.parametrize(("page", "given", "rows"), [(1, 1, 3), (3, 3, 1), (99, 3, 1), (0, 1, 3), (-5, 1, 3)])
def test_a_page_that_is_not_there_is_the_nearest_that_is(shown, page, given, rows):
    history, run_id = shown
    found = history.changes(run_id, page=page, page_size=3)
    assert (given, 3, rows) == (found.page, found.pages, len(found.rows))


def test_a_row_has_before_and_after_verdict_message_job_and_links(shown):
    history, run_id = shown
    row = history.changes(run_id, filters=Filters(verdict="rejected")).rows[0]
    [field] = row.fields
    assert ("account_owner", "A", "B") == (field.field, field.before, field.after)
    assert ("Zendesk refused it: name", "RecordInvalid Name: has already been taken") == (
        row.verdict_reason,
        row.vendor_words,
    )
    assert ("V3-1", 1, "update 1-2") == (row.job_id, row.try_number, row.batch)
    assert f"https://acme.my.salesforce.com/lightning/r/Account/{account(4)}/view" == row.account_url
    assert "https://acme.zendesk.com/agent/organizations/3600004" == row.organization_url


def test_an_organization_that_was_created_has_its_id_from_the_verdict(shown):
    history, run_id = shown
    assert 3600001 == history.changes(run_id, filters=Filters(search="nimbus")).rows[0].organization_id


@pytest.mark.parametrize("base", ["http://127.0.0.1:4002", "http://localhost:4002", "https://[::1]:4002"])
def test_a_run_against_a_server_on_this_machine_links_to_that_server(past, base):
    run_id = past.run(-1, [an_update(1)], hosts={"salesforce": base, "global": base})
    [row] = past.history().changes(run_id).rows
    assert f"{base}/lightning/r/Account/{account(1)}/view" == row.account_url
    assert f"{base}/agent/organizations/{row.organization_id}" == row.organization_url


@pytest.mark.parametrize(
    "host",
    [
        *("", "javascript:alert(1)//", "acme.zendesk.com/x?y=", "a b.com", "acme.zendesk.com\n", "x" * 300),
        *("http://acme.example:80", "http://127.0.0.1:80/x", "http://127.0.0.1.example", "http://127.0.0.1:80\n"),
    ],
)
def test_what_does_not_look_like_a_host_is_no_link(past, host):
    run_id = past.run(-1, [an_update(1)], hosts={"salesforce": host, "global": host})
    [row] = past.history().changes(run_id).rows
    assert (None, None) == (row.account_url, row.organization_url)


def test_one_change_comes_with_its_run_tries_problems_and_story(shown):
    history, run_id = shown
    detail = history.change(run_id, None, 3)
    assert run_id == detail.run.run_id
    assert ["rejected"] == [one.verdict for one in detail.tries]
    assert ["name_taken"] == [one.kind for one in detail.problems]
    assert "problem" == detail.story.now
    assert None is history.change(run_id, None, 99)


@pytest.mark.parametrize("wrong", ["", "../../etc/passwd", "scheduled__%", "' OR '1'='1", "\x00", "x" * 10_000])
def test_an_id_that_is_none_finds_nothing(shown, wrong):
    history, run_id = shown
    assert None is history.run(wrong)
    assert None is history.changes(wrong)
    assert None is history.changes(run_id, wrong or "x")
    assert None is history.problems(wrong)
    assert None is history.withheld(wrong)
    assert [] == list(change_rows(history, wrong, None, Filters(), "plan"))


def test_a_run_has_its_proof_counts_and_neighbours(past):
    first, run_id, last = past.run(-2), past.run(-1, CHANGES), past.run(0)
    run = past.history().run(run_id)
    assert [("Salesforce", 171, 171), ("Zendesk global", 4212, 4212)] == [
        (read.system, read.read, read.announced) for read in run.reads
    ]
    assert {"confirmed": 5} == run.outcomes
    assert (first, last) == (run.before, run.after)
    assert ("success", 12.0, "partner_sync") == (run.row.state, run.row.seconds, run.dag_id)


def test_a_run_that_failed_before_its_plan_says_which_task_and_why(past):
    past.fail(0, error="UnavailableError", retryable=True)
    run_id = past.fail(0, try_number=2, after=60, message="Mend it.", words="INVALID_LOGIN")
    run = past.history().run(run_id)
    assert ("failed", "gather_accounts failed (ConfigError)", None) == (run.row.state, run.row.why, run.row.plan_id)
    assert [1, 2] == [one.try_number for one in run.failures]
    assert ("Mend it.", "INVALID_LOGIN") == (run.failures[1].message, run.failures[1].words)
    assert ("scheduled", "partner_sync") == (run.row.run_type, run.dag_id)
    assert None is past.history().changes(run_id)
    assert () == past.history().problems(run_id)


def test_problems_know_since_when_they_are_there(past):
    past.run(-3, problems=[a_problem(1)])
    past.run(-2, problems=[a_problem(1), a_problem(2)])
    run_id = past.run(-1, problems=[a_problem(1), a_problem(2), a_problem(3, instance=None)])
    found = past.history().problems(run_id)
    assert [("09", False), ("10", True), ("11", True)] == [
        (f"{one.first_seen:%H}", one.new) for one in sorted(found, key=lambda one: one.detail)
    ]
    assert "https://acme.zendesk.com/agent/organizations/3600001" == found[1].organizations[0].url


def test_a_hold_says_what_is_usual_and_the_conf_that_approves_it(past):
    for hour, marks in ((-4, 0), (-3, 2), (-2, 1)):
        past.run(hour, [a_mark(100 + number) for number in range(marks)])
    hold = a_hold(*(a_mark(number) for number in range(37)))
    run_id = past.run(-1, holds=[a_hold(a_mark(50), reason="no_trace", opens_case=False), hold])
    row, ordinary = past.history().withheld(run_id)
    assert (37, 10, (0, 2, 1)) == (row.item.rows, row.item.limit, row.usual)
    assert "In the last 3 runs: 0 to 2 marked." == row.unusual
    assert {"approve": [hold.id]} == row.conf
    assert ("no_trace", (), "") == (ordinary.item.reason, ordinary.usual, ordinary.unusual)


def test_a_row_on_hold_has_its_hold_and_what_is_known_of_its_organization(past):
    tickets = a_hold(a_mark(6, tickets=2, users=5), reason="open_tickets", opens_case=False)
    limit = a_hold(a_mark(7), a_mark(8))
    run_id = past.run(-1, [a_create(1)], holds=[limit, tickets])
    history = past.history()
    assert [(limit.id, "limit", None, None)] * 2 + [(tickets.id, "open_tickets", 2, 5)] == [
        (row.hold, row.hold_reason, row.tickets, row.users)
        for row in history.changes(run_id, None, Filters(verdict="withheld")).rows
    ]
    assert [account(6)] == [row.account_id for row in history.changes(run_id, None, Filters(hold=tickets.id)).rows]


def test_changes_of_an_instance_that_is_not_armed_are_planned_only_and_those_of_others_are_written(past):
    changes = [a_create(1), a_create(2, instance="gov"), an_update(3, instance="gov"), an_update(4, instance="us")]
    run_id = past.run(-1, changes, planning_only=("gov",), instances=("global", "gov", "us"))
    rows = past.history().changes(run_id).rows
    assert ["confirmed", "planning only", "planning only", "confirmed"] == [row.outcome for row in rows]
    assert [True, False, False, True] == [row.batch is not None for row in rows]


def test_a_dry_run_of_an_instance_that_is_not_armed_is_a_dry_run(past):
    run_id = past.run(-1, [a_create(1)], planning_only=("global",), dry_run=True)
    run = past.history().run(run_id)
    assert ("dry run", (), {"dry run": 1}) == (run.row.state, run.planning_only, run.outcomes)
