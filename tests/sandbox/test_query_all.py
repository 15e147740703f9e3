"""Deleted, merged, purged and hidden accounts, as ``query`` and ``queryAll`` show them."""

from __future__ import annotations

from typing import Any

import pytest

from partner_sync.sandbox import Sandbox, World, salesforce_id

DATA = "/services/data/v59.0"
FIELDS = "SELECT Id, Name, IsDeleted, MasterRecordId FROM Account"


def found(salesforce: Any, resource: str, condition: str = "") -> dict[str, tuple[bool, str | None]]:
    """IsDeleted and MasterRecordId by name."""
    answer = salesforce.call(f"{DATA}/{resource}", params={"q": f"{FIELDS} {condition}"})
    assert answer.status_code == 200, answer.text
    return {row["Name"]: (row["IsDeleted"], row["MasterRecordId"]) for row in answer.json()["records"]}


def test_query_all_shows_the_recycle_bin_and_query_does_not(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.put_account(Name="alive")
    sandbox.delete_account(sandbox.put_account(Name="deleted"))
    assert found(salesforce, "query") == {"alive": (False, None)}
    assert found(salesforce, "queryAll") == {"alive": (False, None), "deleted": (True, None)}
    assert found(salesforce, "queryAll/", "WHERE IsDeleted = true") == {"deleted": (True, None)}


def test_every_world_has_the_fields_of_the_recycle_bin() -> None:
    with Sandbox(World()) as sandbox:
        assert sandbox.account_fields() == {"IsDeleted": "boolean", "MasterRecordId": "id"}


def test_the_loser_of_a_merge_names_the_winner(sandbox: Sandbox, salesforce: Any) -> None:
    winner, loser = sandbox.put_accounts([{"Name": "winner"}, {"Name": "loser"}])
    sandbox.merge_accounts(loser, winner)
    assert found(salesforce, "query") == {"winner": (False, None)}
    assert found(salesforce, "queryAll", f"WHERE MasterRecordId = '{winner}'") == {"loser": (True, winner)}


def test_a_world_can_begin_with_the_loser_of_a_merge() -> None:
    winner, loser = (salesforce_id(f"0014M00001KKzj{letter}") for letter in "AB")
    lost = {"Id": loser, "Name": "loser", "MasterRecordId": winner}
    with Sandbox(World([{"Id": winner, "Name": "winner"}], deleted_accounts=[lost])) as begun:
        assert [(row["Id"], row["MasterRecordId"]) for row in begun.deleted_accounts()] == [(loser, winner)]


def test_a_purged_account_and_its_link_to_a_winner_are_gone(sandbox: Sandbox, salesforce: Any) -> None:
    winner, loser = sandbox.put_accounts([{"Name": "winner"}, {"Name": "loser"}])
    sandbox.merge_accounts(loser, winner)
    sandbox.purge_account(loser)
    assert found(salesforce, "queryAll") == {"winner": (False, None)}


def test_an_undeleted_account_is_as_it_was(sandbox: Sandbox, salesforce: Any) -> None:
    winner, loser = sandbox.put_accounts([{"Name": "winner"}, {"Name": "loser"}])
    sandbox.merge_accounts(loser, winner)
    sandbox.undelete_account(loser)
    assert found(salesforce, "query") == {"winner": (False, None), "loser": (False, None)}


def test_a_hidden_account_is_in_no_answer_until_it_is_shown_again(sandbox: Sandbox, salesforce: Any) -> None:
    account_id = sandbox.put_account(Name="hidden")
    sandbox.hide_account(account_id)
    assert found(salesforce, "query") == found(salesforce, "queryAll") == {}
    assert [row["Id"] for row in sandbox.accounts()] == [account_id]
    sandbox.unhide_account(account_id)
    assert found(salesforce, "query") == {"hidden": (False, None)}


@pytest.mark.parametrize("field", ["Id", "Account_ID_18__c"])
def test_150_accounts_are_looked_up_by_either_id(sandbox: Sandbox, salesforce: Any, field: str) -> None:
    ids = [salesforce_id(f"0014M00001{number:05}") for number in range(160)]
    sandbox.put_accounts([{"Account_ID_18__c": each, "Name": each} for each in ids])
    sandbox.delete_account(ids[0])
    wanted = ", ".join(f"'{each}'" for each in ids[:150])
    rows = found(salesforce, "queryAll", f"WHERE {field} IN ({wanted})")
    assert set(rows) == set(ids[:150])
    assert [name for name, (is_deleted, _) in rows.items() if is_deleted] == [ids[0]]


def test_a_value_that_cannot_be_an_id_is_refused(salesforce: Any) -> None:
    answer = salesforce.query(f"{FIELDS} WHERE Id IN ('0014M00001sDiGEQA0', 'nonsense')")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_FILTER_OPERATOR")


@pytest.mark.parametrize(("length", "status"), [(4_000, 200), (4_001, 400)])
def test_a_where_has_4000_characters_at_most(salesforce: Any, length: int, status: int) -> None:
    condition = "Name = ''"
    filled = condition.replace("''", "'" + "x" * (length - len(condition)) + "'")
    answer = salesforce.query(f"{FIELDS} WHERE {filled} ORDER BY Name")
    assert answer.status_code == status
    if status == 400:
        assert answer.json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_the_pages_of_query_all_hang_together(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.delete_account(sandbox.put_accounts([{"Name": f"n{number}"} for number in range(5)])[2])
    sandbox.settings(salesforce_page_size=2)
    page = salesforce.call(f"{DATA}/queryAll", params={"q": FIELDS}).json()
    names = [row["Name"] for row in page["records"]]
    while not page["done"]:
        page = salesforce.call(page["nextRecordsUrl"]).json()
        names += [row["Name"] for row in page["records"]]
    assert sorted(names) == [f"n{number}" for number in range(5)]
