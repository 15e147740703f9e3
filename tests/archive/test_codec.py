"""What comes out of an XCom is checked for shape and version before anything else touches it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_sync.archive import codec
from partner_sync.archive.records import OpenJob, RowVerdict, RunRecord
from partner_sync.errors import SnapshotError
from partner_sync.model import (
    AccountsSnapshot,
    Batch,
    Create,
    Evidence,
    FieldChange,
    Hold,
    InstanceRead,
    Mark,
    Organization,
    OrganizationsSnapshot,
    Plan,
    PlanOrder,
    Problem,
    ReadProof,
    Update,
)

values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)
moments = st.datetimes(timezones=st.just(timezone.utc))
changes = st.lists(st.builds(FieldChange, st.text(), values, values, st.text()), max_size=3).map(tuple)
evidence = st.builds(Evidence, seen=moments, before=values, found=values)
every_change = (
    st.builds(Create, fields=changes, organization_id=st.none(), kind=st.just("create"))
    | st.builds(Update, fields=changes, kind=st.just("update"))
    | st.builds(Mark, fields=changes, evidence=st.none() | evidence, kind=st.just("mark"))
)
orders = st.builds(PlanOrder, moments, moments, st.text())
rows = st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53), max_size=4)
proofs = st.builds(ReadProof)
organizations = st.builds(Organization, fields=st.none() | st.dictionaries(st.text(), values, max_size=3))
every_value = st.one_of(
    st.builds(AccountsSnapshot, moments, moments, proofs, st.lists(rows, max_size=3).map(tuple)),
    st.builds(
        OrganizationsSnapshot,
        moments,
        moments,
        st.lists(
            st.builds(InstanceRead, organizations=st.lists(organizations, max_size=3).map(tuple), proof=proofs),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(Batch, order=orders, changes=st.lists(every_change, max_size=3).map(tuple)),
    st.builds(
        Plan,
        order=orders,
        changes=st.lists(every_change, max_size=3).map(tuple),
        holds=st.lists(
            st.builds(Hold, since=moments, changes=st.lists(every_change, max_size=2).map(tuple)), max_size=2
        ).map(tuple),
        waiting_since=st.dictionaries(st.text(), moments, max_size=2),
        problems=st.lists(st.builds(Problem), max_size=2).map(tuple),
    ),
    st.builds(OpenJob, order=orders, time=moments, intended=st.none() | moments),
    st.builds(RowVerdict, at=moments),
    orders,
)


@settings(deadline=None)
@given(every_value)
def test_whatever_is_dumped_is_loaded_as_it_was(value):
    xcom = codec.dump(value)
    assert value == codec.load_value(type(value), xcom, source="it", next_step="")
    assert {"schema", "json"} == set(xcom)


@pytest.mark.parametrize(
    ("xcom", "message"),
    [
        (None, "The snapshot is missing. Clear gather_accounts."),
        (
            "file:///xcom/gone",
            "The snapshot points to an object that is not there any more, or is damaged. Clear gather_accounts.",
        ),
        ({}, "The snapshot is not a AccountsSnapshot/2. Clear gather_accounts."),
        ([], "The snapshot is not a AccountsSnapshot/2. Clear gather_accounts."),
        ({"schema": "AccountsSnapshot/0", "json": "{}"}, "The snapshot is not a AccountsSnapshot/2."),
        ({"schema": "Plan/1", "json": "{}"}, "The snapshot is not a AccountsSnapshot/2."),
        ({"schema": "AccountsSnapshot/2", "json": 3}, "The snapshot is not a AccountsSnapshot/2."),
        ({"schema": "AccountsSnapshot/2", "json": "{}"}, "The snapshot is not a AccountsSnapshot/2: begun"),
        ({"schema": "AccountsSnapshot/2", "json": '{"begun"'}, "The snapshot is not a AccountsSnapshot/2: the whole"),
    ],
    ids=["missing", "dangling", "empty", "a list", "older", "another", "no text", "a field missing", "cut off"],
)
def test_an_xcom_that_is_missing_dangling_or_foreign_is_refused_with_the_task_to_clear(xcom, message):
    with pytest.raises(SnapshotError) as caught:
        codec.load_value(AccountsSnapshot, xcom, source="The snapshot", next_step="Clear gather_accounts.")
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("Clear gather_accounts.")


def test_a_refusal_never_repeats_what_was_in_the_object():
    with pytest.raises(SnapshotError) as caught:
        codec.from_json(PlanOrder, '{"snapshot_begun": "Secret Partner GmbH"}', source="it", next_step="")
    assert "Secret" not in str(caught.value)


def test_100_000_organizations_stay_one_text():
    many = tuple(Organization(number, f"Name {number}", None, None, None) for number in range(1000))
    read = InstanceRead("global", True, ReadProof("Zendesk", 1000, 1000, 10, 13), many)
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert isinstance(codec.dump(OrganizationsSnapshot(now, now, (read,)))["json"], str)


def test_a_run_record_comes_back_from_its_json():
    assert codec.schema_name(RunRecord) == "RunRecord/4"


def test_half_a_character_is_replaced_and_holds_up_nothing_else():
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    rows = ({"Name": "Half \ud83e"}, {"Name": "\udd1d half"}, {"Name": "Whole 🤝"})
    snapshot = AccountsSnapshot(now, now, ReadProof("Salesforce", 3, 3, 1, 1), rows)
    loaded = codec.load_value(AccountsSnapshot, codec.dump(snapshot), source="it", next_step="")
    assert ["Half \ufffd", "\ufffd half", "Whole 🤝"] == [row["Name"] for row in loaded.rows]
    assert snapshot.proof == loaded.proof
