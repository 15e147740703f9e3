"""One cell of the matrix: a run of the real DAG in which something suffers a fault, and what comes after it."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from partner_sync.sandbox import World, large_world
from tests.dag.stage import Run, Stage, staged
from tests.dag.truths import doubles, nothing_open, nothing_stale, nothing_twice, verdicts_true, within_caps
from tests.faults.accesses import Access, ClockOf
from tests.faults.calls import Call
from tests.faults.faults import NEXT_STEP
from tests.faults.internet import SALESFORCE_HOST, internet
from tests.faults.matrix import CLEARED, NEXT, Cell
from tests.faults.processes import Processes
from tests.faults.strikes import struck

TASKS = ("gather_accounts", "gather_organizations", "compare", "sync")
GREEN, TRIED, WAITED = "·", "t", "w"
"""The run ends green at once, or after further tries by Airflow, or without the marks whose question had no answer;
otherwise the sign says how it was mended."""
MARKS = 2
"""How many organizations are marked in the world of a row that marks."""
MOST_ADVICE = 3
"""How often a person does what a message says, and clears, until a run is green."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cell, for the table."""

    row: str
    fault: str
    sign: str
    writes: int
    doubles: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def world(name: str) -> World:
    """The smallest one in which a run does what is to be struck, and holds nothing."""
    if name == "pages":
        return large_world(accounts=3, organizations=104, updates=1)
    numbers = {"create": {"creates": 2, "accounts": 8}, "mark": {"marks": MARKS}, "update": {"updates": 2}}.get(
        name, {"updates": 1}
    )
    return large_world(**{"accounts": 4, "organizations": 7, **numbers})


def perform(cell: Cell, folder: Path, processes: Processes) -> Outcome:
    """Runs the DAG with the fault, lifts it, lets a red run be mended, and looks at everything."""
    begun = time.monotonic()
    with ExitStack() as opened:
        settings = dict(cell.row.settings) if isinstance(cell.row, Call) else {}
        if cell.fault.abroad:
            settings["salesforce_instance_url"] = f"https://{SALESFORCE_HOST}"
        stage = opened.enter_context(staged(folder, world(cell.row.world), **settings))
        network = opened.enter_context(internet(stage.connections, folder)) if cell.fault.abroad else None
        if network:
            stage.connections, stage.environ = network.connections, network.environment
        sign = outcome(cell, stage, processes)
        stage.in_sync()
        nothing_twice(stage)
        nothing_stale(stage)
        nothing_open(stage)
        within_caps(stage)
        if network:
            assert ([], set(network.hosts)) == (network.abroad, network.reached)
        seconds = round(time.monotonic() - begun, 1)
        return Outcome(cell.row.name, cell.fault.name, sign, len(stage.writes()), doubles(stage), seconds)


def outcome(cell: Cell, stage: Stage, processes: Processes) -> str:
    """How the run ended, and how it was mended if it had to be."""
    earlier = prepare(cell, stage)
    run = struck(cell, stage, processes)
    says_what_to_do(run, cell)
    if run.state == "success":
        waiting = MARKS - len(stage.writes()) if isinstance(cell.row, Call) and cell.row.waits else 0
        after = what_waited(stage, waiting) if waiting else next_after(cell, stage)
        red = bool(after.failures)
        after = follow_advice(stage, after) if red else after
        assert "success" == after.state
        assert waiting or cell.fault.how == "clock" or "skipped" == after.tasks["sync"]
        verdicts_true(stage, *earlier, run, after)
        return WAITED if waiting else CLEARED if red else TRIED if run.failures else GREEN
    stage.calm()
    mend = {"killed": CLEARED, "killed after": CLEARED, "killed for good": NEXT, "clock": CLEARED}.get(
        cell.fault.how, cell.mend
    )
    if isinstance(cell.row, Access) and cell.row.again and cell.fault.how == "cut":
        mend = CLEARED  # the next run reads it as well: it has to be moved away
    if mend == CLEARED:
        again = cleared(stage, run) if run.state == "running" else follow_advice(stage, run)
        verdicts_true(stage, *earlier, again)
    else:
        change(stage, "The Newest Owner")
        again = stage.run()
        verdicts_true(stage, *earlier, run, again, killed=run if run.state == "running" else None)
    assert ("success", []) == (again.state, again.failures)
    assert set(again.counts()) <= {"confirmed"}
    return mend


def next_after(cell: Cell, stage: Stage) -> Run:
    """The next run, which has nothing to do; after a wrong clock it has, since that is what such a clock could hold up.

    It may be red where something was damaged that the run before it did not read again.
    """
    if cell.fault.how != "clock":
        after = stage.run()
        assert not after.failures or cell.fault.how == "cut"
        return after
    change(stage, "The Newest Owner")
    after = follow_advice(stage, stage.run())
    assert after.counts().keys() == {"confirmed"}
    return after


def what_waited(stage: Stage, waiting: int) -> Run:
    """The next run asks again, and writes the marks that waited for an answer."""
    after = stage.run()
    assert ([], {"confirmed": waiting}) == (after.failures, after.counts())
    return after


def prepare(cell: Cell, stage: Stage) -> list[Run]:
    """What the world needs beside its rows: an organization of another type, or a run that has been."""
    if cell.row.world == "adopt":
        (account,) = stage.sandbox.cases()["update_owner"]
        (organization,) = stage.sandbox.organizations(salesforce_id=account)
        stage.sandbox.edit(organization["id"], organization_fields={"account_type": "customer"})
    if not cell.row.again:
        return []
    earlier = stage.run()
    change(stage, "A Newer Owner")
    return [earlier]


def says_what_to_do(run: Run, cell: Cell) -> None:
    """The run has ended, and whatever failed in it names the system, the cause and the next step."""
    if cell.fault.how.startswith("killed"):
        assert ("running", []) == (run.state, run.failures)
        return
    assert run.state in ("success", "failed")
    assert run.state == "success" or run.failures
    for name, error in run.failures:
        text = str(error)
        counted = "rows are not confirmed" in text
        assert name in fails(cell), text
        assert counted or re.search(cell.fault.cause, text), text
        assert re.search(NEXT_STEP, text), text
        if isinstance(cell.row, Call):
            assert cell.row.system in text.lower(), text
            assert counted or cell.fault.abroad or cell.row.said in text, text


def fails(cell: Cell) -> tuple[str, ...]:
    """The tasks that may fail of a fault: the struck one, the reader of what is spoilt, who compares times."""
    if isinstance(cell.row, ClockOf):
        return ("compare", "sync")
    if isinstance(cell.row, Access) and cell.fault.how in ("gone", "cut"):
        return (str(cell.row.gone),)
    return (cell.row.task,)


def cleared(stage: Stage, run: Run) -> Run:
    """Clears a run from where it failed."""
    failed = next(name for name in TASKS if run.tasks.get(name, "failed") != "success")
    return stage.clear(run, *TASKS[TASKS.index(failed) :])


def follow_advice(stage: Stage, run: Run) -> Run:
    """Does what the messages of a red run say, and clears what they name, until it is green."""
    for _ in range(MOST_ADVICE):
        if run.state == "success":
            break
        text = str(run.failures[-1][1])
        for path in re.findall(r"remove (\S+/archive/\S+) as well|(\S+/archive/\S+) is not a .* move it away", text):
            Path("".join(path)).unlink()
        named = re.search(r"[Cc]lear (\w+)(?: and \w+)? with downstream", text)
        first = named[1] if named and named[1] in TASKS else next(n for n in TASKS if run.tasks.get(n) != "success")
        run = stage.clear(run, *TASKS[TASKS.index(first) :])
        run.failures[:] = run.failures if run.state != "success" else []
    return run


def change(stage: Stage, owner: str) -> None:
    """Salesforce changes one more time: a value that only a later plan knows."""
    cases = stage.sandbox.cases()
    changing = [*cases.get("create", []), *cases.get("update_owner", [])]
    account = changing[0] if changing else stage.sandbox.accounts()[1]["Id"]
    stage.sandbox.put_account(Id=account, Account_Owner_Calc__c=owner)
