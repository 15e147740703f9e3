"""Every command with examples, exit codes and environment, for `--help` and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES: Mapping[str, str] = {
    "AIRFLOW_CONN_SALESFORCE_DEFAULT": "The Connection to Salesforce. If both Connections are set, no sandbox is used.",
    "AIRFLOW_CONN_ZENDESK_DEFAULT": "The Connection to Zendesk.",
    "ALL": "Set to 1: show all changes, fields, problems and verdicts, not just the first.",
    "COLUMNS": "Width of the output. Default: that of the terminal; 120 columns without a terminal.",
    "CONF": 'The conf of the run, as JSON: {"dry_run": true}.',
    "CONFIG": "The edited config that is rehearsed.",
    "NO_COLOR": "Set to anything: no colors.",
    "PARTNER_SYNC_ARCHIVE": "The archive: a folder or s3://CONN_ID@bucket/prefix. Default: archive in the home.",
    "PARTNER_SYNC_CONFIG": "The config. Default: partner_sync.toml beside the DAG file.",
    "PARTNER_SYNC_HOME": "The folder of all local state. Default: .partner_sync in the checkout.",
    "PORT": "The port of Airflow on 127.0.0.1. Default: 8080, or a free port if 8080 is taken.",
    "RUN": "The run that a rehearsal begins after. Default: the newest complete run.",
}
"""Environment variables that commands and tasks read, to their meaning."""

_SHOWN = ("NO_COLOR", "COLUMNS")
_SYSTEMS = ("AIRFLOW_CONN_SALESFORCE_DEFAULT", "AIRFLOW_CONN_ZENDESK_DEFAULT")
_STOPPED = {129: "hangup", 130: "Ctrl-C", 143: "terminated"}


@dataclass(frozen=True)
class Command:
    """One command. `make` is the target for it, if there is one."""

    typed: str
    does: str
    examples: Mapping[str, str]
    """Command line to what it does."""
    exits: Mapping[int, str]
    variables: tuple[str, ...] = ()
    make: str = ""

    @property
    def help_sections(self) -> dict[str, Mapping[str, str]]:
        """The sections below the options in `--help`, by title."""
        codes = {str(code): meaning for code, meaning in self.exits.items()}
        environment = {name: VARIABLES[name] for name in self.variables}
        parts = {"examples": self.examples, "exit codes": codes, "environment": environment}
        return {title: part for title, part in parts.items() if part}

    @property
    def epilog(self) -> str:
        return "\n\n".join(f"{title}:\n{_listed(part)}" for title, part in self.help_sections.items())


COMMANDS: tuple[Command, ...] = (
    Command(
        typed="python -m partner_sync.local run",
        make="make run",
        does="runs one complete sync in the foreground and prints a summary",
        examples={
            "make run": "against a sandbox on this machine",
            "make run ALL=1": "show every change, not just examples",
            """CONF='{"dry_run": true}' make run""": "show the plan and write nothing",
            """CONF='{"account_ids": ["0014M00001sDiGEQA0"]}' make run""": "write only the changes of this account",
            """CONF='{"approve": ["3f2a91c0de12"]}' make run""": "write the rows of this hold, once",
            """CONF='{"leave": ["3f2a91c0de12"]}' make run""": "leave the rows of this hold as they are",
            """CONF='{"undo": ["scheduled__2026-11-24T03:00:00+00:00"]}' make run""": "put back what this run wrote",
            """CONF='{"withdraw": ["8c1f20aa73be"]}' make run""": "end this decision",
        },
        exits={0: "the run succeeded", 1: "the run failed: the output shows where", 2: "refused: nothing was started"}
        | _STOPPED,
        variables=(
            "CONF",
            "ALL",
            *_SYSTEMS,
            "PARTNER_SYNC_HOME",
            "PARTNER_SYNC_ARCHIVE",
            "PARTNER_SYNC_CONFIG",
            *_SHOWN,
        ),
    ),
    Command(
        typed="python -m partner_sync.local rehearse",
        make="make rehearse",
        does="runs the DAG with an edited config on a sandbox that has the archived snapshots, and prints a summary",
        examples={
            "make rehearse CONFIG=new.toml": "as the next run, after the newest complete run",
            "make rehearse CONFIG=new.toml ALL=1": "show every change, not just examples",
            "make rehearse CONFIG=new.toml RUN='scheduled__2026-11-24T03:00:00+00:00'": "after another run",
        },
        exits={
            0: "the run succeeded",
            1: "the run failed, or is red because it holds changes: the output shows where",
            2: "refused: a config with errors, which are listed, or a run that the archive does not have whole",
        }
        | _STOPPED,
        variables=("CONFIG", "RUN", "ALL", "PARTNER_SYNC_HOME", "PARTNER_SYNC_ARCHIVE", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.local up",
        make="make up",
        does="runs the full Airflow on 127.0.0.1 until Ctrl-C",
        examples={"make up": "with the sandbox; prints the address and the login", "PORT=8090 make up": "on port 8090"},
        exits={1: "a component ended by itself", 2: "refused: nothing was started"} | _STOPPED,
        variables=("PORT", *_SYSTEMS, "PARTNER_SYNC_HOME", "PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_CONFIG", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.local airflow",
        make="make airflow",
        does="runs Airflow's command line on the local home",
        examples={
            "make airflow ARGS='dags list'": "the DAGs",
            "make airflow ARGS='dags list-runs partner_sync'": "all runs, including those of make run",
        },
        exits={0: "as Airflow's command exits", 2: "refused: there is no local Airflow yet"},
        variables=(*_SYSTEMS, "PARTNER_SYNC_HOME", "PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_CONFIG"),
    ),
    Command(
        typed="python -m partner_sync.local clean",
        make="make clean",
        does="removes all local state, including the sandbox's",
        examples={"make clean": "start over"},
        exits={0: "removed, or nothing to remove", 2: "refused: the home is in use or holds other files"},
        variables=("PARTNER_SYNC_HOME",),
    ),
    Command(
        typed="python -m partner_sync.sandbox",
        does="imitates Salesforce and Zendesk: HTTP on 127.0.0.1, stateful, with faults on demand",
        examples={
            "python -m partner_sync.sandbox": "60 accounts and 400 organizations, in memory",
            "python -m partner_sync.sandbox --state world.sqlite": "the same, kept in a file",
            "python -m partner_sync.sandbox --accounts 5000 --organizations 100000": "a large world",
        },
        exits={0: "stopped by a signal", 1: "cannot start", 2: "wrong arguments"},
    ),
    Command(
        typed="python -m partner_sync.why",
        does="shows why an organization has its values: its state, its last writes and its history",
        examples={
            'python -m partner_sync.why "Nimbus Systems"': "by its name or a part of it",
            "python -m partner_sync.why 0014M00001sDiGEQA0": "by the account id, 15 or 18 characters",
            "python -m partner_sync.why 31000000025208 --json": "by the organization id, as JSON",
        },
        exits={
            0: "shown",
            1: "nothing was found",
            2: "wrong arguments, or the archive is not usable",
            3: "several match: they are listed",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.decisions",
        does="lists the decisions in force and the rows that rest: by whom, until when, and how to withdraw them",
        examples={
            "python -m partner_sync.decisions": "approvals not used yet, what is left or undone, and what rests",
            "python -m partner_sync.decisions --json": "the same as JSON",
        },
        exits={0: "listed", 2: "wrong arguments, or the archive is not usable"},
        variables=("PARTNER_SYNC_ARCHIVE", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.history",
        does="updates the index of the archive; the page and the command why also do this when they need it",
        examples={
            "python -m partner_sync.history": "read all new objects of the archive",
            "python -m partner_sync.history --rebuild": "delete the index and build it again",
        },
        exits={0: "the index is up to date", 2: "wrong arguments, or the archive is not usable"},
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync.preview",
        does="shows which planned changes an edited config adds, removes and changes, from archived snapshots",
        examples={
            "python -m partner_sync.preview --config new.toml": "compared with the newest complete run",
            "python -m partner_sync.preview --config new.toml --names": "with names and values, for your eyes only",
            "python -m partner_sync.preview --config new.toml --format markdown": "for a pull request",
        },
        exits={
            0: "nothing changes",
            1: "wrong arguments, a config with errors, or a run that the archive does not have whole",
            2: "something changes, or may change",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync.replay",
        does="makes the plan of a run again from the archive, and compares it with the archived plan",
        examples={
            "python -m partner_sync.replay scheduled__2026-11-24T03:00:00+00:00": "after an upgrade: the same plan?",
        },
        exits={
            0: "the same plan",
            1: "another plan: the differences are listed",
            2: "wrong arguments, an unknown run, or one that the archive does not have whole",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync.retention",
        does="lists old runs, alarms and XCom objects; with --delete, removes them",
        examples={
            "python -m partner_sync.retention": "list them, remove nothing",
            "python -m partner_sync.retention --days 30 --keep-runs 200": "with other limits",
            "python -m partner_sync.retention --delete": "remove them",
        },
        exits={
            0: "listed or removed",
            1: "some objects could not be removed: they are listed",
            2: "wrong arguments, or a location that cannot be found",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync",
        does="lists these commands; with fields, lists the fields that a config needs in Salesforce and Zendesk",
        examples={
            "python -m partner_sync": "all commands",
            "python -m partner_sync fields": "required fields of the config",
            "python -m partner_sync fields --config other.toml": "required fields of another config",
        },
        exits={0: "shown", 2: "wrong arguments, or a config with errors: they are listed"},
        variables=("PARTNER_SYNC_CONFIG", *_SHOWN),
    ),
)


def command(typed: str) -> Command:
    """The command with this command line."""
    return next(command for command in COMMANDS if command.typed == typed)


def _listed(part: Mapping[str, str]) -> str:
    """Two columns if the first is short; otherwise the meaning goes on its own line."""
    width = max(map(len, part))
    if width > 40:
        return "\n".join(f"  {name}\n      {meaning}" for name, meaning in part.items())
    return "\n".join(f"  {name:<{width}}  {meaning}" for name, meaning in part.items())
