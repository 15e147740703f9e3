"""Calls to Zendesk: pages, re-reads, bulk jobs, credentials in mid-run, and every way in which Zendesk can say no."""

from __future__ import annotations

import json
import logging

import pytest
from zenpy import Zenpy

from partner_sync.errors import (
    AuthenticationError,
    IncompleteReadError,
    RejectedError,
    TooManyJobsError,
    UnavailableError,
)
from partner_sync.vendors.zendesk_auth import ApiToken, ClientCredentials, StaticToken
from partner_sync.vendors.zendesk_client import Job, OrganizationCount, Related, Zendesk

BASE = "https://acme.zendesk.com"
LIST, COUNT, SHOW = "/api/v2/organizations", "/api/v2/organizations/count", "/api/v2/organizations/show_many"
CREATE, UPDATE = "/api/v2/organizations/create_many", "/api/v2/organizations/update_many"


def json_fault(status, body, **where):
    return {"do": "status", "status": status, "body": json.dumps(body), "content_type": "application/json", **where}


def ended(zendesk, sandbox, job):
    """The job when it has ended."""
    sandbox.end_job(job.id)
    done = zendesk.job(job.id)
    assert done is not None
    assert not done.active
    return done


# -- reading


def test_organizations_are_counted(sandbox, zendesk):
    assert zendesk.count().value == len(sandbox.organizations()) == 400


def test_a_count_that_zendesk_updates_is_not_settled(sandbox, zendesk):
    assert zendesk.count().settled
    sandbox.fault("count_updating", limit=100)

    assert zendesk.count() == OrganizationCount(100, settled=False)


def test_users_and_tickets_of_an_organization_are_counted(sandbox, zendesk):
    row = sandbox.organizations()[0]
    sandbox.put_tickets(row["id"], open=3, solved=4, users=5)

    assert zendesk.related(row["id"]) == Related(users=5, tickets=7)
    assert zendesk.open_tickets(row["id"]) == 3
    assert zendesk.open_tickets(sandbox.organizations()[1]["id"]) == 0
    assert zendesk.calls == 3


@pytest.mark.parametrize("ask", ["related", "open_tickets"])
def test_a_user_who_may_not_see_tickets_is_known_by_the_status(sandbox, zendesk, ask):
    sandbox.fault("forbidden", path="*/related")
    sandbox.fault("forbidden", path="*/search/count")

    with pytest.raises(RejectedError) as caught:
        getattr(zendesk, ask)(7)

    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("ask", "body"),
    [
        ("related", {"organization_related": {"users_count": 1}}),
        ("related", {"organization_related": None}),
        ("open_tickets", {"count": None}),
        ("open_tickets", {"count": {"value": 1}}),
    ],
)
def test_a_count_of_another_shape_is_asked_for_later(zendesk_session, notes, ask, body):
    notes.answers = [(200, {}, json.dumps(body))]
    zendesk = Zendesk(zendesk_session(notes.url), BASE, "global", StaticToken("token", "here"))

    with pytest.raises(UnavailableError, match="in another shape"):
        getattr(zendesk, ask)(7)


def test_pages_have_a_hundred_and_end_when_there_is_no_more(sandbox, zendesk):
    sandbox.add_organizations([{"name": f"Further {number}"} for number in range(5)])

    pages = list(zendesk.pages())

    assert [len(page) for page in pages] == [100, 100, 100, 100, 5]
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in sandbox.organizations()]
    assert zendesk.calls == 5


def test_a_last_page_that_is_full_is_not_followed_by_an_empty_one(zendesk):
    assert [len(page) for page in zendesk.pages()] == [100, 100, 100, 100]
    assert zendesk.calls == 4


def test_links_are_never_followed(sandbox, zendesk, notes):
    sandbox.fault("foreign_links", host=notes.netloc, path=LIST, times=None)

    assert sum(len(page) for page in zendesk.pages()) == 400
    assert notes.asked == []


def test_a_cursor_that_repeats_ends_the_reading(zendesk_session, notes):
    meta = {"has_more": True, "after_cursor": "same"}
    notes.answers = [(200, {}, json.dumps({"organizations": [], "meta": meta}))]
    zendesk = Zendesk(zendesk_session(notes.url), BASE, "global", StaticToken("token", "here"))

    with pytest.raises(IncompleteReadError, match="has no cursor for the next page although there are more"):
        list(zendesk.pages())

    assert zendesk.calls == 2


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"meta": None},
        {"meta": {}},
        {"meta": {"has_more": True}},
        {"meta": {"has_more": True, "after_cursor": None}},
    ],
)
def test_a_page_that_does_not_say_how_it_goes_on_is_not_the_last(zendesk_session, notes, more):
    notes.answers = [(200, {}, json.dumps({"organizations": [], **more}))]
    zendesk = Zendesk(zendesk_session(notes.url), BASE, "global", StaticToken("token", "here"))

    with pytest.raises(IncompleteReadError):
        list(zendesk.pages())


@pytest.mark.parametrize("fault", [{"do": "reset_before"}, {"do": "truncated"}, {"do": "status", "status": 429}])
def test_a_page_that_breaks_is_read_again_and_not_twice(sandbox, zendesk, fault):
    sandbox.fault(**fault, path=LIST, skip=2)

    ids = [row["id"] for page in zendesk.pages() for row in page]

    assert len(ids) == len(set(ids)) == 400


def test_all_organization_fields_are_read(sandbox, zendesk):
    for number in range(100):
        sandbox.add_organization_field(key=f"further_{number}", type="text")

    fields = zendesk.organization_fields()

    assert [field["key"] for field in fields] == [field["key"] for field in sandbox.organization_fields()]
    assert len(fields) > 100


def test_organizations_are_shown_by_id(sandbox, zendesk):
    ids = [row["id"] for row in sandbox.organizations()[:100]]

    assert {row["id"] for row in zendesk.show_many(ids=[*ids[:99], 1])} == set(ids[:99])
    assert zendesk.calls == 1


def test_organizations_are_shown_by_external_id(sandbox, zendesk):
    row = next(row for row in sandbox.organizations() if row["external_id"])

    assert [shown["id"] for shown in zendesk.show_many(external_ids=[row["external_id"]])] == [row["id"]]


@pytest.mark.parametrize("ids", [[], list(range(101))])
def test_nobody_asks_for_none_or_for_more_than_a_hundred(zendesk, ids):
    for ask in (
        lambda: zendesk.show_many(ids=ids),
        lambda: zendesk.create_many([{"name": str(each)} for each in ids]),
        lambda: zendesk.update_many([{"id": each} for each in ids]),
        lambda: zendesk.update_alike(ids, {}),
    ):
        with pytest.raises(ValueError, match="takes 1 to 100 values"):
            ask()
    assert zendesk.calls == 0


# -- writing


def test_organizations_are_created(sandbox, zendesk):
    fields = {"support_hold": True, "account_owner": "Ada"}
    job = zendesk.create_many([{"name": "Fresh", "external_id": "0014M00001sFresAAA", "organization_fields": fields}])

    assert (job.active, job.results) == (True, ())
    done = ended(zendesk, sandbox, job)
    assert [item["status"] for item in done.results] == ["Created"]
    created = sandbox.organization(done.results[0]["id"])
    assert (created["name"], created["external_id"]) == ("Fresh", "0014M00001sFresAAA")
    assert created["organization_fields"]["account_owner"] == "Ada"


def test_organizations_are_changed_each_in_its_own_way_and_null_clears(sandbox, zendesk):
    first, second = sandbox.organizations()[:2]
    sandbox.edit(first["id"], organization_fields={"account_owner": "Ada"})

    job = zendesk.update_many(
        [
            {"id": first["id"], "organization_fields": {"account_owner": None}},
            {"id": second["id"], "name": "Another Name"},
        ]
    )

    assert [item["success"] for item in ended(zendesk, sandbox, job).results] == [True, True]
    assert sandbox.organization(first["id"])["organization_fields"]["account_owner"] is None
    assert sandbox.organization(first["id"])["name"] == first["name"]
    assert sandbox.organization(second["id"])["name"] == "Another Name"


def test_organizations_are_changed_alike(sandbox, zendesk):
    ids = [row["id"] for row in sandbox.organizations()[:3]]

    job = zendesk.update_alike(ids, {"organization_fields": {"mark_for_deletion": True}})

    assert [item["id"] for item in ended(zendesk, sandbox, job).results] == ids
    assert all(sandbox.organization(each)["organization_fields"]["mark_for_deletion"] for each in ids)
    assert zendesk.calls == 2


def test_a_failed_row_is_handed_on_with_zendesks_words(sandbox, zendesk):
    taken, other = sandbox.organizations()[:2]

    done = ended(zendesk, sandbox, zendesk.update_many([{"id": other["id"], "name": taken["name"]}]))

    assert done.status == "completed"
    assert done.results[0]["error"] == "OrganizationUpdateFailed"


def test_dropped_keys_are_logged_by_name_and_without_values(sandbox, zendesk, caplog):
    row = {"name": "Fresh", "colour": "hush", "organization_fields": {"account_owner": "hush"}}

    zendesk.create_many([row])

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"Zendesk dropped keys at {CREATE}: organizations.colour"]


def test_too_many_jobs_are_another_time(sandbox, zendesk):
    sandbox.add_jobs(30)

    with pytest.raises(TooManyJobsError) as caught:
        zendesk.create_many([{"name": "Fresh"}])

    assert caught.value.effect == "none"
    assert zendesk.calls == 1


# -- jobs


def test_a_job_that_zendesk_does_not_know_is_none(zendesk):
    assert zendesk.job("V3-00000000000000000000000000000000") is None


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("queued", True),
        ("working", True),
        ("postponed", True),
        ("completed", False),
        ("failed", False),
        ("killed", False),
    ],
)
def test_a_job_may_write_until_it_is_known_to_have_ended(status, active):
    assert Job("V3-1", status, (), "").active is active


def test_all_jobs_that_may_still_write_are_found_however_old(sandbox, zendesk):
    old = sandbox.add_jobs(2, seconds=60)
    for _ in range(120):
        sandbox.end_job(sandbox.add_jobs(1, seconds=60)[0])
    new = sandbox.add_jobs(1, seconds=60)

    assert [job.id for job in zendesk.running_jobs()] == [*new, *reversed(old)]
    assert zendesk.calls == 2


def test_the_newest_job_is_known_by_one_call_whatever_its_status(sandbox, zendesk):
    assert zendesk.newest_job() is None
    sandbox.add_jobs(3, seconds=60)
    (newest,) = sandbox.add_jobs(1, seconds=60)
    sandbox.end_job(newest)

    assert zendesk.newest_job() == newest
    assert zendesk.calls == 2


def test_a_user_who_may_not_see_jobs_is_known_by_the_status(sandbox, zendesk):
    sandbox.fault("forbidden", path="*/job_statuses")

    with pytest.raises(RejectedError) as caught:
        zendesk.newest_job()

    assert caught.value.status == 403


def test_running_jobs_are_read_back_to_a_known_job_and_one_page_more(sandbox, zendesk):
    (oldest,) = sandbox.add_jobs(1, seconds=60)
    sandbox.add_jobs(350, seconds=0)
    known = zendesk.newest_job()
    sandbox.add_jobs(70, seconds=0)
    new = sandbox.add_jobs(1, seconds=60)
    before = zendesk.calls

    assert [job.id for job in zendesk.running_jobs(back_to=known)] == new
    assert zendesk.calls == before + 2
    assert [job.id for job in zendesk.running_jobs(back_to="V3-forgotten")] == [*new, oldest]


def test_no_job_is_the_newest_where_zendesk_keeps_none(zendesk):
    assert zendesk.newest_job() is None


# -- credentials


def test_a_token_is_asked_for_when_it_is_first_needed_and_then_kept(sandbox, session, zendesk):
    zendesk.count()
    zendesk.count()

    assert [call["path"] for call in sandbox.calls()] == ["/oauth/tokens", COUNT, COUNT]
    assert (zendesk.calls, session.token_calls) == (2, 1)


def test_a_token_that_ends_in_the_middle_of_a_listing_is_replaced(sandbox, session, zendesk):
    read = 0
    for page in zendesk.pages():
        read += len(page)
        if read in (100, 300):
            sandbox.expire_tokens("zendesk")

    assert read == 400
    assert (zendesk.calls, session.token_calls) == (6, 3)


def test_a_token_that_ends_before_a_submit_is_replaced_and_the_submit_happens_once(sandbox, zendesk):
    zendesk.count()
    sandbox.expire_tokens("zendesk")

    zendesk.create_many([{"name": "Fresh"}])

    assert len(sandbox.jobs()) == 1


def test_a_token_that_is_never_accepted_is_replaced_once(sandbox, session, zendesk):
    sandbox.fault(**json_fault(401, {"error": "invalid_token"}, path=COUNT, times=None))

    with pytest.raises(AuthenticationError, match="Check client_id and client_secret of Connection 'zendesk_default'"):
        zendesk.count()

    assert (zendesk.calls, session.token_calls) == (2, 2)


def test_an_email_and_an_api_token_still_work(sandbox, zendesk_session):
    auth = ApiToken("sync@acme.example", "sandbox-api-token", "here")

    assert Zendesk(zendesk_session(sandbox.zendesk_url), BASE, "global", auth).count().value == 400


def test_an_oauth_token_made_by_hand_works(sandbox, zendesk_session):
    auth = StaticToken("sandbox-oauth-token", "here")

    assert Zendesk(zendesk_session(sandbox.zendesk_url), BASE, "global", auth).count().value == 400


@pytest.mark.parametrize(
    ("auth", "advice"),
    [
        (ApiToken("sync@acme.example", "old", "Connection 'z'"), "Check login and token of Connection 'z'"),
        (StaticToken("old", "Connection 'z'"), "The oauth_token of Connection 'z' has expired"),
    ],
)
def test_a_credential_that_cannot_be_replaced_is_tried_once(sandbox, zendesk_session, auth, advice):
    zendesk = Zendesk(zendesk_session(sandbox.zendesk_url), BASE, "global", auth)

    with pytest.raises(AuthenticationError, match=advice):
        zendesk.count()

    assert zendesk.calls == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (json_fault(401, {"error": "invalid_client"}), AuthenticationError),
        (json_fault(400, {"error": "invalid_request"}), AuthenticationError),
        (json_fault(404, {"error": "InvalidEndpoint"}), RejectedError),
        (json_fault(200, {}), UnavailableError),
        ({"do": "html"}, UnavailableError),
        ({"do": "status", "status": 503, "times": None}, UnavailableError),
        ({"do": "redirect"}, RejectedError),
    ],
    ids=lambda value: str(value.get("status", value["do"])) if isinstance(value, dict) else value.__name__,
)
def test_a_token_request_that_fails_says_who_can_mend_it(sandbox, zendesk, fault, kind):
    sandbox.fault(**fault, path="/oauth/tokens")

    with pytest.raises(kind, match="POST /oauth/tokens") as caught:
        zendesk.count()

    assert type(caught.value) is kind
    assert zendesk.calls == 0


def test_credentials_do_not_show_in_messages_or_representations(sandbox, session, zendesk, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox.fault(**json_fault(401, {"error": "invalid_client"}, path="/oauth/tokens"))
    auths = [
        ClientCredentials(session, BASE, "client", "hush"),
        ApiToken("sync@acme.example", "hush", "here"),
        StaticToken("hush", "here"),
    ]

    with pytest.raises(AuthenticationError) as caught:
        Zendesk(session, BASE, "global", auths[0]).count()

    assert "hush" not in repr([*auths, caught.value, str(caught.value)]) + caplog.text


# -- errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (403, {"error": "Forbidden"}, RejectedError, "a role that may see and edit all organizations"),
        (404, {"error": "RecordNotFound"}, RejectedError, "check that the host in .* is right"),
        (400, {"error": "TooManyValues"}, RejectedError, "message is in the archive"),
        (422, {"error": "RecordInvalid", "description": "Name: X taken"}, RejectedError, "in the archive"),
        (409, {"error": "SomethingElse"}, RejectedError, "message is in the archive"),
        (409, {"error": "Locked", "description": "no DatabaseConflict"}, RejectedError, "in the archive"),
        (
            409,
            {"error": "DatabaseConflict", "description": "Database collision"},
            UnavailableError,
            "database conflict",
        ),
    ],
)
def test_each_refusal_of_a_write_becomes_the_error_of_what_happens_next(sandbox, zendesk, status, body, kind, told):
    sandbox.fault(**json_fault(status, body, path=CREATE))

    with pytest.raises(kind, match=told) as caught:
        zendesk.create_many([{"name": "Fresh"}])

    assert type(caught.value) is kind
    assert json.loads(caught.value.vendor_message) == body
    assert "taken" not in str(caught.value)


def test_a_database_conflict_leaves_open_whether_a_write_happened(sandbox, zendesk):
    sandbox.fault(**json_fault(409, {"error": "DatabaseConflict"}, path=CREATE))

    with pytest.raises(UnavailableError) as caught:
        zendesk.create_many([{"name": "Fresh"}])

    assert caught.value.effect == "unknown"


def test_a_scope_that_is_too_small_says_what_to_change(sandbox, session):
    extra = sandbox.connections()["zendesk"]["extra"]
    auth = ClientCredentials(session, BASE, extra["client_id"], extra["client_secret"], scope="organizations:read")

    with pytest.raises(RejectedError, match="the OAuth client the scopes it asks for") as caught:
        Zendesk(session, BASE, "global", auth).create_many([{"name": "Fresh"}])

    assert caught.value.status == 403


def test_a_web_page_instead_of_an_answer_is_a_wrong_host_for_a_read(sandbox, zendesk):
    sandbox.fault("html", path=COUNT)

    with pytest.raises(
        RejectedError, match="check that the host in Connection 'zendesk_default' is an active Zendesk account"
    ):
        zendesk.count()


@pytest.mark.parametrize("fault", [{"do": "html", "effect": True}, {"do": "truncated", "how": "json"}])
def test_a_submit_whose_answer_cannot_be_read_may_have_happened(sandbox, zendesk, fault):
    sandbox.fault(**fault, path=CREATE)

    with pytest.raises(UnavailableError) as caught:
        zendesk.create_many([{"name": "Fresh"}])

    assert (caught.value.effect, len(sandbox.jobs())) == ("unknown", 1)


@pytest.mark.parametrize("body", [[], {}, {"count": 4}, {"count": {"value": "4"}}, None])
def test_an_answer_of_another_shape_is_asked_for_later(sandbox, zendesk, body):
    sandbox.fault(**json_fault(200, body, path=COUNT))

    with pytest.raises(UnavailableError) as caught:
        zendesk.count()

    assert caught.value.effect == "none"


@pytest.mark.parametrize(
    "body",
    [
        {"organizations": None},
        {"organizations": {"1": {"id": 1}}},
        {"organizations": ["a"]},
        {"organizations": [{"name": "a"}]},
        {"organizations": [{"id": "1"}]},
        {"organizations": [{"id": True}]},
        {"organizations": [{"id": 1.5}]},
        {"organizations": [{"id": 1, "organization_fields": ["a"]}]},
        {"organizations": [{"id": 1, "organization_fields": "a"}]},
    ],
)
def test_rows_of_another_shape_are_asked_for_later(sandbox, zendesk, body):
    sandbox.fault(**json_fault(200, body, path=SHOW))

    with pytest.raises(UnavailableError, match="another shape"):
        zendesk.show_many(ids=[1])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_broken_json(sandbox, zendesk, number):
    body = f'{{"organizations": [{{"id": 1, "organization_fields": {{"seats": {number}}}}}]}}'
    sandbox.fault("status", status=200, body=body, content_type="application/json", path=SHOW)

    with pytest.raises(UnavailableError, match="broken JSON"):
        zendesk.show_many(ids=[1])


@pytest.mark.parametrize(
    "job",
    [
        {"id": 7, "status": "queued"},
        {"id": "V3-1", "status": None},
        {"id": "V3-1", "status": ["completed"]},
        ["V3-1"],
        "V3-1",
    ],
)
def test_a_job_of_another_shape_leaves_open_what_became_of_the_submit(sandbox, zendesk, job):
    sandbox.fault(**json_fault(200, {"job_status": job}, path="*/create_many", effect=True))

    with pytest.raises(UnavailableError, match="another shape") as caught:
        zendesk.create_many([{"name": "Fresh"}])

    assert (caught.value.effect, len(sandbox.jobs())) == ("unknown", 1)


# -- the session serves the stock client as well


def test_zenpy_works_over_the_session_unchanged(sandbox, zendesk_session):
    session = zendesk_session(sandbox.zendesk_url)
    session.auth = ("sync@acme.example/token", "sandbox-api-token")
    zenpy = Zenpy(subdomain="acme", session=session, anonymous=True)
    first = sandbox.organizations()[0]

    assert zenpy.organizations(id=first["id"]).name == first["name"]
    assert zenpy.job_status(id=sandbox.add_jobs(1)[0]).status in ("queued", "working")
    assert session.headers["User-Agent"].startswith("partner-sync/")
