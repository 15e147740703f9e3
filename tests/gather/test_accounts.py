"""The account query: all pages or nothing, and every way in which Salesforce can say no."""

from __future__ import annotations

import inspect
import json
from datetime import datetime, timedelta, timezone

import pytest
import simple_salesforce
from simple_salesforce import exceptions

from partner_sync.errors import (
    AuthenticationError,
    ConfigError,
    IncompleteReadError,
    PartnerSyncError,
    QueryLostError,
    RejectedError,
    SchemaError,
    UnavailableError,
)
from partner_sync.gather.accounts import look_up, read_accounts, selected
from partner_sync.sandbox import Sandbox, default_world
from partner_sync.vendors.salesforce_errors import call_salesforce, translate_error

SOQL = """SELECT Account_ID_18__c, Name, Account_Owner_Calc__c, Support_Hold__c, Solutions_Architect_Lookup__r.Name
FROM Account
WHERE Account_ID_18__c = '0014M00001sDiGEQA0' OR
      (Type = 'Partner' AND Partners_Partner_Status__c IN ('Authorized') AND Partner_Track__c IN ('Open', 'Select'))"""
QUERY = "/services/data/v59.0/query/*"
NEXT = f"{QUERY}0r8*"
BEGUN = datetime(2027, 1, 1, tzinfo=timezone.utc)


class Times:
    """A clock that is a second on at every look, and knows how many calls had been made by then."""

    def __init__(self, session):
        self.session, self.calls = session, []

    def __call__(self):
        self.calls.append(self.session.calls)
        return BEGUN + timedelta(seconds=len(self.calls) - 1)


@pytest.fixture
def sandbox():
    """A sandbox with few organizations: these tests are about something else."""
    with Sandbox(default_world(organizations=100), salesforce_instance_url="https://acme.my.salesforce.com") as running:
        yield running


@pytest.fixture
def session(sandbox, salesforce_session):
    sandbox.settings(salesforce_page_size=20)
    return salesforce_session(sandbox.salesforce_url)


@pytest.fixture
def client(sandbox, session):
    return _client(sandbox, session)


def _client(sandbox, session):
    extra = sandbox.connections()["salesforce"]["extra"]
    return simple_salesforce.Salesforce(
        session=session,
        consumer_key=extra["consumer_key"],
        consumer_secret=extra["consumer_secret"],
        domain=extra["domain"],
    )


def read(client, soql=SOQL, progress=lambda *_: None):
    return read_accounts(client, soql, now=Times(client.session), progress=progress)


# -- what is read


def test_all_pages_are_read_and_proven(sandbox, client):
    seen = []

    snapshot = read(client, progress=lambda *counts: seen.append(counts))

    proof = snapshot.proof
    assert len(snapshot.rows) == proof.read == proof.announced == 60
    assert (proof.system, proof.pages, proof.calls) == ("Salesforce", 3, 3)
    assert seen == [(20, 60), (40, 60), (60, 60)]
    assert len({row["Account_ID_18__c"] for row in snapshot.rows}) == 60


def test_the_snapshot_begins_before_the_first_call_and_ends_after_the_last(client):
    times = Times(client.session)

    snapshot = read_accounts(client, SOQL, now=times, progress=lambda *_: None)

    assert times.calls == [0, 3]
    assert (snapshot.begun, snapshot.ended) == (BEGUN, BEGUN + timedelta(seconds=1))


def test_a_lookup_becomes_one_key_and_an_empty_lookup_none(sandbox, client):
    rows = {row["Account_ID_18__c"]: row for row in read(client).rows}

    shown = {row["Solutions_Architect_Lookup__r.Name"] for row in rows.values()}
    accounts = {account["Account_ID_18__c"]: account for account in sandbox.accounts()}
    assert None in shown
    assert len(shown) > 1
    for account_id, row in rows.items():
        lookup = accounts[account_id]["Solutions_Architect_Lookup__r"]
        assert row["Solutions_Architect_Lookup__r.Name"] == (lookup and lookup["Name"])


def test_rows_have_what_was_selected_as_it_was_written_and_nothing_else(client):
    soql = "select account_id_18__c, Name, solutions_architect_lookup__r.name from Account"

    rows = read(client, soql).rows

    assert {tuple(row) for row in rows} == {("account_id_18__c", "Name", "solutions_architect_lookup__r.name")}
    assert all(row["account_id_18__c"] for row in rows)


def test_values_stay_as_salesforce_sent_them(client):
    assert {type(row["Support_Hold__c"]) for row in read(client).rows} == {bool}


def test_the_selected_paths_are_read_off_the_query():
    assert selected(SOQL)[-2:] == ("Support_Hold__c", "Solutions_Architect_Lookup__r.Name")


@pytest.mark.parametrize("lookup", ["Jane Doe", ["Jane Doe"], 7, True, {}, {"Id": "0054M000001"}])
def test_a_lookup_that_is_no_object_with_the_field_is_never_taken_for_an_empty_one(salesforce_session, notes, lookup):
    record = {
        "attributes": {"url": "/a"},
        "Name": "A",
        "Support_Hold__c": True,
        "Solutions_Architect_Lookup__r": lookup,
    }
    notes.answers = [_token(notes), _page([record])]

    with pytest.raises(SchemaError, match=r"Solutions_Architect_Lookup__r\.Name is missing from the response"):
        read(_at_notes(salesforce_session, notes), "SELECT Name, Solutions_Architect_Lookup__r.Name FROM Account")


def test_a_field_that_the_answer_lacks_is_never_taken_for_an_empty_one(salesforce_session, notes):
    record = {"attributes": {"url": "/a"}, "Name": "A"}
    notes.answers = [_token(notes), _page([record])]

    with pytest.raises(SchemaError, match="Support_Hold__c is missing from the response"):
        read(_at_notes(salesforce_session, notes), "SELECT Name, Support_Hold__c FROM Account")


# -- what is not complete


@pytest.mark.parametrize(("path", "skip"), [(QUERY, 0), (NEXT, 0), (NEXT, 1)])
def test_rows_missing_from_a_page_are_noticed(sandbox, client, path, skip):
    sandbox.fault("short_read", path=path, skip=skip, drop=1)

    with pytest.raises(IncompleteReadError, match="announced 60 accounts and sent 59"):
        read(client)


def test_pages_that_end_too_early_are_noticed(sandbox, client):
    sandbox.fault("short_read", path=NEXT, end=True)

    with pytest.raises(IncompleteReadError, match="announced 60 accounts and sent 40"):
        read(client)


def test_no_accounts_at_all_are_no_answer(sandbox, client):
    sandbox.reset(world="empty")
    sandbox.settings(salesforce_page_size=20)

    with pytest.raises(IncompleteReadError, match="no account for the query"):
        read(client)


def _token(notes, instance_url="https://acme.my.salesforce.com"):
    return (200, {}, json.dumps({"access_token": "token", "instance_url": instance_url}))


def _page(records, **more):
    return (200, {}, json.dumps({"totalSize": len(records), "done": True, "records": records, **more}))


def _at_notes(salesforce_session, notes):
    return simple_salesforce.Salesforce(
        session=salesforce_session(notes.url), consumer_key="key", consumer_secret="secret", domain="acme.my"
    )


def test_an_account_that_comes_twice_is_noticed_although_the_count_is_right(salesforce_session, notes):
    record = {"attributes": {"url": "/services/data/v59.0/sobjects/Account/1"}, "Name": "A"}
    notes.answers = [_token(notes), _page([record, record])]

    with pytest.raises(IncompleteReadError, match="for the second time"):
        read(_at_notes(salesforce_session, notes), "SELECT Name FROM Account")


def test_pages_that_go_round_in_a_circle_are_left(salesforce_session, notes):
    following = {"done": False, "nextRecordsUrl": "/services/data/v59.0/query/0r8-2000"}
    notes.answers = [_token(notes), _page([], totalSize=9, **following)]
    client = _at_notes(salesforce_session, notes)

    with pytest.raises(IncompleteReadError, match="named a page for the second time"):
        read(client, "SELECT Name FROM Account")

    assert client.session.calls == 2


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        "null",
        '{"totalSize": 1, "done": true}',
        '{"totalSize": "1", "done": true, "records": []}',
        '{"totalSize": 1, "done": false, "records": []}',
        '{"totalSize": 1, "done": true, "records": [1]}',
        '{"totalSize": 1, "done": "true", "records": [{"Name": "a"}]}',
        '{"totalSize": 1, "done": true, "records": {"Name": "a"}}',
        '{"totalSize": 1, "done": true, "records": [{"Name": NaN}]}',
        '{"totalSize": 1, "done": true, "records": [{"Name": 1e999}]}',
    ],
)
def test_an_answer_of_another_shape_is_asked_for_later(salesforce_session, notes, body):
    notes.answers = [_token(notes), (200, {}, body)]

    with pytest.raises(UnavailableError, match="answered something that cannot be read"):
        read(_at_notes(salesforce_session, notes), "SELECT Name FROM Account")


# -- in mid-run


def test_a_token_that_ends_between_two_pages_is_replaced(sandbox, client):
    sandbox.settings(salesforce_bound_locators=0)
    snapshot = read(client, progress=lambda done, _: sandbox.expire_tokens("salesforce") if done == 20 else None)

    assert len(snapshot.rows) == 60
    assert (client.session.token_calls, client.session.calls) == (2, 4)


def test_a_token_that_is_never_accepted_is_not_asked_for_without_end(sandbox, client):
    body = json.dumps([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    sandbox.fault("status", status=401, body=body, content_type="application/json", path=QUERY, times=None)

    with pytest.raises(AuthenticationError, match="Check the credentials of Connection"):
        read(client)

    assert client.session.calls == 4
    assert client.session.token_calls == 5


def test_a_query_that_salesforce_forgot_is_asked_from_the_start(sandbox, client):
    body = json.dumps([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    sandbox.fault("status", status=400, body=body, content_type="application/json", path=NEXT, skip=1)

    snapshot = read(client)

    assert len(snapshot.rows) == snapshot.proof.read == 60
    assert snapshot.proof.calls == 6


def _session_ended(times):
    """Refusals of the next page, for whatever token simple-salesforce asks for in between."""
    return {"do": "status", "status": 401, "times": times, "path": NEXT, **_error("INVALID_SESSION_ID")}


def test_a_query_whose_session_ends_between_two_pages_is_asked_from_the_start_by_a_new_one(sandbox, client):
    ended = []

    def end(done, _):
        if done == 20 and not ended:
            ended.append(sandbox.expire_tokens("salesforce"))

    snapshot = read(client, progress=end)

    assert len(snapshot.rows) == snapshot.proof.read == 60
    assert len({row["Account_ID_18__c"] for row in snapshot.rows}) == 60


def test_a_query_whose_session_ends_in_every_pass_is_left_to_airflow(sandbox, client):
    sandbox.fault(**_session_ended(None))

    with pytest.raises(QueryLostError, match="ended the session of the query"):
        read(client)


@pytest.mark.parametrize("path", [QUERY, NEXT])
def test_a_token_that_salesforce_calls_malformed_is_replaced(sandbox, client, path):
    sandbox.fault("invalid_auth_header", path=path)

    assert len(read(client).rows) == 60
    assert client.session.token_calls == 2


def test_a_login_that_is_refused_in_mid_run_is_an_authentication_error(sandbox, client):
    refused = {"body": '{"error": "invalid_client"}', "content_type": "application/json"}

    def end(done, _):
        sandbox.fault("status", status=400, path="*/oauth2/token", times=None, **refused)
        sandbox.expire_tokens("salesforce")

    with pytest.raises(AuthenticationError, match="Check the credentials"):
        read(client, progress=end)


def test_after_a_forgotten_query_the_snapshot_begins_with_the_second_reading(sandbox, client):
    body = json.dumps([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    sandbox.fault("status", status=400, body=body, content_type="application/json", path=NEXT, skip=1)
    times = Times(client.session)

    snapshot = read_accounts(client, SOQL, now=times, progress=lambda *_: None)

    assert times.calls == [0, 3, 6]
    assert snapshot.begun == BEGUN + timedelta(seconds=1)


def test_a_query_that_salesforce_forgets_again_is_left_to_airflow(sandbox, client):
    body = json.dumps([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    sandbox.fault("status", status=400, body=body, content_type="application/json", path=NEXT, times=None)

    with pytest.raises(UnavailableError, match="forgot the query"):
        read(client)

    assert client.session.calls == 4


@pytest.mark.parametrize("fault", [{"do": "reset_before"}, {"do": "truncated"}, {"do": "status", "status": 503}])
def test_a_page_that_breaks_is_read_again(sandbox, client, fault):
    sandbox.fault(**fault, path=NEXT)

    assert len(read(client).rows) == 60


# -- lookups

LOOKUP = "SELECT Account_ID_18__c, Name, IsDeleted, MasterRecordId, Solutions_Architect_Lookup__r.Name FROM Account"


def test_a_lookup_shows_the_recycle_bin_and_who_won_a_merge(sandbox, client):
    winner, loser, deleted = (row["Id"] for row in sandbox.accounts()[:3])
    sandbox.merge_accounts(loser, winner)
    sandbox.delete_account(deleted)

    rows = look_up(client, f"{LOOKUP} WHERE Account_ID_18__c IN ('{winner}', '{loser}', '{deleted}')")

    found = {row["Account_ID_18__c"]: (row["IsDeleted"], row["MasterRecordId"]) for row in rows}
    assert found == {winner: (False, None), loser: (True, winner), deleted: (True, None)}
    assert {tuple(row) for row in rows} == {selected(LOOKUP)}
    assert client.session.calls == 1


def test_a_lookup_that_finds_no_record_is_an_answer(client):
    assert look_up(client, f"{LOOKUP} WHERE Account_ID_18__c IN ('0014M00001Abc01AAB')") == ()


def test_all_pages_of_a_lookup_are_read(sandbox, client):
    assert len(look_up(client, LOOKUP)) == len(sandbox.accounts()) + len(sandbox.deleted_accounts()) == 72
    assert client.session.calls == 4


def test_a_lookup_whose_session_ends_is_asked_from_the_start(sandbox, client):
    sandbox.fault(**_session_ended(4))

    assert len(look_up(client, LOOKUP)) == 72


def test_rows_missing_from_a_lookup_are_noticed(sandbox, client):
    sandbox.fault("short_read", path="*/queryAll/*", drop=1)

    with pytest.raises(IncompleteReadError, match="announced 72 accounts and sent 71"):
        look_up(client, LOOKUP)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", UnavailableError),
        (400, "INVALID_FIELD", SchemaError),
        (403, "API_DISABLED_FOR_ORG", RejectedError),
    ],
)
def test_a_refused_lookup_raises_what_a_refused_query_raises(sandbox, client, status, code, kind):
    sandbox.fault("status", status=status, path="*/queryAll/*", **_error(code))

    with pytest.raises(kind) as caught:
        look_up(client, LOOKUP)

    assert type(caught.value) is kind


def test_a_run_reads_all_while_others_have_used_nine_of_ten_calls_of_the_day(sandbox, client):
    sandbox.settings(salesforce_calls_per_day=100)
    for _ in range(90):
        client.limits()

    assert len(read(client).rows) == 60


# -- hosts


def test_a_token_answer_that_names_a_foreign_host_sends_nothing_there(sandbox, salesforce_session, notes):
    sandbox.settings(salesforce_instance_url=f"https://{notes.netloc}")
    client = _client(sandbox, salesforce_session(sandbox.salesforce_url))

    with pytest.raises(ConfigError, match=r"Connection 'salesforce_default' .*\n.* a request for https://127\.0\.0\.1"):
        read(client)

    assert notes.asked == []


def test_a_next_page_on_a_foreign_host_sends_nothing_there(sandbox, client, notes):
    sandbox.fault("foreign_links", host=notes.netloc, path=QUERY)

    with pytest.raises(ConfigError, match=r"a request for https://127\.0\.0\.1, not for"):
        read(client)

    assert notes.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_token_answer_may_name_the_endpoint_itself(sandbox, salesforce_session, scheme):
    netloc = sandbox.salesforce_url.removeprefix("http://")
    sandbox.settings(salesforce_instance_url=f"{scheme}://{netloc}")

    assert len(read(_client(sandbox, salesforce_session(sandbox.salesforce_url))).rows) == 60


# -- errors


@pytest.mark.parametrize(
    ("soql", "named"),
    [
        ("SELECT Name, Regoin__c FROM Account", "Regoin__c"),
        (
            "SELECT Name, Solutions_Architect_Lookup__r.Nmae FROM Account",
            r"Solutions_Architect_Lookup__r\.Nmae is refused by Salesforce with INVALID_FIELD",
        ),
        ("SELECT Name, Nobody__r.Name FROM Account", r"Nobody__r\.Name is refused by Salesforce with INVALID_FIELD"),
        ("SELECT Name FROM Acount", "Acount"),
        ("SELECT Name FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "query"),
    ],
)
def test_a_query_that_does_not_fit_names_the_field(client, soql, named):
    with pytest.raises(SchemaError, match=named) as caught:
        read(client, soql)

    assert isinstance(caught.value.__cause__, RejectedError)
    assert caught.value.__cause__.vendor_message
    assert "ERROR at Row" not in str(caught.value)


def test_a_hidden_lookup_is_named_whole_although_salesforce_quotes_its_last_step(sandbox, client):
    sandbox.delete_account_field("Solutions_Architect_Lookup__r.Name")

    with pytest.raises(
        SchemaError, match=r"Solutions_Architect_Lookup__r\.Name is refused by Salesforce with INVALID_FIELD"
    ):
        read(client)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("No such column 'Type' on entity 'Account'", "Type"),
        ("\nWHERE Name = 'Name'\n^\nERROR at Row:1:Column:14\nNo such column 'Name' on entity 'User'", "A__r.Name"),
        ("Didn't understand relationship 'A__r' in field path.", "A__r.Name"),
        ("something else", "the query"),
    ],
)
def test_the_field_is_found_by_the_place_in_the_query_or_the_quoted_name(sandbox, client, message, field):
    sandbox.fault("status", status=400, path=QUERY, **_error("INVALID_FIELD", message))

    with pytest.raises(SchemaError) as caught:
        read(client, "SELECT Name, A__r.Name FROM Account WHERE Type = 'Name'")

    assert [finding.key for finding in caught.value.findings] == [field]


def _error(code, message="words of Salesforce"):
    return {"body": json.dumps([{"message": message, "errorCode": code}]), "content_type": "application/json"}


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", UnavailableError, "is at its limit"),
        (400, "QUERY_TIMEOUT", UnavailableError, "is at its limit"),
        (403, "API_DISABLED_FOR_ORG", RejectedError, "API Enabled"),
        (404, "NOT_FOUND", RejectedError, "API version"),
        (410, "UNSUPPORTED_API_VERSION", RejectedError, "API version"),
        (400, "SOMETHING_NEW", RejectedError, "failures/ of this run"),
        (401, "SOMETHING_NEW", AuthenticationError, "Check the credentials"),
    ],
)
def test_each_refusal_becomes_the_error_of_what_happens_next(sandbox, client, status, code, kind, told):
    sandbox.fault("status", status=status, path=QUERY, **_error(code))

    with pytest.raises(kind, match=told) as caught:
        read(client)

    assert type(caught.value) is kind
    assert caught.value.vendor_message == f"{code}: words of Salesforce"
    assert "words of Salesforce" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("fault", [{"do": "html"}, {"do": "truncated", "how": "json"}], ids=["html", "json"])
def test_something_else_than_json_is_asked_for_later(sandbox, client, fault):
    sandbox.fault(**fault, path=QUERY)

    with pytest.raises(UnavailableError, match="cannot be read"):
        read(client)


def test_a_login_page_instead_of_a_401_is_an_authentication_error(sandbox, client):
    sandbox.fault("html", status=401, path=QUERY)

    with pytest.raises(AuthenticationError):
        read(client)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            (400, {}, '{"error":"invalid_client_id","error_description":"client identifier invalid"}'),
            AuthenticationError,
        ),
        ((400, {}, '{"error":"invalid_grant"}'), AuthenticationError),
        ((403, {}, "<html>"), AuthenticationError),
        ((200, {}, "<html>"), UnavailableError),
        ((200, {}, "[]"), UnavailableError),
        ((200, {}, "{}"), UnavailableError),
        ((200, {}, '{"instance_url": "https://acme.my.salesforce.com"}'), UnavailableError),
        ((503, {}, ""), UnavailableError),
    ],
)
def test_a_token_request_that_fails_says_who_can_mend_it(salesforce_session, notes, answer, kind):
    notes.answers = [answer]
    session = salesforce_session(notes.url, attempts=1)
    login = {"consumer_key": "key", "consumer_secret": "secret", "domain": "acme.my"}

    with pytest.raises(kind, match="POST /services/oauth2/token") as caught:
        call_salesforce(session, lambda: simple_salesforce.Salesforce(session=session, **login))

    assert ('Salesforce reported "' in str(caught.value)) is ("error" in answer[2])


def test_a_wrong_password_over_soap_is_an_authentication_error_although_its_status_is_500(sandbox, session):
    login = {
        "username": "integration@acme.example",
        "password": "wrong",
        "security_token": "wrong",
        "domain": "acme.my",
    }

    with pytest.raises(AuthenticationError) as caught:
        call_salesforce(session, lambda: simple_salesforce.Salesforce(session=session, **login))

    assert "INVALID_LOGIN" in caught.value.vendor_message
    assert 'Salesforce reported "INVALID_LOGIN: ' in str(caught.value)
    assert session.token_calls == 1


def test_a_soap_login_at_the_limit_is_tried_later(salesforce_session, notes):
    fault = "<e xmlns:sf='s'><sf:exceptionCode>REQUEST_LIMIT_EXCEEDED</sf:exceptionCode></e>"
    notes.answers = [(500, {"Content-Type": "text/xml"}, fault)]
    session = salesforce_session(notes.url, attempts=1)
    login = {"username": "me", "password": "right", "security_token": "right", "domain": "acme.my"}

    with pytest.raises(UnavailableError, match="is at its limit"):
        call_salesforce(session, lambda: simple_salesforce.Salesforce(session=session, **login))


def _raised(kind):
    if kind is exceptions.SalesforceAuthenticationFailed:
        return kind("invalid_client", "client identifier invalid")
    if issubclass(kind, exceptions.SalesforceError):
        return kind("https://acme.my.salesforce.com/?q=hush", 400, "query", [{"message": "m", "errorCode": "c"}])
    return kind("hush")


@pytest.mark.parametrize(
    "kind", [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, Exception)]
)
def test_everything_that_simple_salesforce_raises_becomes_one_of_ours(session, kind):
    def call():
        raise _raised(kind)

    with pytest.raises(PartnerSyncError) as caught:
        call_salesforce(session, call)

    assert "hush" not in str(caught.value)
    assert isinstance(translate_error(_raised(kind), session), PartnerSyncError)


def test_what_is_no_error_of_the_library_is_left_alone(session):
    with pytest.raises(ZeroDivisionError):
        call_salesforce(session, lambda: 1 / 0)
