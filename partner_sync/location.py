"""Where the archive is: a folder, or object storage by one of Airflow's Connections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from partner_sync.archive import Root
from partner_sync.errors import ConfigError, Mistake


def archive_url(environ: Mapping[str, str]) -> str:
    """The path or URL in `PARTNER_SYNC_ARCHIVE`, or the folder `archive` in `PARTNER_SYNC_HOME`."""
    home = Path(environ.get("PARTNER_SYNC_HOME") or Path(__file__).parents[1] / ".partner_sync")
    return environ.get("PARTNER_SYNC_ARCHIVE") or str(home / "archive")


def archive_root(url: str) -> Root:
    """The root of the archive at a path or URL. Airflow is needed for object storage only.

    :raises ConfigError: if the Connection in the URL does not exist: the client would go anonymous, silently.
    """
    local = url.removeprefix("file://")
    if "://" not in local:
        return Path(local).expanduser()
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowException

    root = ObjectStoragePath(url)
    if root.conn_id:
        try:
            BaseHook.get_connection(root.conn_id)
        except AirflowException:
            wrong = f"names the Connection {root.conn_id}, which is not there"
            advice = "Make it, or name another before the @ of the URL."
            raise ConfigError("The environment", [Mistake("PARTNER_SYNC_ARCHIVE", wrong, advice)]) from None
    return root
