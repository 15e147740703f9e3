"""One cell of the matrix: a run of the real DAG in which one call suffers one fault, and what comes after it."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from partner_sync.sandbox import World, large_world
from tests.dag.stage import Run, Stage, staged
from tests.dag.truths import doubles, nothing_open, nothing_stale, nothing_twice, told_truly, within_caps
from tests.faults.calls import Call
from tests.faults.faults import NEXT_STEP, Fault
from tests.faults.internet import internet
from tests.faults.matrix import CLEARED, Cell

TASKS = ("gather_accounts", "gather_organizations", "compare", "sync")
GREEN, TRIED = "·", "t"
"""The run ends green at once, or after further tries by Airflow; otherwise the sign says how it was mended."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cell, for the table."""

    call: str
    fault: str
    sign: str
    writes: int
    doubles: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def world(name: str) -> World:
    """The smallest one in which a run makes the call."""
    if name == "pages":
        return large_world(accounts=3, organizations=104, updates=1)
    numbers = {"create": {"creates": 2}, "mark": {"marks": 2}, "update": {"updates": 2}}.get(name, {"updates": 1})
    return large_world(accounts=4, organizations=7, **numbers)


def perform(cell: Cell, folder: Path) -> Outcome:
    """Runs the DAG with the fault, lifts it, lets a red run be mended, and looks at everything."""
    begun, call, fault = time.monotonic(), cell.call, cell.fault
    with ExitStack() as opened:
        stage = opened.enter_context(staged(folder, world(call.world), **call.settings))
        stage.config(lambda text: text.replace("settle_seconds = 0.2", "settle_seconds = 0.5"))
        network = opened.enter_context(internet(stage.connections, folder)) if fault.abroad else None
        if network:
            stage.connections, stage.environ = network.connections, network.environment
        if call.world == "adopt":
            adopt(stage)
        struck = Struck(stage, call, fault)
        run = stage.run(after_failure=struck.lift_after_failure)
        struck.lift()
        says_what_to_do(run, call, fault)
        if run.state == "success":
            sign = TRIED if run.failures else GREEN
            after = stage.run()
            assert ("success", "skipped") == (after.state, after.tasks["sync"])
            runs = [run]
        else:
            sign, runs = cell.mend, mended(stage, run, cell.mend)
        stage.in_step()
        nothing_twice(stage)
        nothing_stale(stage)
        nothing_open(stage)
        within_caps(stage)
        told_truly(stage, *runs)
        if network:
            assert ([], set(network.hosts)) == (network.abroad, network.reached)
        seconds = round(time.monotonic() - begun, 1)
        return Outcome(call.name, fault.name, sign, len(stage.writes()), doubles(stage), seconds)


class Struck:
    """A fault in force on a call."""

    def __init__(self, stage: Stage, call: Call, fault: Fault) -> None:
        self._sandbox = stage.sandbox
        self._lasts = fault.submit_lasts if call.form == "submit" else fault.lasts
        times = 1 if self._lasts == "once" else None
        orders = [{"times": times, **order} for order in fault.orders(call)]
        for order in [*({"times": 1, **order} for order in call.also), *orders]:
            self._sandbox.fault(**order)
        if orders[0]["do"] == "refuse" and call.before is None:
            url = self._sandbox.salesforce_url if call.system == "salesforce" else self._sandbox.zendesk_url
            with suppress(HTTPError):
                urlopen(f"{url}/knock", timeout=10)

    def lift_after_failure(self) -> None:
        if self._lasts == "until a task fails":
            self.lift()

    def lift(self) -> None:
        """The fault is over; it has to have been one."""
        assert [] == [fault for fault in self._sandbox.faults() if not fault["hits"]]
        self._sandbox.remove_faults()


def says_what_to_do(run: Run, call: Call, fault: Fault) -> None:
    """The run has ended, and whatever failed in it names the system, the cause and the next step."""
    assert run.state in ("success", "failed")
    assert run.state == "success" or run.failures
    for name, error in run.failures:
        text = str(error)
        assert (call.task, call.system) == (name, call.system if call.system in text.lower() else text)
        assert re.search(f"{fault.cause}|rows are not confirmed", text), text
        assert call.said in text or fault.abroad or "rows are not confirmed" in text, text
        assert re.search(NEXT_STEP, text), text


def mended(stage: Stage, run: Run, how: str) -> list[Run]:
    """The red run is cleared from where it failed, or is left alone and the next one comes, to which all is new."""
    stage.calm()
    if how == CLEARED:
        failed = next(name for name in TASKS if run.tasks.get(name, "failed") != "success")
        again = stage.clear(run, *TASKS[TASKS.index(failed) :])
        runs = [again]
    else:
        changing = [*stage.sandbox.cases().get("create", []), *stage.sandbox.cases().get("update_owner", [])]
        account = changing[0] if changing else stage.sandbox.accounts()[1]["Id"]
        stage.sandbox.put_account(Id=account, Account_Owner_Calc__c="The Newest Owner")
        again = stage.run()
        runs = [run, again]
    assert ("success", []) == (again.state, again.failures)
    assert set(again.counts()) <= {"confirmed"}
    return runs


def adopt(stage: Stage) -> None:
    """The organization that is to be updated was a customer's until now."""
    (account,) = stage.sandbox.cases()["update_owner"]
    (organization,) = stage.sandbox.organizations(salesforce_id=account)
    stage.sandbox.edit(organization["id"], organization_fields={"account_type": "customer"})
