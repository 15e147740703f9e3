"""Objects below a root, which is a folder or an object store: written whole or not at all, and never cached.

Only the owner of a folder can read it, and an object that was written survives a power cut.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from partner_sync.archive import codec
from partner_sync.errors import SnapshotError, StorageError

Root = Any
"""A `pathlib.Path`, or Airflow's `ObjectStoragePath`, which has the same methods."""
T = TypeVar("T")

NEXT_STEP = "If it was damaged or written by another release, move it away; the next run starts without it."


@contextmanager
def attempted(did_not: str, what: object) -> Iterator[None]:
    """Turns the errors of a store into StorageError, except that an object already exists or does not exist."""
    try:
        yield
    except store_errors() as error:
        if isinstance(error, FileExistsError) or (isinstance(error, FileNotFoundError) and did_not != "write"):
            raise
        why = getattr(error, "strerror", None) or type(error).__name__
        raise StorageError(did_not, str(what), why) from error


def store_errors() -> tuple[type[Exception], ...]:
    """The errors of stores. Most clients raise OSError; S3's also has errors of its own."""
    s3 = sys.modules.get("botocore.exceptions")  # imported as soon as S3 is used
    return (OSError, s3.BotoCoreError, s3.ClientError) if s3 else (OSError,)


def put(path: Root, content: str | bytes) -> None:
    """Writes or replaces an object. Readers see it whole or not at all: a file is renamed into place."""
    with attempted("write", path):
        if isinstance(path, Path):
            with _part(path, content) as part:
                part.replace(path)
            _sync_folder(path.parent)
        else:
            path.fs.pipe_file(path.path, _encoded(content))


def put_new(path: Root, text: str) -> bool:
    """Writes an object unless it exists: of several concurrent writers, exactly one gets True.

    A file is linked into place; an object store gets a conditional write (S3: If-None-Match).
    """
    try:
        with attempted("write", path):
            if isinstance(path, Path):
                with _part(path, text) as part:
                    path.hardlink_to(part)
                _sync_folder(path.parent)
            else:
                with path.open("x") as stream:
                    stream.write(text)
    except FileExistsError:
        return False
    except StorageError as error:
        if _is_there(error.__cause__):
            return False
        raise
    return True


def _is_there(error: BaseException | None) -> bool:
    """Whether a conditional write was refused with 412. s3fs only recognizes the message of AWS."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict) and response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412:
            return True
        error = error.__cause__
    return False


def read_bytes(path: Root) -> bytes:
    """The content of an object. Raises FileNotFoundError."""
    with attempted("read", path):
        return bytes(path.read_bytes() if isinstance(path, Path) else path.fs.cat_file(path.path))


def read(path: Root, next_step: str = NEXT_STEP) -> str:
    """The text of an object. Raises FileNotFoundError, and SnapshotError if it is not text."""
    content = read_bytes(path)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SnapshotError(f"{path} is not text. {next_step}") from None


def get(cls: type[T], path: Root, next_step: str = NEXT_STEP) -> T | None:
    """The value in an object, None if there is no object. Raises SnapshotError for an object of another shape."""
    try:
        text = read(path, next_step)
    except FileNotFoundError:
        return None
    return codec.from_json(cls, text, source=str(path), next_step=next_step)


def children(folder: Root) -> Iterator[Root]:
    """The objects and folders in a folder, by name; none if the folder does not exist. Raises StorageError.

    An object store is listed without `iterdir()`, which first checks whether the folder exists. If the store is down,
    many clients report that it does not, and the open-job register would seem to be empty.
    """
    try:
        with attempted("list", folder):
            if isinstance(folder, Path):
                names = [path.name for path in folder.iterdir()]
            else:
                folder.fs.invalidate_cache()  # clients cache listings, without the objects that others wrote since
                names = [str(name).rsplit("/", 1)[-1] for name in folder.fs.ls(folder.path, detail=False)]
    except FileNotFoundError:
        return
    yield from (folder / name for name in sorted(names) if name and not name.startswith("."))


@dataclass(frozen=True)
class Stored:
    """An object: its path below the root, its size, and when it was written. `stamp` changes when the object does."""

    path: Root
    parts: tuple[str, ...]
    size: int
    written: datetime
    stamp: str


def stored(root: Root) -> Iterator[Stored]:
    """All objects below a root. Raises OSError for a folder that cannot be listed: it may not be empty."""
    if isinstance(root, Path):
        for folder, _, names in os.walk(root, onerror=_unless_gone):
            for name in names:
                path = Path(folder, name)
                try:
                    found = path.stat()
                except FileNotFoundError:
                    continue  # its owner has just removed it
                stamp = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
                yield Stored(path, path.relative_to(root).parts, found.st_size, _moment(found.st_mtime), stamp)
        return
    root.fs.invalidate_cache()
    base = str(root.path).rstrip("/")
    try:
        listed = root.fs.find(base, detail=True)
    except FileNotFoundError:
        return
    for name, info in listed.items():
        parts = tuple(name.removeprefix(base).strip("/").split("/"))
        size, written = int(info.get("size") or 0), _written(info)
        stamp = f"{size}-{info.get('ETag') or info.get('etag') or written}"
        yield Stored(root.joinpath(*parts), parts, size, _moment(written), stamp)


def remove(path: Root) -> None:
    """Removes an object, if it exists."""
    with suppress(FileNotFoundError), attempted("remove", path):
        if isinstance(path, Path):
            path.unlink()
        else:
            path.fs.rm_file(path.path)


@contextmanager
def _part(path: Path, content: str | bytes) -> Iterator[Path]:
    """Writes the content to a temporary file beside `path`, and removes that file at the end."""
    _make_folder(path.parent)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(part, "xb", opener=_owner_only) as stream:
            stream.write(_encoded(content))
            stream.flush()
            os.fsync(stream.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it, for their owner only."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Makes new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _written(info: Mapping[str, Any]) -> datetime | float:
    """When an object was written, by the keys of S3, Google, Azure, and local files."""
    for key in ("LastModified", "updated", "last_modified", "mtime", "created"):
        if info.get(key):
            written: datetime | float = info[key]
            return written
    raise OSError(f"the object store does not report when {info.get('name')} was written")


def _moment(value: datetime | float | str) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return datetime.fromtimestamp(value, timezone.utc)
