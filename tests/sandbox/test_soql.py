"""Queries are really evaluated, and what Salesforce refuses is refused in its words."""

from __future__ import annotations

import pytest

from partner_sync.sandbox.accounts import Accounts
from partner_sync.sandbox.soql_tokens import QueryError
from partner_sync.sandbox.storage import Storage

ROWS = [
    {
        "Id": "001A000001AAAAAAAA",
        "Name": "Ada & Co",
        "Type": "Partner",
        "Track__c": "Open",
        "Hold__c": True,
        "Seats__c": 5,
        "Architect__r": {"Id": "005A00000000001", "Name": "Zoë"},
    },
    {
        "Id": "001A000001BBBBBBBB",
        "Name": 'O\'Brien "Q"',
        "Type": "PARTNER",
        "Track__c": "select",
        "Hold__c": False,
        "Seats__c": 7.5,
        "Architect__r": None,
    },
    {
        "Id": "001A000001CCCCCCCC",
        "Name": "Ćwikła\\Söhne",
        "Type": "Customer",
        "Track__c": None,
        "Hold__c": None,
        "Seats__c": None,
        "Architect__r": {"Id": "005A00000000002", "Name": "Émile"},
    },
]


@pytest.fixture
def accounts() -> Accounts:
    made = Accounts(Storage(None))
    made.define({"Architect__r.Id": "id", "Architect__r.Name": "string", "Track__c": "string"})
    made.put(ROWS)
    return made


def names(accounts: Accounts, condition: str) -> str:
    """The first letters of the names found."""
    return "".join(record["Name"][0] for record in accounts.select(f"SELECT Name FROM Account {condition}", "59.0"))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("", "AOĆ"),
        ("WHERE Type = 'Partner'", "AO"),
        ("where TYPE = 'pArTnEr'", "AO"),
        ("WHERE Type != 'Partner'", "Ć"),
        ("WHERE Track__c IN ('Open')", "A"),
        ("WHERE Track__c IN ('open','Select', 'x')", "AO"),
        ("WHERE Track__c NOT IN ('open')", "OĆ"),
        ("WHERE Track__c not in ('open', null)", "O"),
        ("WHERE Track__c = null", "Ć"),
        ("WHERE Track__c != NULL", "AO"),
        ("WHERE Track__c != 'Open'", "OĆ"),
        ("WHERE Hold__c = true", "A"),
        ("WHERE Hold__c = FALSE", "OĆ"),
        ("WHERE Hold__c != true", "OĆ"),
        ("WHERE Seats__c = 5", "A"),
        ("WHERE Seats__c IN (7.5, 5.0)", "AO"),
        ("WHERE Architect__r.Name = 'zoë'", "A"),
        ("WHERE Architect__r.Name = null", "O"),
        ("WHERE Name = 'ada & co'", "A"),
        (r"WHERE Name = 'O\'Brien \"Q\"'", "O"),
        (r"WHERE Name = 'Ćwikła\\Söhne'", "Ć"),
        ("WHERE Id = '001A000001BBBBB'", "O"),
        ("WHERE Id = '001A000001BBBBBBBB'", "O"),
        ("WHERE Type = 'Partner' AND Hold__c = true", "A"),
        ("WHERE Hold__c = true OR Type = 'Customer'", "AĆ"),
        ("WHERE Hold__c = true OR (Type = 'Partner' AND Track__c = 'Select')", "AO"),
        ("WHERE (Hold__c = true OR Type = 'Customer') AND Architect__r.Name = 'Émile'", "Ć"),
        ("WHERE ((Type = 'Partner'))", "AO"),
        ("WHERE NOT Type = 'Partner'", "Ć"),
        ("WHERE (NOT Type = 'Partner') OR Hold__c = true", "AĆ"),
        ("WHERE NOT (Type = 'Partner' AND Hold__c = true)", "OĆ"),
        ("ORDER BY Name DESC", "ĆOA"),
        ("ORDER BY Seats__c", "ĆAO"),
        ("ORDER BY Seats__c ASC NULLS LAST", "AOĆ"),
        ("ORDER BY Seats__c DESC NULLS FIRST", "ĆOA"),
        ("ORDER BY Type, Name DESC", "ĆOA"),
        ("ORDER BY Name LIMIT 2", "AO"),
        ("LIMIT 0", ""),
    ],
)
def test_a_condition_finds_what_it_says(accounts: Accounts, condition: str, found: str) -> None:
    assert names(accounts, condition) == found


REFUSED = [
    ("WHERE Type = 'a' AND Hold__c = true OR Name = 'b'", "unexpected token: 'OR'"),
    ("WHERE Type = 'a' OR Hold__c = true AND Name = 'b'", "unexpected token: 'AND'"),
    ("WHERE NOT Type = 'a' AND Name = 'b'", "unexpected token: 'AND'"),
    ("WHERE Type = 'a' AND NOT Name = 'b'", "unexpected token: 'NOT'"),
    ('WHERE Type = "a"', "no viable alternative at character '\"'"),
    ("WHERE Type = 'a", "no viable alternative at character '''"),
    ("WHERE Type = a", "unexpected token: 'a'"),
    ("WHERE Type IN ()", "unexpected token: ')'"),
    ("WHERE Type IN 'a'", "unexpected token: ''a''"),
    ("WHERE (Type = 'a'", "unexpected token: '<EOF>'"),
    ("WHERE Type = 'a')", "unexpected token: ')'"),
    ("WHERE", "unexpected token: '<EOF>'"),
    (r"WHERE Type = 'a\z'", "Invalid character escape sequence"),
    ("LIMIT 1 NONSENSE 2", "unexpected token: 'NONSENSE'"),
    ("WHERE Type ~ 'a'", "no viable alternative at character '~'"),
    ("LIMIT -1", "unexpected token: '-1'"),
]


@pytest.mark.parametrize(("condition", "reason"), REFUSED)
def test_anything_else_is_malformed(accounts: Accounts, condition: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        names(accounts, condition)
    assert refusal.value.code == "MALFORMED_QUERY"
    assert reason in str(refusal.value)


@pytest.mark.parametrize("query", ["", "SELECT", "SELECT FROM Account", "SELECT Name Account", "UPDATE Account"])
def test_what_is_not_a_query_is_malformed(accounts: Accounts, query: str) -> None:
    with pytest.raises(QueryError) as refusal:
        accounts.select(query, "59.0")
    assert refusal.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT Name FROM Account WHERE Type LIKE 'a%'", "LIKE"),
        ("SELECT Name FROM Account WHERE Seats__c > 5", ">"),
        ("SELECT Name FROM Account WHERE Seats__c <= 5", "<="),
        ("SELECT Name FROM Account WHERE Regions__c INCLUDES ('emea')", "INCLUDES"),
        ("SELECT Name FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2026", "("),
        ("SELECT Name FROM Account WHERE CreatedDate = 2026-11-30", "2026-11-30"),
        ("SELECT Name FROM Account WHERE CreatedDate = 2026-11-30T09:00:00Z", "2026-11-30T09:00:00Z"),
        ("SELECT Name FROM Account WHERE CreatedDate = TODAY", "TODAY"),
        ("SELECT Name FROM Account WHERE CreatedDate = LAST_N_DAYS:30", "LAST_N_DAYS:30"),
        ("SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact)", "SELECT"),
        ("SELECT Name FROM Account LIMIT 1 OFFSET 2", "OFFSET"),
        ("SELECT Type FROM Account GROUP BY Type", "GROUP"),
        ("SELECT Name FROM Account WHERE Type = 'a' WITH SECURITY_ENFORCED", "WITH"),
        ("SELECT Name FROM Account USING SCOPE mine", "USING"),
        ("SELECT Name FROM Account FOR VIEW", "FOR"),
        ("SELECT a.Name FROM Account a", "a"),
        ("SELECT Name FROM Account, Account.Contacts c", ","),
        ("SELECT COUNT() FROM Account", "("),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 200", "("),
        ("SELECT Name, (SELECT Name FROM Contacts) FROM Account", "("),
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Account", "TYPEOF"),
    ],
)
def test_what_is_valid_but_not_supported_says_so(accounts: Accounts, query: str, what: str) -> None:
    with pytest.raises(QueryError) as refusal:
        accounts.select(query, "59.0")
    assert refusal.value.code == "SANDBOX_UNSUPPORTED"
    assert f"the sandbox does not support '{what}' here" in str(refusal.value)


def test_a_field_selected_twice_is_malformed(accounts: Accounts) -> None:
    with pytest.raises(QueryError, match="duplicate field selected: name") as refusal:
        accounts.select("SELECT Name, name FROM Account", "59.0")
    assert refusal.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT Nonsense__c FROM Account", "No such column 'Nonsense__c' on entity 'Account'"),
        ("SELECT Name FROM Account WHERE Nonsense__c = 'a'", "No such column 'Nonsense__c' on entity 'Account'"),
        ("SELECT Name FROM Account ORDER BY Nonsense__c", "No such column 'Nonsense__c' on entity 'Account'"),
        ("SELECT Architect__r.Nonsense FROM Account", "No such column 'Nonsense' on entity 'User'"),
        ("SELECT Nobody__r.Name FROM Account", "Didn't understand relationship 'Nobody__r' in field path"),
        (
            "SELECT Name FROM Account WHERE Hold__c = 'true'",
            "must be of type boolean and should not be enclosed in quotes",
        ),
        ("SELECT Name FROM Account WHERE Name = true", "must be of type string and should be enclosed in quotes"),
        (
            "SELECT Name FROM Account WHERE Seats__c IN ('5')",
            "must be of type double and should not be enclosed in quotes",
        ),
    ],
)
def test_an_unknown_field_or_a_wrong_literal_is_an_invalid_field(accounts: Accounts, query: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        accounts.select(query, "59.0")
    assert refusal.value.code == "INVALID_FIELD"
    assert reason in str(refusal.value)


def test_an_unknown_object_is_refused_in_the_recorded_form(accounts: Accounts) -> None:
    """CumulusCI's cassette TestCountSObjects.test_count_sobjects__errors has this form."""
    with pytest.raises(QueryError) as refusal:
        accounts.select("SELECT Id FROM XYZZY", "59.0")
    assert refusal.value.code == "INVALID_TYPE"
    assert str(refusal.value) == (
        "\nSELECT Id FROM XYZZY\n               ^\nERROR at Row:1:Column:16\n"
        "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def test_the_place_of_an_error_counts_rows_and_columns_from_one(accounts: Accounts) -> None:
    with pytest.raises(QueryError, match="ERROR at Row:3:Column:9"):
        accounts.select("SELECT Name\nFROM Account\n  WHERE LIKE = 'a'\n", "59.0")


def test_records_carry_attributes_and_relationships_as_objects_or_null(accounts: Accounts) -> None:
    records = accounts.select("SELECT id, hold__c, Architect__r.name FROM Account LIMIT 2", "59.0")
    assert records == [
        {
            "attributes": {"type": "Account", "url": "/services/data/v59.0/sobjects/Account/001A000001AAAAAAAA"},
            "Id": "001A000001AAAAAAAA",
            "Hold__c": True,
            "Architect__r": {
                "attributes": {"type": "User", "url": "/services/data/v59.0/sobjects/User/005A00000000001"},
                "Name": "Zoë",
            },
        },
        {
            "attributes": {"type": "Account", "url": "/services/data/v59.0/sobjects/Account/001A000001BBBBBBBB"},
            "Id": "001A000001BBBBBBBB",
            "Hold__c": False,
            "Architect__r": None,
        },
    ]


def test_a_lookup_of_a_lookup_is_an_object_in_an_object(accounts: Accounts) -> None:
    accounts.put([{"Id": ROWS[0]["Id"], "Owner": {"Name": "Ada", "Manager": {"Name": "Eva"}}}])
    first, second = accounts.select("SELECT Owner.Name, Owner.Manager.Name FROM Account LIMIT 2", "59.0")
    assert (first["Owner"]["Name"], first["Owner"]["Manager"]["Name"], second["Owner"]) == ("Ada", "Eva", None)
