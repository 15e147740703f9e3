"""Creates, migrates and cleans Airflow's metadata database. Import it only where Airflow's environment is set.

Run as a program, it prepares the database for `make up`: `python -m partner_sync.local.database paused|active`.
"""

from __future__ import annotations

import sys

from airflow.configuration import write_default_airflow_configuration_if_needed
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from partner_sync.orchestration.locations import DAG_ID


def prepare() -> None:
    """Creates or migrates the database, in about a second, and ends interrupted runs."""
    initdb()
    end_interrupted_runs()


def end_interrupted_runs() -> None:
    """Fails the runs of a stopped `make run`: a scheduler would continue them, and they block other runs."""
    with create_session() as session:
        runs = session.scalars(
            select(DagRun).where(
                DagRun.dag_id == DAG_ID,
                DagRun.state.in_((DagRunState.RUNNING, DagRunState.QUEUED)),
                DagRun.triggered_by == DagRunTriggeredByType.TEST,
            )
        )
        for run in runs:
            for task in run.get_task_instances(session=session):
                if task.state not in State.finished:
                    task.state = TaskInstanceState.FAILED
            run.state = DagRunState.FAILED


def pause(paused: bool) -> None:
    """Pauses or unpauses the DAG, if Airflow has seen it before."""
    with create_session() as session:
        dag = session.get(DagModel, DAG_ID)
        if dag is not None:
            dag.is_paused = paused


if __name__ == "__main__":
    # Components that start side by side would each make a key of their own, and could not read each other's triggers.
    write_default_airflow_configuration_if_needed()
    prepare()
    pause(sys.argv[1] == "paused")
