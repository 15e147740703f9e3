"""Reads the config and the trigger of a run from Airflow's context, a mapping here."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partner_sync.errors import ConfigError, Finding

if TYPE_CHECKING:
    from partner_sync.archive.records import Trigger
    from partner_sync.config.load import Config

Context = Mapping[str, Any]

_IN_PROCESS = "dag_test"
"""What Airflow names as the user of a run of `dag.test()`, which `make run` is: a user of this machine started it."""


def config_of(context: Context) -> Config:
    """The config beside the DAG file, or the file that `PARTNER_SYNC_CONFIG` names."""
    from partner_sync.config.load import load

    beside = Path(context["dag"].fileloc).with_name("partner_sync.toml")
    path = Path(os.environ.get("PARTNER_SYNC_CONFIG") or beside)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        advice = "Put the file there, as UTF-8, or name another by PARTNER_SYNC_CONFIG."
        raise ConfigError("The config", [Finding(str(path), f"cannot be read ({error})", advice)]) from None
    return load(text, str(path))


NOTE_LENGTH = 1000
"""The most that Airflow's API takes as a note of a run."""


def note_of(context: Context) -> str:
    """The note that a person gave to the run, as plain text; a longer one is cut, and says so."""
    note = str(getattr(context["dag_run"], "note", None) or "")
    return note if len(note) <= NOTE_LENGTH else f"{note[:NOTE_LENGTH]}… (cut, {len(note):,} characters)"


def trigger_of(context: Context) -> Trigger:
    from partner_sync.archive.records import Trigger

    dag_run = context["dag_run"]
    return Trigger(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        run_type=str(dag_run.run_type.value),
        triggered_by=getpass.getuser() if dag_run.triggering_user_name == _IN_PROCESS else dag_run.triggering_user_name,
        logical_date=dag_run.logical_date,
        run_after=dag_run.run_after,
        params=dict(context["params"]),
    )
