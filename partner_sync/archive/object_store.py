"""Objects below a root, a folder or an object store: written whole or not at all, read as they are now.

What a folder holds is its owner's alone, and an object that was written survives a power cut.
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
    """What a store cannot do is a StorageError; that an object is there already, or not there to be read, is none."""
    try:
        yield
    except store_errors() as error:
        if isinstance(error, FileExistsError) or (isinstance(error, FileNotFoundError) and did_not != "write"):
            raise
        why = getattr(error, "strerror", None) or type(error).__name__
        raise StorageError(did_not, str(what), why) from error


def store_errors() -> tuple[type[Exception], ...]:
    """What stores raise. Most clients have OSErrors; S3's has its own for what never reached the store."""
    s3 = sys.modules.get("botocore.exceptions")  # there as soon as an object of S3 was asked for
    return (OSError, s3.BotoCoreError, s3.ClientError) if s3 else (OSError,)


def put(path: Root, text: str) -> None:
    """Writes an object, over an earlier one. A store shows it whole or not at all; a file is renamed into place."""
    with attempted("write", path):
        if isinstance(path, Path):
            with _part(path, text) as part:
                part.replace(path)
            _sync_folder(path.parent)
        else:
            path.fs.pipe_file(path.path, text.encode())


def put_new(path: Root, text: str) -> bool:
    """Writes an object unless there is one: of several writers at once, exactly one gets True.

    A file is linked into place, an object store is asked for a conditional write (S3: If-None-Match).
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
    """Whether a conditional write was refused with 412, in whatever words: s3fs knows only those of AWS."""
    while error is not None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict) and answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412:
            return True
        error = error.__cause__
    return False


def read(path: Root, next_step: str = NEXT_STEP) -> str:
    """The text of an object. Raises FileNotFoundError, and SnapshotError for one that is no text."""
    with attempted("read", path):
        content = path.read_bytes() if isinstance(path, Path) else path.fs.cat_file(path.path)
    try:
        return str(content.decode())
    except UnicodeDecodeError:
        raise SnapshotError(f"{path} is not a text. {next_step}") from None


def get(cls: type[T], path: Root, next_step: str = NEXT_STEP) -> T | None:
    """The value in an object, None if there is none. Raises SnapshotError for one of another shape."""
    try:
        text = read(path, next_step)
    except FileNotFoundError:
        return None
    return codec.from_json(cls, text, source=str(path), next_step=next_step)


def children(folder: Root) -> Iterator[Root]:
    """What lies in a folder, by name. An object store has none that is empty, and no store's trouble counts as none.

    Of an object store the listing itself is asked: `iterdir()` first asks whether there is a folder, and many clients
    answer that with no when the store does not answer at all. To this product that would mean an empty register.
    """
    try:
        with attempted("list", folder):
            if isinstance(folder, Path):
                names = [path.name for path in folder.iterdir()]
            else:
                folder.fs.invalidate_cache()  # clients remember listings; what others wrote since would not be seen
                names = [str(name).rsplit("/", 1)[-1] for name in folder.fs.ls(folder.path, detail=False)]
    except FileNotFoundError:
        return
    yield from (folder / name for name in sorted(names) if name and not name.startswith("."))


@dataclass(frozen=True)
class Stored:
    """One object: where it is below its root, its size, and when it was written. Its stamp changes when it does."""

    path: Root
    parts: tuple[str, ...]
    size: int
    written: datetime
    stamp: str


def stored(root: Root) -> Iterator[Stored]:
    """All objects below a root. What cannot be looked into raises OSError: it is not the same as nothing."""
    if isinstance(root, Path):
        for folder, _, names in os.walk(root, onerror=_unless_gone):
            for name in names:
                path = Path(folder, name)
                try:
                    found = path.stat()
                except FileNotFoundError:
                    continue  # removed by its owner meanwhile
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
    """Removes an object; that another has done so already is fine."""
    with suppress(FileNotFoundError), attempted("remove", path):
        if isinstance(path, Path):
            path.unlink()
        else:
            path.fs.rm_file(path.path)


@contextmanager
def _part(path: Path, text: str) -> Iterator[Path]:
    """The text in a file beside the one that it is to become; gone afterwards, half written ones too."""
    _make_folder(path.parent)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(part, "x", encoding="utf-8", opener=_owner_only) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


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
    """When an object was written, as the clients of the usual stores call it: S3, Google, Azure, and local files."""
    for key in ("LastModified", "updated", "last_modified", "mtime", "created"):
        if info.get(key):
            written: datetime | float = info[key]
            return written
    raise OSError(f"the object store does not say when {info.get('name')} was written")


def _moment(value: datetime | float | str) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return datetime.fromtimestamp(value, timezone.utc)
