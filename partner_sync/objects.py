"""Objects below a root, a folder or an object store: written whole or not at all, read as they are now."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from partner_sync import codec

Root = Any
"""A `pathlib.Path`, or Airflow's `ObjectStoragePath`, which has the same methods."""
T = TypeVar("T")

NEXT_STEP = "If it was damaged or written by another release, move it away; the next run starts without it."


def put(path: Root, text: str) -> None:
    """Writes an object, over an earlier one if there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(path, Path):  # an object store shows an object whole or not at all; a file is renamed into place
        part = _part(path, text)
        try:
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    else:
        path.write_text(text, encoding="utf-8")


def put_new(path: Root, text: str) -> bool:
    """Writes an object unless there is one: of several at once, exactly one is told True.

    A file is linked into place, an object store is asked for a conditional write (S3: If-None-Match).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if isinstance(path, Path):
            part = _part(path, text)
            try:
                path.hardlink_to(part)
            finally:
                part.unlink()
        else:
            with path.open("x") as stream:
                stream.write(text)
    except FileExistsError:
        return False
    return True


def read(path: Root) -> str:
    """The text of an object. Raises FileNotFoundError."""
    _forget_listings(path)
    return str(path.read_text(encoding="utf-8"))


def get(cls: type[T], path: Root) -> T | None:
    """The value in an object, None if there is none. Raises SnapshotError for one of another shape."""
    try:
        text = read(path)
    except FileNotFoundError:
        return None
    return codec.from_json(cls, text, source=str(path), next_step=NEXT_STEP)


def children(folder: Root) -> Iterator[Root]:
    """What lies in a folder, by name; nothing if there is no such folder."""
    _forget_listings(folder)
    try:
        found = sorted(folder.iterdir(), key=lambda path: str(path.name))
    except (FileNotFoundError, NotADirectoryError):  # the first of a folder, the second of an object store
        return
    yield from (path for path in found if not path.name.startswith("."))


def _part(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    part.write_text(text, encoding="utf-8")
    return part


def _forget_listings(path: Root) -> None:
    """Object-store clients remember folders and sizes; what another worker wrote since would not be seen."""
    filesystem = getattr(path, "fs", None)
    if filesystem is not None:
        filesystem.invalidate_cache()
