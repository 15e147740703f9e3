"""Tables of the reference, made from the code: commands, params, changes, counts, problems, verdicts, errors."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import get_args

from docs.generate.config_keys import type_of
from partner_sync import errors
from partner_sync.alerts.deadline import OVERDUE
from partner_sync.alerts.messages import STEPS, TEXTS
from partner_sync.alerts.states import REMINDER
from partner_sync.archive.records import ALARM_CAUSES
from partner_sync.cli.commands import COMMANDS, VARIABLES
from partner_sync.cli.fields import Table, required_fields
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.holds import HeldRows
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.problem_kinds import PROBLEM_KINDS
from partner_sync.config.cross_checks import NEVER_WRITTEN
from partner_sync.config.load import load
from partner_sync.config.params import PARAMS
from partner_sync.model import (
    HOLD_REASONS,
    KINDS,
    FieldChange,
    HoldReason,
    Kind,
    Mark,
    Organization,
    Verdict,
)
from partner_sync.orchestration.tasks import SYNC_TIMEOUT
from partner_sync.vendors.zendesk_auth import TOKEN_SECONDS

SHIPPED = Path(__file__).parents[2] / "dags" / "partner_sync.toml"

CHANGES: Mapping[Kind, tuple[str, str]] = {
    "create": ("An account has no organization.", "The name, `external_id` and all mapped fields."),
    "update": (
        "An organization differs from its account, or people undid a run.",
        "The fields that differ, nothing else.",
    ),
    "mark": (
        "There is evidence that the account of a partner organization is gone.",
        "The checkbox `marks.field` of the config.",
    ),
}
"""Kind of change to when it is planned, and what is written."""


HOLDS: Mapping[HoldReason, tuple[str, str]] = {
    "no_trace": (
        "Salesforce shows no record of the account, and no earlier run saw it deleted or merged.",
        "Search for the account in Salesforce. If it is gone, approve the hold. If it is hidden, let the user of the"
        " Connection see it.",
    ),
    "rules": (
        "Mapping, filter or marks of the config changed, and that alone would change too many organizations, over"
        " `[limits.rules]`.",
        "Compare the changes with the edit. If they are right, approve the hold; if not, take the edit back.",
    ),
    "emptied": (
        "A field would be emptied in too many organizations at once, over `[limits.emptied]`.",
        "Check that the user of the Connection may read the field in Salesforce.",
    ),
    "limit": (
        "More changes of a kind than a run may write, over `[limits.create]`, `[limits.update]` or `[limits.mark]`.",
        "Review the changes. If they are right, approve the hold.",
    ),
    "budget": (
        "More organizations would be marked within 7 days than `max_percent_7_days` of `[limits.mark]` allows.",
        "Find out why so many accounts leave. If the marks are right, approve the hold.",
    ),
    "open_tickets": (
        "The organization of a mark has open tickets, or they are not counted yet.",
        "Nothing: the mark is written when they are solved.",
    ),
}
"""Reason of a hold to what it means, and what to do."""


VERDICT_MEANINGS: Mapping[Verdict, tuple[str, str]] = {
    "confirmed": ("Zendesk shows the desired values.", "Nothing."),
    "rejected": (
        "Zendesk refused the change, or dropped it without an error.",
        "Read Zendesk's message in the archive and fix the cause; the next run plans the change again.",
    ),
    "superseded": (
        "Others changed the organization after the plan, or a newer plan exists; the sync did not overwrite it.",
        "Nothing; the next run compares it again.",
    ),
    "unknown": ("The outcome cannot be determined.", "Check the organization in Zendesk; the next run plans it again."),
}
"""Verdict to what it means, and what to do."""


COUNTED: Mapping[str, str] = {
    "organizations": "Organizations read.",
    "partner_organizations": "Organizations of a partner type.",
    "unchanged": "Organizations that match Salesforce.",
    "create": "Organizations to create.",
    "update": "Organizations to update.",
    "mark": "Organizations to mark.",
    "withheld": "Changes on hold.",
    "left": "Changes that are not written because people left them.",
    "restored": "Updates by which fields go back, because people undid a run.",
    "adopted": "Updates of organizations that had another type before.",
    "unmarked": "Updates that remove a mark because the partner is back.",
    "protected": "Organizations without an account that `marks.protected` lists.",
    "marked_already": "Organizations without an account that are already marked.",
    "too_recent": "Organizations without an account that are too recent for `marks.only_if_older`.",
    "in_grace": "Organizations whose account is not missing for `marks.grace_days` yet.",
    "not_marked": "Organizations without an account that are not marked: there is no evidence, or a problem says why.",
    "mark_undone": "Organizations without an account that are not marked because people undid the mark.",
    "not_asked": "Changes of accounts that `account_ids` leaves out.",
}
"""What a plan counts of each instance, `would_…` and `types` aside."""


def commands() -> list[Table]:
    names = (" or ".join(f"`{name}`" for name in (entry.make, entry.typed) if name) for entry in COMMANDS)
    rows = tuple((name, sentence(entry.does)) for name, entry in zip(names, COMMANDS, strict=True))
    return [Table(("command", "what it does"), rows)]


def environment() -> list[Table]:
    return [Table(("variable", "meaning"), tuple((f"`{name}`", meaning) for name, meaning in VARIABLES.items()))]


def params() -> list[Table]:
    rows = tuple(
        (
            f"`{name}`",
            type_of({**param, "type": param["type"][0]}),
            f"`{json.dumps(param['default'])}`",
            str(param["description"]),
        )
        for name, param in PARAMS.items()
    )
    return [Table(("param", "type", "default", "what it does"), rows)]


def changes() -> list[Table]:
    return [Table(("kind", "when", "what is written"), tuple((f"`{kind}`", *CHANGES[kind]) for kind in KINDS))]


def counts() -> list[Table]:
    """Counts in the log line of `compare`, for the whole run and for each instance."""
    whole = {"accounts": "Accounts read.", "problems": "Problems found."}
    types = {"type:…": "Partner organizations of each type, by its value."}
    would = {f"would_{kind}": f"The same as `{kind}`, for an instance with `write = false`." for kind in KINDS}
    rows = tuple((f"`{name}`", what) for name, what in (whole | dict(COUNTED) | types | would).items())
    return [Table(("count", "what it counts"), rows)]


def problems() -> list[Table]:
    rows = tuple((f"`{name}`", kind.what, kind.advice) for name, kind in PROBLEM_KINDS.items())
    return [Table(("problem", "what it is", "what to do, and what happens until then"), rows)]


def verdicts() -> list[Table]:
    rows = tuple((f"`{name}`", *VERDICT_MEANINGS[name]) for name in get_args(Verdict))
    return [Table(("verdict", "what it means", "what to do"), rows)]


def holds() -> list[Table]:
    rows = tuple((f"`{reason}`", *HOLDS[reason]) for reason in HOLD_REASONS)
    return [Table(("hold", "what it means", "what to do"), rows)]


def failures() -> list[Table]:
    columns = ("error", "what happened", "what to do")
    return [
        Table(columns, tuple(_classes(errors.PermanentError)), "Permanent", "Airflow fails the task at once."),
        Table(
            columns,
            tuple(_classes(errors.RetryableError)),
            "Retryable",
            "Airflow tries again, with a longer delay each time.",
        ),
    ]


def _classes(kind: type[errors.PartnerSyncError]) -> Iterator[tuple[str, str, str]]:
    """A class and all classes below it, with the first sentence of its docstring."""
    yield f"`{kind.__name__}`", first_sentence(inspect.getdoc(kind) or ""), kind.advice
    for narrower in kind.__subclasses__():
        yield from _classes(narrower)


def first_sentence(docstring: str) -> str:
    """The first sentence of a docstring, on one line."""
    text = " ".join(docstring.split("\n\n")[0].split())
    return f"{re.split(r'[.] (?=[A-Z`])', text)[0].rstrip('.')}."


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def times() -> list[Table]:
    """Time limits and retries of the DAG, read from its file, since importing it needs a database."""
    dag = (SHIPPED.parent / "partner_sync_dag.py").read_text(encoding="utf-8")
    tries, tries_of_sync = re.findall(r'"?retries"?[=:] ?(\d+)', dag)
    waits = dict(re.findall(r'(dagrun_timeout|retry_delay|max_retry_delay)"?[=:] ?timedelta\((\w+=\d+)', dag))
    tasks = re.findall(
        r'task_id="(\w+)".*?execution_timeout=(?:timedelta\((\w+=\d+)\)|tasks\.SYNC_TIMEOUT)', dag, re.DOTALL
    )
    rows = [
        ("a whole run", _duration(waits["dagrun_timeout"])),
        *((f"one attempt of `{task}`", _duration(limit) if limit else _of(SYNC_TIMEOUT)) for task, limit in tasks),
        ("further tries of a failed task", f"{tries}; `sync`: {tries_of_sync}"),
        ("first delay before a retry", _duration(waits["retry_delay"])),
        ("a DAG without a successful run, until the alarm", _of(OVERDUE)),
        ("an open alarm without a message, until the reminder", _of(REMINDER)),
        ("an access token of Zendesk", _of(timedelta(seconds=TOKEN_SECONDS))),
    ]
    return [Table(("limit", "value"), tuple(rows))]


def alarms() -> list[Table]:
    rows = tuple((f"`{cause}`", sentence(TEXTS[cause]), sentence(STEPS[cause].rstrip("."))) for cause in ALARM_CAUSES)
    return [Table(("cause", "message", "next step"), rows)]


def _duration(keyword: str) -> str:
    unit, number = keyword.split("=")
    return f"{number} {unit}"


def _of(time: timedelta) -> str:
    minutes = int(time.total_seconds()) // 60
    return f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hours"


def untouched() -> list[Table]:
    rows = tuple((f"`{field}`", sentence(why)) for field, why in NEVER_WRITTEN.items())
    return [Table(("field", "why"), rows)]


def withheld() -> str:
    """The message of a run in which 37 marks of 176 partners are on hold, under the default limits."""
    config = load(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)
    partners = [Organization(number, "", None, None, None) for number in range(176)]
    change = (FieldChange(config.marks.field, before=False, after=True),)
    marks = [Mark("global", "", one.id, one.name, change, "") for one in partners[:37]]
    made = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
    held = HeldRows(config, organization_schema(config), "global", marks, partners, {}, EarlierRuns(), made)
    (hold,) = held.holds()
    return "\n".join(["```text", hold.why, hold.next_step, "```"])


def fields() -> list[Table]:
    """Fields that the shipped config needs."""
    return required_fields(load(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name))
