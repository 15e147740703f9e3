"""Snapshots in the archive, gzipped and named by their content: two reads with the same result are one object.

    snapshots/<digest>.json.gz   JSON Lines: a header with the names of the values, then one list of values for each row

A digest is the SHA-256 of the lines. When a snapshot was read is not part of it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from partner_sync.archive.object_store import Root, put, read_bytes
from partner_sync.errors import SnapshotError
from partner_sync.ids import id_18
from partner_sync.model import Organization, Value

T = TypeVar("T")

ORGANIZATIONS, ACCOUNTS = "organizations/1", "accounts/1"
"""What a header says that the rows are; the number is raised when their shape changes."""
GZIP_LEVEL = 1
"""Each further level takes longer for a few percent."""
NEXT_READ = "The next read is a full one and writes a new snapshot."
DAMAGE = (EOFError, OSError, zlib.error, ValueError, KeyError, IndexError, TypeError, OverflowError)
"""What gzip and JSON raise for an object that is cut, changed or foreign. A failed access is a StorageError before."""


def save_organizations(root: Root, organizations: Iterable[Organization], fields: Sequence[str]) -> str:
    """Writes all organizations of an instance, by rising id; `fields` are those that a partner organization keeps.

    Returns the digest.
    """
    by_id = sorted(organizations, key=lambda one: one.id)
    return _save(root, ORGANIZATIONS, fields, (_organization_row(one, fields) for one in by_id))


def save_accounts(root: Root, rows: Sequence[dict[str, object]], id_field: str) -> str:
    """Writes all rows of the account query, by their id, which comes first in each line. Returns the digest."""
    names = [id_field, *sorted(name for name in next(iter(rows), {}) if name != id_field)]
    by_id = sorted(rows, key=lambda row: json.dumps([row[name] for name in names]))
    return _save(root, ACCOUNTS, names, ([row[name] for name in names] for row in by_id))


def saved_organizations(root: Root, digest: str) -> tuple[Organization, ...]:
    """A snapshot of organizations, by rising id. Raises SnapshotError, as all that follow."""
    return _loaded(root, digest, ORGANIZATIONS, lambda fields, rows: tuple(_organization(row, fields) for row in rows))


def saved_account_ids(root: Root, digest: str) -> tuple[str | None, ...]:
    """The ids of a snapshot of accounts, as Salesforce sent them."""
    return _loaded(root, digest, ACCOUNTS, lambda _, rows: tuple(row[0] for row in rows))


def saved_accounts(root: Root, digest: str) -> tuple[dict[str, object], ...]:
    """A snapshot of accounts, by id."""
    return _loaded(
        root, digest, ACCOUNTS, lambda names, rows: tuple(dict(zip(names, row, strict=True)) for row in rows)
    )


def organizations_of(root: Root, digest: str, ids: Collection[int]) -> tuple[Organization, ...]:
    """Some organizations of a snapshot."""
    return _loaded(
        root,
        digest,
        ORGANIZATIONS,
        lambda fields, rows: tuple(_organization(row, fields) for row in rows if row[0] in ids),
    )


def accounts_of(root: Root, digest: str, ids: Collection[str]) -> dict[str, dict[str, object]]:
    """Some accounts of a snapshot, by their 18-character ids."""

    def collect(names: Sequence[str], rows: Iterable[list[Any]]) -> dict[str, dict[str, object]]:
        known = ((id_18(row[0]), row) for row in rows)
        return {key: dict(zip(names, row, strict=True)) for key, row in known if key is not None and key in ids}

    return _loaded(root, digest, ACCOUNTS, collect)


def _organization_row(one: Organization, fields: Sequence[str]) -> list[object]:
    kept = None if one.fields is None else [one.fields[key] for key in fields]
    return [one.id, one.name, one.external_id, one.salesforce_id, one.account_type, kept]


def _organization(row: list[Any], fields: Sequence[str]) -> Organization:
    """Equal texts are one object, as in a fresh read: 100,000 of these are kept at once."""
    number, name, external_id, salesforce_id, account_type, kept = row
    return Organization(
        id=number,
        name=name,
        external_id=salesforce_id if external_id == salesforce_id else external_id,
        salesforce_id=salesforce_id,
        account_type=_shared(account_type),
        fields=None if kept is None else {key: _shared(value) for key, value in zip(fields, kept, strict=True)},
    )


def _shared(value: Value) -> Any:
    return sys.intern(value) if type(value) is str else value


def _path(root: Root, digest: str) -> Root:
    return root / "snapshots" / f"{digest}.json.gz"


def _save(root: Root, kind: str, names: Sequence[str], rows: Iterable[list[object]]) -> str:
    """Rows are compressed one by one, so that no second copy of them is held."""
    hashed, packed = hashlib.sha256(), io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as stream:
        for line in _lines({"rows": kind, "names": list(names)}, rows):
            hashed.update(line)
            stream.write(line)
    put(_path(root, hashed.hexdigest()), packed.getvalue())
    return hashed.hexdigest()


def _lines(header: dict[str, object], rows: Iterable[list[object]]) -> Iterator[bytes]:
    yield json.dumps(header).encode() + b"\n"
    for row in rows:
        yield json.dumps(row).encode() + b"\n"


def _loaded(root: Root, digest: str, kind: str, collect: Callable[[Sequence[str], Iterator[list[Any]]], T]) -> T:
    """What `collect` makes of the names and rows of a snapshot, once its lines have turned out to have the digest."""
    path = _path(root, digest)
    try:
        packed = read_bytes(path)
    except FileNotFoundError:
        raise SnapshotError(f"The snapshot {path} is missing. {NEXT_READ}") from None
    hashed = hashlib.sha256()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            lines = _hashed(stream, hashed)
            header = json.loads(next(lines, b""))
            found = collect(header["names"], map(json.loads, lines)) if header["rows"] == kind else None
    except DAMAGE:
        found = None
    if found is None or hashed.hexdigest() != digest:
        raise SnapshotError(f"The snapshot {path} is damaged or foreign. {NEXT_READ}")
    return found


def _hashed(lines: Iterable[bytes], into: hashlib._Hash) -> Iterator[bytes]:
    for line in lines:
        into.update(line)
        yield line
