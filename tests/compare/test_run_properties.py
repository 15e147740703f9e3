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
from tests.compare.test_properties import World, many, plan_for, worlds

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
