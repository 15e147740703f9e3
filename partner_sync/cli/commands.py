"""Every command with examples, exit codes and environment, for `--help` and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES: Mapping[str, str] = {
    "AIRFLOW_CONN_SALESFORCE_DEFAULT": "The Connection to Salesforce. Both are set: real systems, no sandbox.",
    "AIRFLOW_CONN_ZENDESK_DEFAULT": "The Connection to Zendesk.",
    "ALL": "Set to 1: show all changes, fields, problems and verdicts, not just the first.",
    "COLUMNS": "Width of what is shown where it is no terminal; 120 without.",
    "CONF": 'Conf of the run, as JSON: {"dry_run": true}.',
    "NO_COLOR": "Set to anything: no colours.",
    "PARTNER_SYNC_ARCHIVE": "The archive: a folder, or s3://CONN_ID@bucket/prefix. Default: archive in the home.",
    "PARTNER_SYNC_CONFIG": "The config. Default: partner_sync.toml beside the DAG file.",
    "PARTNER_SYNC_HOME": "The folder of all local state. Default: .partner_sync in the checkout.",
    "PORT": "Port of Airflow on 127.0.0.1. Default: 8080, or any free one.",
}
"""Environment variables that commands and tasks read, with what they say."""

_SHOWN = ("NO_COLOR", "COLUMNS")
_SYSTEMS = ("AIRFLOW_CONN_SALESFORCE_DEFAULT", "AIRFLOW_CONN_ZENDESK_DEFAULT")
_STOPPED = {129: "hung up", 130: "Ctrl-C", 143: "terminated"}


@dataclass(frozen=True)
class Command:
    """One command; `make` says the same shorter, where there is such a target."""

    typed: str
    does: str
    examples: Mapping[str, str]
    """What to type to what it does."""
    exits: Mapping[int, str]
    variables: tuple[str, ...] = ()
    make: str = ""

    @property
    def told(self) -> dict[str, Mapping[str, str]]:
        """What stands below the options in `--help`, by its title."""
        codes = {str(code): meaning for code, meaning in self.exits.items()}
        environment = {name: VARIABLES[name] for name in self.variables}
        parts = {"examples": self.examples, "exit codes": codes, "environment": environment}
        return {title: part for title, part in parts.items() if part}

    @property
    def epilog(self) -> str:
        return "\n\n".join(f"{title}:\n{_listed(part)}" for title, part in self.told.items())


COMMANDS: tuple[Command, ...] = (
    Command(
        typed="python -m partner_sync.local run",
        make="make run",
        does="one complete sync in the foreground, and what came of it",
        examples={
            "make run": "against the sandbox, which it starts",
            "make run ALL=1": "show every change, not just examples",
            """CONF='{"dry_run": true}' make run""": "show the plan, write nothing",
            """CONF='{"account_ids": ["0014M00001sDiGEQA0"]}' make run""": "write changes of this account only",
        },
        exits={0: "the run succeeded", 1: "it failed: the output says where", 2: "refused, nothing was started"}
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
        typed="python -m partner_sync.local up",
        make="make up",
        does="the full Airflow on 127.0.0.1, until Ctrl-C",
        examples={"make up": "with the sandbox; prints address and login", "PORT=8090 make up": "on this port"},
        exits={1: "a part of it ended by itself", 2: "refused, nothing was started"} | _STOPPED,
        variables=("PORT", *_SYSTEMS, "PARTNER_SYNC_HOME", "PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_CONFIG", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.local airflow",
        make="make airflow",
        does="Airflow's command line on the local home",
        examples={
            "make airflow ARGS='dags list'": "the DAGs",
            "make airflow ARGS='dags list-runs partner_sync'": "the runs, those of make run included",
        },
        exits={0: "as Airflow's command exits", 2: "refused: there is no local Airflow yet"},
        variables=(*_SYSTEMS, "PARTNER_SYNC_HOME", "PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_CONFIG"),
    ),
    Command(
        typed="python -m partner_sync.local clean",
        make="make clean",
        does="removes all local state, the sandbox's included",
        examples={"make clean": "start over"},
        exits={0: "removed, or there was nothing", 2: "refused: in use, or not ours"},
        variables=("PARTNER_SYNC_HOME",),
    ),
    Command(
        typed="python -m partner_sync.sandbox",
        does="a Salesforce and a Zendesk to try: HTTP on 127.0.0.1, stateful, with faults on demand",
        examples={
            "python -m partner_sync.sandbox": "the world of 60 accounts and 400 organizations, in memory",
            "python -m partner_sync.sandbox --state world.sqlite": "the same, kept in a file",
            "python -m partner_sync.sandbox --accounts 5000 --organizations 100000": "a large one",
        },
        exits={0: "stopped by a signal", 1: "cannot start", 2: "wrong arguments"},
    ),
    Command(
        typed="python -m partner_sync.why",
        does="why an organization is as it is: how it stands, what was last written, and all that happened",
        examples={
            'python -m partner_sync.why "Nimbus Systems"': "by its name, or a part of it",
            "python -m partner_sync.why 0014M00001sDiGEQA0": "by the account's id, 15 or 18 characters",
            "python -m partner_sync.why 31000000025208 --json": "by Zendesk's id, as data",
        },
        exits={
            0: "told",
            1: "nothing was found",
            2: "wrong arguments, or the archive is not usable",
            3: "several fit; they are listed",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME", *_SHOWN),
    ),
    Command(
        typed="python -m partner_sync.history",
        does="brings the index of the archive up to date; nobody has to, since whoever asks it does so",
        examples={
            "python -m partner_sync.history": "read what is new, everywhere in the archive",
            "python -m partner_sync.history --rebuild": "throw the index away, and build it anew",
        },
        exits={0: "the index is up to date", 2: "wrong arguments, or the archive is not usable"},
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync.retention",
        does="shows what is old in the archive and the XCom objects; with --delete, removes it",
        examples={
            "python -m partner_sync.retention": "show, remove nothing",
            "python -m partner_sync.retention --days 30 --keep-runs 200": "other ages",
            "python -m partner_sync.retention --delete": "remove it",
        },
        exits={
            0: "done, or shown",
            1: "something could not be removed; it is named",
            2: "wrong arguments, or a store that cannot be found",
        },
        variables=("PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"),
    ),
    Command(
        typed="python -m partner_sync",
        does="lists these commands; with fields, the fields that Salesforce must show and Zendesk must have",
        examples={
            "python -m partner_sync": "all commands",
            "python -m partner_sync fields": "required fields of the config",
            "python -m partner_sync fields --config other.toml": "required fields of another config",
        },
        exits={0: "shown", 2: "wrong arguments, or a config with errors, all of which are named"},
        variables=("PARTNER_SYNC_CONFIG", *_SHOWN),
    ),
)


def command(typed: str) -> Command:
    """The command that is typed like this."""
    return next(one for one in COMMANDS if one.typed == typed)


def _listed(part: Mapping[str, str]) -> str:
    """Two columns where the first is short; else what it means on a line of its own."""
    width = max(map(len, part))
    if width > 40:
        return "\n".join(f"  {name}\n      {meaning}" for name, meaning in part.items())
    return "\n".join(f"  {name:<{width}}  {meaning}" for name, meaning in part.items())
