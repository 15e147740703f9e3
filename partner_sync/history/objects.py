"""What lies in the archive: objects by their path below the root, each with a stamp that changes when it does.

A store is asked once a day folder; a plain folder is walked. Both give the same answer.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from partner_sync.objects import Root

READERS = 16
"""How many objects of a store are read at once."""

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def store_errors() -> tuple[type[Exception], ...]:
    """What a store raises that cannot be reached; the client for S3 has errors that are no OSError."""
    client = sys.modules.get("botocore.exceptions")
    return (OSError, ValueError, ImportError, *([client.BotoCoreError] if client else []))


class Objects:
    """The archive below `root`, which is a `pathlib.Path` or Airflow's `ObjectStoragePath`."""

    def __init__(self, root: Root) -> None:
        self.root = root

    def days(self) -> list[str]:
        """The day folders, the newest first. What is not a day is not ours."""
        return sorted((name for name in self._names("runs") if DAY.fullmatch(name)), reverse=True)

    def below(self, folder: str) -> dict[str, str]:
        """Every object below a folder, by its path from the root, with its stamp."""
        if isinstance(self.root, Path):
            return dict(_walk(os.fspath(self.root / folder), folder))
        return self._found(folder)

    def texts(self, paths: Sequence[str]) -> Iterator[tuple[str, str | OSError | UnicodeError]]:
        """Each object's text, or why it cannot be read, in the order of `paths`."""
        if isinstance(self.root, Path) or len(paths) < 2:
            yield from ((path, self._text(path)) for path in paths)
            return
        with ThreadPoolExecutor(READERS) as pool:
            yield from zip(paths, pool.map(self._text, paths), strict=True)

    def _text(self, path: str) -> str | OSError | UnicodeError:
        try:
            return str((self.root / path).read_text(encoding="utf-8"))
        except (OSError, UnicodeError) as error:
            return error

    def _names(self, folder: str) -> list[str]:
        if isinstance(self.root, Path):
            try:
                return [name for name in os.listdir(self.root / folder) if not name.startswith(".")]  # noqa: PTH208 - names are all we want
            except (FileNotFoundError, NotADirectoryError):
                return []
        store: Any = self.root.fs
        store.invalidate_cache()
        try:
            found = store.ls(self._address(folder), detail=False)
        except FileNotFoundError:
            return []
        return [str(name).rstrip("/").rsplit("/", 1)[-1] for name in found]

    def _found(self, folder: str) -> dict[str, str]:
        store: Any = self.root.fs
        store.invalidate_cache()
        try:
            found = store.find(self._address(folder), detail=True)
        except FileNotFoundError:
            return {}
        above = len(self._address("")) + 1
        return {str(name)[above:]: _stamp(info) for name, info in found.items() if not _hidden(str(name))}

    def _address(self, folder: str) -> str:
        """A folder as the store names it, without its protocol."""
        return str(self.root.fs._strip_protocol(str(self.root / folder) if folder else str(self.root))).rstrip("/")


def _walk(folder: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{path}/{entry.name}")
        else:
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            yield f"{path}/{entry.name}", f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _hidden(path: str) -> bool:
    return path.rsplit("/", 1)[-1].startswith(".")


def _stamp(info: dict[str, Any]) -> str:
    changed = (str(info[key]) for key in ("ETag", "etag", "LastModified", "mtime", "updated", "created") if key in info)
    return f"{info.get('size')}-{next(changed, '')}"
