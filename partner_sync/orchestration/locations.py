"""Where the archive and the XCom objects are: a folder, or a URL such as s3://CONN_ID@bucket/prefix.

Airflow is imported where it is needed: `make run` looks into a folder without the seconds that this takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from partner_sync.archive.archive import Archive
from partner_sync.archive.object_store import Root
from partner_sync.errors import ConfigError, Finding

CHECKOUT = Path(__file__).resolve().parents[2]
IN_CHECKOUT = (CHECKOUT / "dags" / "partner_sync_dag.py").is_file()
"""False where the package is installed from a wheel."""
DAG_ID = "partner_sync"


def archive() -> Archive:
    """The archive of this environment."""
    return Archive(root(archive_url(os.environ)))


def archive_url(environ: Mapping[str, str]) -> str:
    """The path or URL in `PARTNER_SYNC_ARCHIVE`, or the folder `archive` in `PARTNER_SYNC_HOME`.

    Without either, a checkout has its own archive.

    :raises ConfigError: if an installed package has neither.
    """
    if url := environ.get("PARTNER_SYNC_ARCHIVE"):
        return url
    if home := environ.get("PARTNER_SYNC_HOME"):
        return str(Path(home) / "archive")
    if IN_CHECKOUT:
        return str(CHECKOUT / ".partner_sync" / "archive")
    advice = "Set it to a folder or to s3://CONN_ID@bucket/prefix, the same for all parts of Airflow."
    raise ConfigError("The environment", [Finding("PARTNER_SYNC_ARCHIVE", "is not set", advice)])


def xcoms() -> Root | None:
    """Where the XCom backend of common.io keeps its objects; None where XComs are in the database alone."""
    from airflow.sdk.configuration import conf

    url = conf.get("common.io", "xcom_objectstorage_path", fallback="")
    return root(url) if url else None


def root(url: str) -> Root:
    """A folder as a `Path`, anything else as an `ObjectStoragePath`.

    :raises ConfigError: if the Connection in the URL does not exist: the client would go anonymous, silently.
    """
    local = url.removeprefix("file://")
    if "://" not in local:
        return Path(local).expanduser()
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    path = ObjectStoragePath(url)
    if path.conn_id:
        try:
            BaseHook.get_connection(path.conn_id)
        except AirflowNotFoundException:
            wrong = f"names the Connection {path.conn_id}, which is not there"
            advice = "Make it, or name another before the @ of the URL."
            raise ConfigError("The environment", [Finding(url, wrong, advice)]) from None
    return path


def own_stdout() -> TextIO:
    """The standard output for the answers of a command alone: Airflow logs to it, once an object store needs it."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="replace")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def review_url(hold_id: str) -> str:
    """The address of the review of a hold on the page, inside Airflow."""
    from airflow.configuration import conf

    base: str = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/plugin/partner-sync/partner-sync/hold?id={hold_id}"
