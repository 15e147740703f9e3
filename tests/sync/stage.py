"""Gather, compare and sync visits as the tasks do them, on a real archive and sandbox; only the clock is ours."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import simple_salesforce

from partner_sync.archive.archive import Archive
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Armed
from partner_sync.archive.records import RowVerdict, RunRecord, Trigger
from partner_sync.archive.snapshot_store import save_accounts
from partner_sync.compare.batches import batches
from partner_sync.compare.causes import LastReads
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.plan import ComparedRun, Questions
from partner_sync.compare.snapshots import MatchedSnapshots
from partner_sync.compare.soql import lookup_queries, soql
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.load import Config, load
from partner_sync.config.params import HoldPart, Options
from partner_sync.config.settings import Calls, Sync
from partner_sync.errors import RetryableError
from partner_sync.gather import accounts as salesforce
from partner_sync.gather.changed_read import ReadRequest
from partner_sync.gather.organization_rows import whole
from partner_sync.model import AccountsSnapshot, Batch, Organization, OrganizationsSnapshot, Plan
from partner_sync.orchestration import run_decisions
from partner_sync.orchestration.earlier import earlier_runs, end_decisions, remember, remember_holds
from partner_sync.orchestration.organization_reads import read_instance
from partner_sync.orchestration.questions import last_reads
from partner_sync.orchestration.recording import compare_recorded
from partner_sync.sandbox import Sandbox
from partner_sync.sync.batch import BatchAttempt, Done
from partner_sync.sync.verdicts import OrganizationReader
from partner_sync.sync.waiting import Reschedule
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials
from partner_sync.vendors.zendesk_client import Zendesk
from tests import oracle

TOML = (Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text()
SHIPPED = load(TOML, "partner_sync.toml")
CONFIG = replace(SHIPPED, limits={})
"""The shipped config without its limits: what is held is not what these tests are about."""
CALLS = Calls(connect_seconds=30, read_seconds=30, attempts=1, reserve_percent=0)
"""One attempt for each call: the tests of vendors/ cover the retries of a session."""
SETTINGS = Sync(polling_seconds=0.5)
TIMEOUT = timedelta(minutes=10)
START = datetime(2026, 3, 1, 9, tzinfo=timezone.utc)
SUBMITS = ("create_many", "update_many", "update_alike")
NEVER = 3600.0
ROWS = 3
"""Changes of the worlds that `begin` makes."""

runs = itertools.count(1)
attributed: set[str] = set()
"""All jobs of which the tasks know whose they are: one visit may interrupt another before its submit."""
Begin = Callable[..., "Stage"]


class Killed(BaseException):
    """The worker is killed at this point."""


class Clock:
    """A clock that advances by each sleep, and by a millisecond at every read: no two plans have the same time."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def seconds(self) -> float:
        return self().timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Watch:
    """Runs `act` once, before call number `at` of a task."""

    def __init__(self, at: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self.at, self.act, self.names = at, act, list[str]()

    def before(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at:
            self.act()

    @property
    def hit(self) -> bool:
        return 0 < self.at <= len(self.names)


class Watched:
    """A real object whose method calls are counted."""

    def __init__(self, real: Any, watch: Watch, called: Callable[[str], None] = lambda name: None) -> None:
        self._real, self._watch, self._called = real, watch, called

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._watch.before(name)
            try:
                return value(*args, **kwargs)
            finally:
                self._called(name)

        return call


class Stage:
    """Both systems, an archive and a clock. Its instance is armed."""

    def __init__(self, sandbox: Sandbox, folder: Path, settings: Sync = SETTINGS, config: Config = CONFIG) -> None:
        self.sandbox, self.archive, self.clock, self.settings = sandbox, Archive(folder), Clock(), settings
        self.config, self.schema = config, organization_schema(config)
        self.arm()
        known = sandbox.connections()
        login = {name: known["salesforce"]["extra"][name] for name in ("consumer_key", "consumer_secret", "domain")}
        session = _session("Salesforce", login["domain"], sandbox.salesforce_url, domain="salesforce.com")
        self.salesforce = partial(simple_salesforce.Salesforce, session=session, **login)
        session = _session("Zendesk global", "acme.zendesk.com", sandbox.zendesk_url, clock=self.clock.seconds)
        base_url, extra = "https://acme.zendesk.com", known["zendesk"]["extra"]
        auth = ClientCredentials(session, base_url, extra["client_id"], extra["client_secret"])
        self.zendesk = Zendesk(session, base_url, "global", auth)
        self.before = self.organizations_by_id()
        self.plan_of_job: dict[str, Plan] = {}
        self.submitted: dict[str, datetime] = {}
        """Job to when it was submitted."""
        self.snapshots: Any = None
        self.first: Any = None

    # -- gather and compare

    def accounts(self) -> AccountsSnapshot:
        read = salesforce.read_accounts(self.salesforce(), soql(self.config), now=self.clock, progress=lambda *_: None)
        return replace(read, digest=save_accounts(self.archive.root, read.rows, self.config.accounts.id))

    def organizations(self) -> OrganizationsSnapshot:
        begun = self.clock()
        request = ReadRequest(begun, "run", START, full=True)
        read = read_instance(self.archive, CONFIG.instances[0], self.zendesk, self.schema, request, lambda *_: None)
        return OrganizationsSnapshot(begun, self.clock(), (read,))

    def plan(self, accounts: AccountsSnapshot | None = None, organizations: Any = None, name: bool = True) -> Plan:
        """The plan of two snapshots, read now unless given, remembered and named the newest as `compare` does."""
        run = f"run-{next(runs)}"
        accounts, organizations = accounts or self.accounts(), organizations or self.organizations()
        made = self.clock()
        earlier = {"global": earlier_runs(self.archive, "global", made)}
        found = compare_recorded(
            self.archive,
            self.config,
            ComparedRun(run, START, f"plan-{run}", made, earlier=earlier),
            accounts,
            organizations,
            ask=self.questions,
            read_adopted=self.read_adopted,
        )
        self.keep(found.plan)
        remember_holds(self.archive, found.plan)
        if name:
            remember(self.archive, found.memories)
            end_decisions(self.archive, found.plan, found.ended)
            self.name(found.plan)
        return found.plan

    @property
    def questions(self) -> Questions:
        """Salesforce and Zendesk are asked as the task does."""

        def look_up(ids: Sequence[str]) -> AccountLookup:
            client = self.salesforce()
            found, passing = (
                {row["Account_ID_18__c"]: row for query in queries for row in salesforce.look_up(client, query)}
                for queries in (lookup_queries(self.config, ids), lookup_queries(self.config, ids, passing=True))
            )
            passing = [account for account, row in passing.items() if not row["IsDeleted"]]
            return AccountLookup(frozenset(ids), found, frozenset(passing))

        def count_tickets(asked: Sequence[Question]) -> TicketCounts:
            return TicketCounts(
                {
                    (name, number): TicketCount(self.zendesk.open_tickets(number), self.zendesk.related(number).users)
                    for name, number in asked
                }
            )

        def read_last(_: str, accounts: Collection[str], organizations: Collection[int]) -> LastReads:
            earlier = earlier_runs(self.archive, "global", self.clock.time)
            return last_reads(self.archive, earlier, accounts, organizations)

        return Questions(look_up, count_tickets, last_reads=read_last)

    def arm(self) -> None:
        InstanceMemory(self.archive.root, "global").arm(Armed("global", "ann", self.clock.time, "run-0"))

    def approve(self, hold: str, account: str | None = None) -> None:
        """A person approves a hold, or its row of one account, in a run of their own."""
        self.decide(Options(approve=(HoldPart(hold, account),)))

    def decide(self, asked: Options, by: str = "ann") -> None:
        """A person decides in a run of their own."""
        trigger = Trigger("partner_sync", f"run-{next(runs)}", run_decisions.MANUAL, by, None, self.clock(), {})
        run_decisions.record(self.archive, self.config, asked, trigger, "")

    def read_adopted(self, matched: MatchedSnapshots) -> dict[str, list[Organization]]:
        unread = matched.unread_fields()
        return {name: [self.whole(raw) for raw in self.zendesk.show_many(ids=ids)] for name, ids in unread.items()}

    def whole(self, raw: dict[str, Any]) -> Organization:
        return whole(raw, self.schema)

    def keep(self, plan: Plan) -> None:
        trigger = Trigger("partner_sync", plan.run_id, "scheduled", None, None, START, {})
        self.archive.write_run(RunRecord(trigger, {}, plan))

    def name(self, plan: Plan) -> None:
        self.archive.name_latest("global", plan.order)

    def next_run(self) -> Plan:
        """A whole run, undisturbed."""
        plan = self.plan()
        finish(self, *tasks(self, plan))
        return plan

    # -- what is there

    def end_jobs(self) -> None:
        for job in self.sandbox.jobs():
            if job["status"] in ("queued", "working"):
                self.sandbox.end_job(job["id"])

    def writes(self) -> list[dict[str, Any]]:
        """What our jobs wrote."""
        return [write for write in self.sandbox.writes() if write["by"] == "job"]

    def verdicts(self, plan: Plan) -> list[RowVerdict]:
        return self.archive.verdicts(self.archive.run_folder(plan.run_id, START), plan.id)

    def lines(self, plan: Plan) -> list[RowVerdict]:
        """The verdicts of all tries."""
        return oracle.lines(self.archive.run_folder(plan.run_id, START) / plan.id)

    def organizations_by_id(self) -> dict[int, dict[str, Any]]:
        """Every organization as it is, without its times."""
        return {row["id"]: {**row, "updated_at": None} for row in self.sandbox.organizations()}


def _session(system: str, host: str, endpoint_url: str, **more: Any) -> Session:
    session = Session(system, host, CALLS, endpoint_url=endpoint_url, **more)
    session.trust_env = False  # asked for every call, the environment's proxies take longer than the call
    return session


class Task:
    """One mapped `sync`: visited until it is done, and tried again after kills and retryable errors."""

    def __init__(self, stage: Stage, plan: Plan, batch: Batch, watch: Watch | None = None, tried: int = 0) -> None:
        self.stage, self.plan, self.batch, self.watch = stage, plan, batch, watch or Watch()
        self.tries, self.since = tried + 1, None
        self.due = START
        self.done: Done | None = None
        self.people = 1
        self.failed: list[BaseException] = []

    def visit(self) -> None:
        stage = self.stage
        attributed.update(job["id"] for job in stage.sandbox.jobs())

        def called(name: str) -> None:
            if name in SUBMITS:
                new = {job["id"] for job in stage.sandbox.jobs()} - attributed
                stage.plan_of_job |= dict.fromkeys(new, self.plan)
                stage.submitted |= dict.fromkeys(new, stage.clock.time)
                attributed.update(new)

        self.since = self.since or stage.clock()
        attempt = BatchAttempt(
            batch=self.batch,
            zendesk=Watched(stage.zendesk, self.watch, called),
            archive=Watched(stage.archive, self.watch),
            settings=stage.settings,
            calls=CALLS,
            reader=OrganizationReader(stage.schema),
            now=stage.clock,
            sleep=stage.clock.sleep,
            run_after=START,
            try_number=self.tries,
            waiting_since=self.since,
            owner_gone_after=TIMEOUT,
            people=self.people,
            monotonic=stage.clock.seconds,
        )
        try:
            outcome = attempt.write()
        except (Killed, RetryableError) as error:
            self.failed.append(error)
            self.tries, self.since, self.due = self.tries + 1, None, stage.clock() + timedelta(seconds=15)
            return
        if isinstance(outcome, Reschedule):
            self.due = outcome.at
        else:
            self.done = outcome


def tasks(stage: Stage, plan: Plan, size: int = 100) -> list[Task]:
    return [Task(stage, plan, batch) for batch in batches(plan, size)]


def task(stage: Stage, plan: Plan, at: int = 0, act: Callable[[], None] = lambda: None) -> Task:
    """The only batch of a plan, disturbed before its call number `at`."""
    (batch,) = batches(plan)
    return Task(stage, plan, batch, Watch(at, act))


def finish(stage: Stage, *tasks: Task, between: Callable[[int], None] | None = None) -> None:
    """Visits the tasks in turn, each when it is due, until all are done; jobs end between two rounds."""
    for number in range(500):
        waiting = [each for each in tasks if each.done is None]
        if not waiting:
            return
        stage.clock.time = max(stage.clock.time, min(each.due for each in waiting))
        for each in waiting:
            if each.due <= stage.clock.time and each.done is None:
                each.visit()
        (between or (lambda _: stage.end_jobs()))(number)
    raise AssertionError(f"not done: {[each.batch.name for each in tasks if each.done is None]}")


def die() -> None:
    raise Killed


def at_every_call(scenario: Callable[[int], Watch]) -> None:
    """Runs a scenario for every call, until there is no call of that number any more."""
    for number in itertools.count(1):
        with told_where(f"struck before call {number}"):
            watch = scenario(number)
        if not watch.hit:
            return


@contextmanager
def told_where(where: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        raise AssertionError(where) from error
