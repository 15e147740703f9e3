"""Snapshots in the archive: what was read comes back, and an object that is not what its name says is refused."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from partner_sync.archive.snapshot_store import (
    save_accounts,
    save_organizations,
    saved_account_ids,
    saved_accounts,
    saved_organizations,
)
from partner_sync.errors import SnapshotError
from partner_sync.model import Organization

FIELDS = ("account_owner", "support_hold")
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(allow_nan=False)
texts = st.none() | st.text()
organizations = st.lists(
    st.builds(
        Organization,
        id=st.integers(1, 2**53),
        name=st.text(),
        external_id=texts,
        salesforce_id=texts,
        account_type=texts,
        fields=st.none() | st.fixed_dictionaries(dict.fromkeys(FIELDS, values)),
    ),
    unique_by=lambda one: one.id,
    max_size=5,
)
accounts = st.lists(st.fixed_dictionaries({"Name": values, "Id": st.text(), "Owner__r.Name": values}), max_size=5)

ONE = Organization(7, "Nimbus", "0014M00001Abc01AAB", "0014M00001Abc01AAB", "open_partner", dict.fromkeys(FIELDS))
OTHER = Organization(3, "Caf\u00e9 \ud83e half", None, None, None, None)


@pytest.fixture(params=["a folder", "an object store"])
def root(request, tmp_path):
    return tmp_path if request.param == "a folder" else UPath(f"memory://{tmp_path}")


def only_object(root):
    (path,) = (root / "snapshots").iterdir()
    return path


def as_text(row):
    return json.dumps(row, sort_keys=True)


@settings(deadline=None)
@given(organizations)
def test_organizations_come_back_by_rising_id(tmp_path_factory, many):
    root = tmp_path_factory.mktemp("archive")
    digest = save_organizations(root, many, FIELDS)
    by_id = sorted(many, key=lambda one: one.id)
    assert saved_organizations(root, digest) == tuple(by_id)


@settings(deadline=None)
@given(accounts)
def test_accounts_come_back_by_id_whatever_their_order_was(tmp_path_factory, rows):
    root = tmp_path_factory.mktemp("archive")
    digest = save_accounts(root, rows, "Id")
    assert digest == save_accounts(root, rows[::-1], "Id")
    assert sorted(map(as_text, saved_accounts(root, digest))) == sorted(map(as_text, rows))
    assert sorted(saved_account_ids(root, digest)) == sorted(row["Id"] for row in rows)


def test_half_a_character_comes_back(root):
    assert saved_organizations(root, save_organizations(root, [ONE, OTHER], FIELDS)) == (OTHER, ONE)


def test_equal_reads_are_one_object_and_others_are_not(root):
    digest = save_organizations(root, [ONE, OTHER], FIELDS)
    before = only_object(root).read_bytes()
    assert digest == save_organizations(root, [OTHER, ONE], FIELDS)
    assert before == only_object(root).read_bytes()
    assert digest != save_organizations(root, [ONE], FIELDS)


def test_values_under_other_names_are_another_snapshot(root):
    renamed = Organization(7, "Nimbus", None, None, None, {"owner": None, "hold": None})
    other = Organization(7, "Nimbus", None, None, None, dict.fromkeys(FIELDS))
    assert save_organizations(root, [renamed], ("owner", "hold")) != save_organizations(root, [other], FIELDS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-9],
        lambda content: content[:20] + b"\x00\xff" + content[22:],
        lambda content: b"not gzip",
        lambda content: gzip.compress(b""),
        lambda content: gzip.compress(b"[]\n"),
        lambda content: gzip.compress(b"\xff\n"),
        lambda content: gzip.compress(gzip.decompress(content).replace(b"Nimbus", b"Nimbu5")),
        lambda content: gzip.compress(gzip.decompress(content).replace(b"[7,", b"[99999999999999999999999,")),
        lambda content: gzip.compress(gzip.decompress(content).replace(b"[7,", b"[")),
        lambda content: gzip.compress(gzip.decompress(content).rpartition(b"[")[0]),
    ],
    ids=["empty", "cut", "changed", "no gzip", "no line", "a list", "no text", "a name", "an id", "a value", "a row"],
)
def test_a_damaged_snapshot_is_refused_by_name(root, damage):
    digest = save_organizations(root, [ONE, OTHER], FIELDS)
    path = only_object(root)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SnapshotError, match=rf"snapshots/{digest}\.json\.gz is damaged or foreign"):
        saved_organizations(root, digest)


def test_a_missing_snapshot_is_refused_by_name(root):
    with pytest.raises(SnapshotError, match=r"snapshots/abc\.json\.gz is missing"):
        saved_organizations(root, "abc")


def test_a_snapshot_of_accounts_is_none_of_organizations(root):
    digest = save_accounts(root, [{"Id": "0014M00001Abc01AAB"}], "Id")
    with pytest.raises(SnapshotError, match="damaged or foreign"):
        saved_organizations(root, digest)
    assert saved_account_ids(root, digest) == ("0014M00001Abc01AAB",)
