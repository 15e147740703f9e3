"""Where the archive and the XCom objects are: a folder, or a URL such as s3://CONN_ID@bucket/prefix.

Airflow is imported where it is needed: `make run` looks into a folder without the seconds that this takes.
"""

from __future__ import annotations

import os
from pathlib import Path

from partner_sync.archive import Archive
from partner_sync.objects import Root


def archive() -> Archive:
    """The archive at `PARTNER_SYNC_ARCHIVE` (a path or URL), or in `PARTNER_SYNC_HOME`."""
    home = Path(os.environ.get("PARTNER_SYNC_HOME") or Path(__file__).parents[1] / ".partner_sync")
    return Archive(root(os.environ.get("PARTNER_SYNC_ARCHIVE") or str(home / "archive")))


def xcoms() -> Root | None:
    """Where the XCom backend of common.io keeps its objects; None where XComs are in the database alone."""
    from airflow.sdk.configuration import conf

    url = conf.get("common.io", "xcom_objectstorage_path", fallback="")
    return root(url) if url else None


def root(url: str) -> Root:
    """A folder as a `Path`, anything else as an `ObjectStoragePath` whose Connection is there."""
    local = url.removeprefix("file://")
    if "://" not in local:
        return Path(local)
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.bases.hook import BaseHook

    path = ObjectStoragePath(url)
    if path.conn_id:
        BaseHook.get_connection(path.conn_id)  # a missing one would make the client anonymous, silently
    return path
