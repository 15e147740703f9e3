"""Reads the config and the trigger of a run from Airflow's context, a mapping here."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partner_sync.config.schedule import schedule_of
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

    path = _config_path(context["dag"].fileloc)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        advice = "Put the file there, as UTF-8, or name another by PARTNER_SYNC_CONFIG."
        raise ConfigError("The config", [Finding(str(path), f"cannot be read ({error})", advice)]) from None
    return load(text, str(path))


def configured_schedule(dag_file: str) -> str:
    """The schedule of the config, for the DAG file; hourly if it is wrong, which the first task reports."""
    return schedule_of(_config_path(dag_file))


def _config_path(dag_file: str) -> Path:
    beside = Path(dag_file).with_name("partner_sync.toml")
    return Path(os.environ.get("PARTNER_SYNC_CONFIG") or beside)


NOTE_LENGTH = 1000
"""The most that Airflow's API takes as a note of a run."""


def note_of(context: Context) -> str:
    """The note that a person gave to the run, as plain text; a longer one is cut, and says so.

    It is the param: Airflow 3.3 shows a task no note of its run.
    """
    note = str(context["params"].get("note") or getattr(context["dag_run"], "note", None) or "").strip()
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
