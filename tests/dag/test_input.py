"""The real DAG on bad input: rows of every odd kind, Connections that see too little, params, 1 to 101 rows."""

from __future__ import annotations

import itertools

import pytest

from partner_sync.errors import ConfigError, RejectedError, SchemaError, VerdictError
from partner_sync.ids import id_18
from partner_sync.sandbox import large_world
from tests.dag.stage import without_limit_of_creates

numbers = itertools.count(10)


def an_id():
    """An id that no account of the world has."""
    return id_18(f"0014M00009Odd{next(numbers):02d}")


def odd(stage, **fields):
    """Puts one more account into Salesforce; answers its id."""
    account_id = an_id()
    like = next(row for row in stage.sandbox.accounts() if row["Partner_Track__c"] in ("Open", "Select"))
    row = {**like, "Id": account_id, "Account_ID_18__c": account_id, "Name": f"Odd {account_id}", **fields}
    return stage.sandbox.put_account(**row)


def named(run):
    """Kind of problem to the accounts that it names."""
    found = {}
    for problem in run.record.plan.problems:
        found.setdefault(problem.kind, set()).update(problem.account_ids)
    return found


def organizations_of(stage, account_id):
    return [row for row in stage.sandbox.organizations() if row["external_id"] == account_id]


# -- rows ---------------------------------------------------------------------------------------------------

BLANK_NAMES = {"none": None, "empty": "", "no-break": "\u00a0", "zero-width": "\u200b\ufeff", "ideographic": "\u3000\t"}
UNREADABLE = {
    "a name that is a list": {"Name": ["Odd"]},
    "an owner that is an object": {"Account_Owner_Calc__c": {"Name": "A. Ortiz"}},
    "a hold that is a list": {"Support_Hold__c": [True]},
    "a track that is an object": {"Partner_Track__c": "Open", "Restricted_Account__c": {"a": 1}},
    "a null byte": {"Name": "Odd\x00 one"},
}
WRITTEN = {
    "emoji": "🤝 Odd 👩‍👩‍👧‍👦",
    "right to left": "\u200fשותפים בע״מ",
    "script": "<script>alert('x')</script>",
    "line end": "Odd\nline",
    "quotes": 'O\'Odd "&" \\ Sons',
    "blanks around": " \u00a0\u3000Odd blanks\u200b\t",
    "inner blanks": "Odd  \u00a0 inner",
    "a number": 4711,
}


def test_odd_rows_become_problems_healthy_ones_are_written_as_they_are_and_the_archive_tells_both(small):
    small.config(without_limit_of_creates)
    healthy = {cause: odd(small, Name=name) for cause, name in WRITTEN.items()}
    short = odd(small, Name="Short id", Account_ID_18__c=(given := an_id())[:15])
    without_name = {odd(small, Name=name) for name in BLANK_NAMES.values()}
    unreadable = {odd(small, **fields) for fields in UNREADABLE.values()}
    unknown = {odd(small, Partner_Track__c=track) for track in ("Select", "open")}
    odd(small, Name="No id", Account_ID_18__c=None)
    odd(small, Name="Wrong checksum", Account_ID_18__c=f"{an_id()[:15]}ZZZ")
    twice = odd(small, Name="Listed twice")
    odd(small, Name="Listed again", Account_ID_18__c=twice)
    one_name = {odd(small, Name="Same Name"), odd(small, Name="\u00a0SAME NAME ")}

    run = small.run()

    assert "success" == run.state
    assert {"confirmed": 6 + len(healthy) + 1 + len(unknown)} == run.counts()
    problems = named(run)
    assert {
        "account_without_name": without_name,
        "unreadable_value": unreadable,
        "account_without_id": set(),
        "account_listed_twice": {twice},
        "two_accounts_one_name": one_name,
    } == {kind: ids for kind, ids in problems.items() if kind not in ("malformed_id", "pinned_account_missing")}
    assert all(one.endswith("ZZZ") for one in problems["malformed_id"])
    for cause, account_id in healthy.items():
        (organization,) = organizations_of(small, account_id)
        (verdict,) = [row for row in run.verdicts if row.account_id == account_id]
        wanted = str(WRITTEN[cause]).strip("\u00a0\u3000\u200b\t ")
        assert (wanted, wanted, "confirmed") == (organization["name"], verdict.name, verdict.verdict)
    assert 1 == len(organizations_of(small, given))
    assert short != given
    for account_id in without_name | unreadable | {twice} | one_name:
        assert [] == organizations_of(small, account_id)
    for problem in run.record.plan.problems:
        assert problem.detail
        assert problem.advice
    again = small.run()
    assert ("success", "skipped") == (again.state, again.tasks["sync"])
    assert run.record.plan.problems == again.record.plan.problems


def test_an_odd_row_leaves_the_organization_of_its_account_as_it_is_and_unmarked(stage):
    world = stage(large_world(accounts=8, organizations=20))
    partners = [row for row in world.sandbox.accounts() if row["Partner_Track__c"] in ("Open", "Select")]
    causes = ({"Name": "\u200b"}, *UNREADABLE.values())
    for account, fields in zip(partners, causes, strict=False):
        world.sandbox.put_account(Id=account["Id"], **{"Account_Owner_Calc__c": "Somebody New", **fields})
    run = world.run()
    assert ("success", "skipped") == (run.state, run.tasks["sync"])
    assert len(causes) == len(run.record.plan.problems) - len(named(run).get("pinned_account_missing", ()))
    assert [] == world.writes()


def test_a_name_that_zendesk_holds_for_too_long_is_rejected_alone_with_its_words_in_the_archive(small):
    long = odd(small, Name="A" * 300)
    run = small.run()
    assert ("failed", {"confirmed": 6, "rejected": 1}) == (run.state, run.counts())
    (error,) = run.errors("sync")
    assert VerdictError is type(error)
    assert f"{long} rejected: Zendesk refused it" in str(error)
    assert "Fix the cause; the next run plans these rows again" in str(error)
    (row,) = [row for row in run.verdicts if row.verdict == "rejected"]
    assert ("A" * 300, True) == (row.name, "is too long" in row.vendor_words)
    small.sandbox.put_account(Id=long, Name="A" * 255)
    assert {"confirmed": 1} == small.run().counts()


@pytest.mark.parametrize(("rows", "batches"), [(1, ["create 1-1"]), (100, ["create 1-100"]), (101, None)])
def test_as_many_rows_as_there_are_are_written(stage, rows, batches):
    world = stage(large_world(accounts=rows + 1, organizations=1, creates=rows))
    world.config(without_limit_of_creates)
    run = world.run()
    assert ("success", {"confirmed": rows}) == (run.state, run.counts())
    assert (batches or ["create 1-100", "create 101-101"]) == sorted(name for name in run.tasks if "create" in name)
    assert "skipped" == world.run().tasks["sync"]


# -- Connections that see or may too little -----------------------------------------------------------------


@pytest.mark.parametrize("system", ["salesforce", "zendesk"])
def test_a_connection_that_is_not_there_fails_its_read_at_once_and_says_how_to_add_it(small, system):
    task = {"salesforce": "gather_accounts", "zendesk": "gather_organizations"}[system]
    gone = small.connections.pop(f"{system}_default")
    run = small.run()
    (error,) = run.errors(task)
    assert (1, ConfigError) == (run.tries[task], type(error))
    assert f"Connection '{system}_default'" in str(error)
    assert f"Add it under Admin > Connections, or as AIRFLOW_CONN_{system.upper()}_DEFAULT" in str(error)
    assert [] == small.submits()
    small.connections[f"{system}_default"] = gone
    assert {"confirmed": 6} == small.run().counts()


def test_a_config_in_another_encoding_says_how_to_save_it(small):
    path = small.folder / "partner_sync.toml"
    path.write_bytes(path.read_text().encode("utf-16"))
    run = small.run()
    assert ["failed", "failed"] == [run.tasks[name] for name in ("gather_accounts", "gather_organizations")]
    assert all("partner_sync.toml cannot be read" in str(error) for _, error in run.failures)
    assert all("as UTF-8" in str(error) for _, error in run.failures)
    assert [] == small.sandbox.calls()


def with_scope(small, scope):
    extra = small.connections["zendesk_default"]["extra"]
    small.connections["zendesk_default"] = {
        **small.connections["zendesk_default"],
        "extra": {**extra, "scope": scope},
    }


def test_a_scope_that_may_only_read_fails_each_batch_says_what_to_give_and_loses_nothing(small):
    scoped = small.connections["zendesk_default"]
    with_scope(small, "read")
    run = small.run()
    assert ("failed", {"rejected": 6}) == (run.state, run.counts())
    errors = run.errors("sync")
    assert [RejectedError] * 3 == [type(error) for error in errors]
    assert all("with 403. Give the user behind Connection 'zendesk_default' a role" in str(error) for error in errors)
    assert [] == small.writes()
    assert [] == small.open_jobs()
    small.connections["zendesk_default"] = scoped
    assert {"confirmed": 6} == small.run().counts()


def test_a_scope_that_may_not_read_the_fields_stops_the_run_before_any_write(small):
    with_scope(small, "organizations:read organizations:write")
    run = small.run()
    (error,) = run.errors("gather_organizations")
    assert (1, RejectedError) == (run.tries["gather_organizations"], type(error))
    assert "GET /api/v2/organization_fields with 403" in str(error)
    assert "the OAuth client the scopes it asks for" in str(error)
    assert [] == small.submits()


ROLES = {
    "an agent who may not list organizations": (
        {"system": "zendesk", "path": "/api/v2/organizations", "status": 403, "body": '{"error": "Forbidden"}'},
        "gather_organizations",
        "a role that may see and edit all organizations",
    ),
    "a Salesforce user without API Enabled": (
        {
            "system": "salesforce",
            "path": "*/query*",
            "status": 403,
            "body": '[{"errorCode": "API_DISABLED_FOR_ORG", "message": "no"}]',
        },
        "gather_accounts",
        "the permissions API Enabled and read access to Account",
    ),
}


@pytest.mark.parametrize(("fault", "task", "said"), ROLES.values(), ids=ROLES)
def test_a_role_that_may_too_little_fails_the_read_at_once_and_says_what_to_give(small, fault, task, said):
    small.sandbox.fault("status", content_type="application/json", times=None, **fault)
    run = small.run()
    (error,) = run.errors(task)
    assert (1, RejectedError) == (run.tries[task], type(error))
    assert said in str(error)
    assert [] == small.submits()
    small.calm()
    assert {"confirmed": 6} == small.run().counts()


def test_a_field_that_the_salesforce_user_may_not_see_is_named(small):
    small.sandbox.delete_account_field("Support_Hold__c")
    run = small.run()
    (error,) = run.errors("gather_accounts")
    assert (1, SchemaError) == (run.tries["gather_accounts"], type(error))
    assert "Support_Hold__c" in str(error)
    assert "that the Connection's user can see it" in str(error)
    assert [] == small.submits()


def test_a_role_that_may_not_edit_gets_every_row_rejected_and_told(small):
    small.sandbox.fault("fail_rows", rows=[0, 1], details="You are not allowed", times=None)
    run = small.run()
    assert ("failed", {"rejected": 6}) == (run.state, run.counts())
    assert all("You are not allowed" in row.vendor_words for row in run.verdicts)
    small.calm()
    assert {"confirmed": 6} == small.run().counts()


# -- params -------------------------------------------------------------------------------------------------


def test_a_param_that_nobody_knows_stops_the_run_before_salesforce_is_asked(small):
    run = small.run(dryrun=True)
    (error,) = run.errors("gather_accounts")
    assert (1, ConfigError) == (run.tries["gather_accounts"], type(error))
    assert 'dryrun is not a param. Did you mean "dry_run"?' in str(error)
    assert [] == [call for call in small.sandbox.calls() if call["system"] == "salesforce"]
    assert [] == small.submits()


WRONG_CONF = [
    {"dry_run": 1},
    {"account_ids": "0014M00001sDiGEQA0"},
    {"account_ids": [7]},
    {"approve": ["3f2a91c0de12:short"]},
    {"approve": [12]},
]


@pytest.mark.parametrize("conf", WRONG_CONF, ids=str)
def test_a_param_of_another_type_starts_no_task(small, conf):
    with pytest.raises(ValueError, match="Invalid input for param"):
        small.run(**conf)
    assert [] == small.sandbox.calls()
