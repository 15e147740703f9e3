"""Does all of `compare` once, in a process of its own, and prints seconds of a core and memory as JSON.

That is: map, match, plan, batches, partner states, and every object that the task writes to the archive and the XComs.

    python -m tests.benchmarks.compare_once make FOLDER NUMBER    NUMBER accounts against as many organizations
    python -m tests.benchmarks.compare_once run FOLDER
    python -m tests.benchmarks.compare_once rules FOLDER          the same, after an edit of the config: it plans twice
    python -m tests.benchmarks.compare_once preview FOLDER        the preview of that edit, from an archived run
    python -m tests.benchmarks.compare_once count FOLDER          how many functions it calls: the same every time

One account in a hundred has no organization, one in thirty another owner.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from partner_sync.archive import codec
from partner_sync.archive.archive import Archive
from partner_sync.archive.memory_records import Memory
from partner_sync.archive.records import RunRecord, Trigger
from partner_sync.archive.snapshot_store import save_accounts, save_organizations
from partner_sync.cli.show_effect import main
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.partner_states import partner_states
from partner_sync.compare.plan import ComparedRun, Comparison, Questions
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.load import load
from partner_sync.config.rules import rules_digest, rules_text
from partner_sync.model import (
    AccountsSnapshot,
    InstanceRead,
    Organization,
    OrganizationsSnapshot,
    PlanOrder,
    ReadProof,
)
from partner_sync.orchestration.earlier import remember, remember_holds
from partner_sync.orchestration.recording import compare_recorded
from partner_sync.sandbox import large_world
from tests.benchmarks import memory
from tests.benchmarks.stage import CONFIG

BEGUN = datetime(2026, 11, 24, 3, 0, tzinfo=timezone.utc)
Edit = Callable[[str], str]


def unedited(text: str) -> str:
    return text


def another_owner(text: str) -> str:
    """Fills the owner from another field, so most organizations change."""
    return text.replace('from = "Account_Owner_Calc__c"', 'from = "Technical_Account_Manager_Name__c"')


def another_value(text: str) -> str:
    """Checks a box for one more value, which few accounts have."""
    return text.replace('["Restricted Party"]', '["Restricted Party", "Under Review"]')


def make(folder: Path, number: int) -> dict[str, Any]:
    """Writes the two snapshots of a large world, as the gather tasks would."""
    creates, updates = number // 100, number // 30
    world = large_world(seed=1, accounts=number, organizations=number, creates=creates, updates=updates)
    kept = organization_schema(load(CONFIG.read_text(), "partner_sync.toml")).kept
    rows = tuple(_flat(account) for account in world.accounts)
    found = tuple(_organizations(world.organizations, kept))
    accounts = AccountsSnapshot(BEGUN, BEGUN, ReadProof("Salesforce", number, number, 1, 1), rows)
    read = InstanceRead("global", True, ReadProof("Zendesk global", number, number, 1, 1), found)
    (folder / "accounts.json").write_text(codec.to_json(accounts))
    (folder / "organizations.json").write_text(codec.to_json(OrganizationsSnapshot(BEGUN, BEGUN, (read,))))
    return {"creates": creates, "updates": updates}


def _flat(account: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{key}.Name" if isinstance(value, dict) else key: value["Name"] if isinstance(value, dict) else value
        for key, value in account.items()
    } | ({} if account.get("Solutions_Architect_Lookup__r") else {"Solutions_Architect_Lookup__r.Name": None})


def _organizations(rows: list[dict[str, Any]], kept: tuple[str, ...]) -> Iterator[Organization]:
    for number, row in enumerate(rows):
        fields = row["organization_fields"]
        partner = str(fields.get("account_type")).endswith("_partner")
        yield Organization(
            id=row.get("id", number + 1),
            name=row["name"],
            external_id=row.get("external_id"),
            salesforce_id=fields.get("salesforce_id"),
            account_type=fields.get("account_type"),
            fields={key: fields.get(key) for key in kept} if partner else None,
        )


def run(folder: Path, edit: Edit = unedited) -> dict[str, Any]:
    start, begun = memory.now(), time.process_time()
    accounts = _read(AccountsSnapshot, folder / "accounts.json")
    organizations = _read(OrganizationsSnapshot, folder / "organizations.json")
    loaded, clock = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as archive:
        comparison = _whole_task(accounts, organizations, Archive(Path(archive)), edit)
    took = time.process_time() - loaded, time.perf_counter() - clock, memory.peak() - start
    plan = comparison.plan
    changes = [*plan.changes, *plan.withheld_changes]
    reported = {change.account_id for change in changes if change.kind != "mark"}
    reported |= {account for problem in plan.problems for account in problem.account_ids}
    assert len(reported) + plan.counts["unchanged"] == len(accounts.rows), "an account is lost"
    assert sum(len(batch.changes) for batch in comparison.batches) == len(plan.changes), "a change is lost"
    return {
        "load_seconds": loaded - begun,
        "seconds": took[0],
        "wall_seconds": took[1],
        "megabytes": took[2],
        "changes": len(changes),
        "problems": len(plan.problems),
    }


def preview(folder: Path) -> dict[str, Any]:
    """Everything that the command does after its imports."""
    accounts = _read(AccountsSnapshot, folder / "accounts.json")
    organizations = _read(OrganizationsSnapshot, folder / "organizations.json")
    with tempfile.TemporaryDirectory() as name:
        archive = Archive(Path(name))
        config = load(CONFIG.read_text(), "partner_sync.toml")
        saved = save_accounts(archive.root, accounts.rows, config.accounts.id)
        (read,) = organizations.instances
        digest = save_organizations(archive.root, read.organizations, organization_schema(config).kept)
        reads = replace(organizations, instances=(replace(read, digest=digest),))
        _whole_task(replace(accounts, digest=saved), reads, archive, unedited)
        edited = archive.root / "new.toml"
        edited.write_text(another_owner(CONFIG.read_text()))
        out, err = io.StringIO(), io.StringIO()
        start, clock = time.process_time(), time.perf_counter()
        code = main(["--config", str(edited), "--archive", name, "--format", "markdown"], {}, out, err)
        took = time.process_time() - start, time.perf_counter() - clock
    assert code == 2, err.getvalue()
    return {"seconds": took[0], "wall_seconds": took[1]}


def _whole_task(
    accounts: AccountsSnapshot, organizations: OrganizationsSnapshot, archive: Archive, edit: Edit
) -> Comparison:
    """The order of `tasks.compare`, which needs an Airflow for the rest."""
    shipped, config = (load(text, "partner_sync.toml") for text in (CONFIG.read_text(), edit(CONFIG.read_text())))
    rules = rules_text(shipped)
    memory = Memory(PlanOrder(BEGUN, BEGUN, "o"), "global", "r", BEGUN, accepted_rules=rules_digest(rules))
    comparison = compare_recorded(
        archive,
        config,
        ComparedRun("r", BEGUN, "p", BEGUN, earlier={"global": EarlierRuns(memory)}),
        accounts,
        organizations,
        ask=Questions(_look_up, _count_tickets, rules=lambda _: rules),
        read_adopted=lambda _: {},
    )
    trigger = Trigger("partner_sync", "r", "manual", None, None, BEGUN, {})
    archive.write_run(RunRecord(trigger, {}, comparison.plan))
    remember_holds(archive, comparison.plan)
    for states in partner_states(comparison):
        archive.write_partner_states(states)
    remember(archive, comparison.memories)
    for batch in comparison.batches:
        codec.dump(batch)
    archive.name_latest("global", comparison.plan.order)
    return comparison


def _look_up(ids: Sequence[str]) -> AccountLookup:
    return AccountLookup(frozenset(ids), {one: {"IsDeleted": True} for one in ids})


def _count_tickets(asked: Sequence[Question]) -> TicketCounts:
    return TicketCounts({one: TicketCount(0, 0) for one in asked})


def count(folder: Path) -> dict[str, Any]:
    accounts = _read(AccountsSnapshot, folder / "accounts.json")
    organizations = _read(OrganizationsSnapshot, folder / "organizations.json")
    calls = 0

    def called(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    with tempfile.TemporaryDirectory() as archive:
        sys.setprofile(called)
        _whole_task(accounts, organizations, Archive(Path(archive)), unedited)
        sys.setprofile(None)
    return {"calls": calls}


def _read(cls: type[Any], path: Path) -> Any:
    return codec.from_json(cls, path.read_bytes(), source=path.name, next_step="")


if __name__ == "__main__":
    verb, where = sys.argv[1], Path(sys.argv[2])
    verbs = {
        "make": lambda: make(where, int(sys.argv[3])),
        "run": lambda: run(where),
        "rules": lambda: run(where, another_value),
        "preview": lambda: preview(where),
        "count": lambda: count(where),
    }
    done = verbs[verb]()
    sys.stdout.write(json.dumps(done) + "\n")
