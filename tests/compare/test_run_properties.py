"""What holds of several runs in a row, whatever the data, the answers of Salesforce and Zendesk, and the approvals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from partner_sync.compare.change_keys import change_keys
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.limits import LIMIT_NAMES, Limit
from partner_sync.model import COUNT_REASONS, Change, Mark
from tests.compare.builders import an_account, an_id
from tests.compare.runs import Runs
from tests.compare.test_properties import IDS, World, many, plan_for, worlds
from tests.compare.test_rules_guard import filtered, owner_from_manager

Keys = tuple[str, ...]


def keys_but_of_marks(changes: Iterable[Change]) -> set[Keys]:
    return {change_keys(one) for one in changes if not isinstance(one, Mark)}


class Answers:
    """Salesforce and Zendesk as they may answer; `asked` are the accounts that were asked about in the newest run."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.asked: set[str] = set()

    def look_up(self, ids: Sequence[str]) -> AccountLookup:
        answered = [one for one in ids if self.draw(st.sampled_from([True, True, True, False]))]
        rows = {one: self.draw(st.sampled_from(RECORDS)) for one in answered}
        self.asked.update(answered)
        return AccountLookup(frozenset(answered), {key: row for key, row in rows.items() if row is not None})

    def count_tickets(self, asked: Sequence[Question]) -> TicketCounts:
        return TicketCounts({one: TicketCount(self.draw(st.integers(0, 1)), 0) for one in asked})


RECORDS = [{"IsDeleted": True}, {"IsDeleted": True, "MasterRecordId": an_id(1)}, an_account(1, Type="Customer"), None]
few = st.builds(
    lambda limits: {name: Limit(max_count=count) for name, count in limits.items()},
    st.dictionaries(st.sampled_from(LIMIT_NAMES), st.integers(0, 2)),
)


EDITS = {
    "another source": lambda config: owner_from_manager(config),
    "narrower": lambda config: filtered(config, Partner_Track__c=("Open",)),
    "another line": lambda config: filtered(config, Account_Risk_Level__c=("Low",)),
    "another adoption": lambda config: replace(config, adoption="problem" if config.adoption == "update" else "update"),
    "fewer types": lambda config: replace(config, partners=replace(config.partners, values=("open_partner",))),
    "no pinned account": lambda config: replace(config, accounts=replace(config.accounts, pinned=())),
    "merged": lambda config: replace(config, marks=replace(config.marks, merged="mark")),
}


@many
@given(worlds, st.sampled_from(sorted(EDITS)), st.booleans(), st.data())
def test_changed_rules_hold_what_they_alone_cause_and_change_no_row(
    world: World, edit: str, back: bool, data: st.DataObject
) -> None:
    """The first run is by the rules before, and remembers no more than these."""
    config, rows, organizations = world
    strict = replace(config, limits={"rules": Limit(max_count=0)})
    before, after = (EDITS[edit](strict), strict) if back else (strict, EDITS[edit](strict))
    runs = Runs(config=before, rows=rows)
    runs.organizations = list(organizations)
    runs.run()
    runs.memory = replace(runs.memory, missing=(), held=(), cases=(), streaks=())
    records = {one: data.draw(st.sampled_from(RECORDS)) for one in IDS}
    runs.look_up = lambda ids: AccountLookup(
        frozenset(ids), {one: records[one] for one in ids if records.get(one) is not None}
    )
    runs.config = after
    plan = runs.run()
    alone = Runs(config=after, rows=rows, look_up=runs.look_up, now=runs.now)
    alone.organizations = list(organizations)
    without = alone.run(hours=0)
    rows_of = [{change_keys(one) for one in (*found.changes, *found.withheld_changes)} for found in (plan, without)]
    assert rows_of[0] == rows_of[1]
    former = Runs(config=before, rows=rows, look_up=runs.look_up, now=runs.now)
    former.organizations = list(organizations)
    wanted = former.run(hours=0)
    known = {key for one in (*wanted.changes, *wanted.withheld_changes) for key in change_keys(one)}
    for one in plan.changes:
        keys = set(change_keys(one))
        assert keys <= known or (one.kind == "create" and keys & known)


@many
@given(worlds, few, st.data())
def test_over_several_runs_marks_have_evidence_and_only_approved_rows_leave_their_holds(
    world: World, limits: dict, data: st.DataObject
) -> None:
    config, rows, organizations = world
    answers = Answers(data.draw)
    runs = Runs(config=replace(config, limits=limits), rows=rows, look_up=answers.look_up)
    runs.organizations, runs.count_tickets = list(organizations), answers.count_tickets
    on_hold: set[Keys] = set()
    approved: dict[Keys, set[str]] = {}
    for _ in range(4):
        answers.asked.clear()
        plan = runs.run(hours=data.draw(st.sampled_from([0.25, 1, 30])))
        written = [change_keys(one) for one in plan.changes]
        withheld = [change_keys(one) for one in plan.withheld_changes]
        assert len({*written, *withheld}) == len(written) + len(withheld)
        assert {one.account_id for one in plan.changes if isinstance(one, Mark)} <= answers.asked
        assert keys_but_of_marks([*plan.changes, *plan.withheld_changes]) == keys_but_of_marks(plan_for(world).changes)
        assert all((keys in approved) == bool(plan.approvals.get(at)) for at, keys in enumerate(written))
        assert {keys for keys in written if keys in on_hold} <= approved.keys()
        counted = [one for one in plan.holds if one.reason in COUNT_REASONS]
        on_hold |= {change_keys(change) for one in counted for change in one.changes}
        for hold in plan.holds:
            if data.draw(st.booleans()):
                chosen = data.draw(st.sampled_from(hold.changes))
                decision = runs.approve(hold, [chosen.account_id], hours=100)
                for change in hold.changes:
                    if change.account_id == chosen.account_id:
                        approved.setdefault(change_keys(change), set()).add(decision.id)
