"""The objects of the archive by path below the root, each with a stamp that changes when the object does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from partner_sync.archive.object_store import Root, children, read, store_errors, stored
from partner_sync.errors import PartnerSyncError, StorageError

READERS = 16
"""How many objects are read from object storage in parallel."""

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

ObjectText = str | FileNotFoundError | PartnerSyncError


def archive_errors() -> tuple[type[Exception], ...]:
    """The errors of an archive that cannot be reached or read."""
    return (*store_errors(), StorageError, ValueError, ImportError)


class Objects:
    """The archive below `root`. A day is listed in one call, so a refresh does not slow down with its age."""

    def __init__(self, root: Root) -> None:
        self.root = root

    def days(self) -> list[str]:
        """The day folders, the newest first. What is not a day is not ours."""
        return sorted((path.name for path in children(self.root / "runs") if _is_day(path.name)), reverse=True)

    def below(self, folder: str) -> dict[str, str]:
        """Every object below a folder, by its path from the root, with its stamp. Hidden ones are not written yet."""
        return {
            "/".join((folder, *one.parts)): one.stamp
            for one in stored(self.root / folder)
            if not one.parts[-1].startswith(".")
        }

    def texts(self, paths: Sequence[str]) -> Iterator[tuple[str, ObjectText]]:
        """Each object's text, or why it cannot be read, in the order of `paths`."""
        if isinstance(self.root, Path) or len(paths) < 2:
            yield from ((path, self._text(path)) for path in paths)
            return
        with ThreadPoolExecutor(READERS) as pool:
            yield from zip(paths, pool.map(self._text, paths), strict=True)

    def _text(self, path: str) -> ObjectText:
        try:
            return read(self.root / path)
        except (FileNotFoundError, PartnerSyncError) as error:
            return error


def _is_day(name: str) -> bool:
    try:
        return DAY.fullmatch(name) is not None and bool(date.fromisoformat(name))
    except ValueError:
        return False
