"""What holds of every plan, whatever the data: tried on small worlds where everything collides with everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_sync.compare.batches import batches
from partner_sync.compare.name_conflicts import name_key
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.limits import Limit
from partner_sync.config.load import Config
from partner_sync.config.params import Options
from partner_sync.ids import id_18
from partner_sync.model import KINDS, Change, Create, Mark, Organization, Plan, Update
from tests.compare.builders import (
    BYSTANDER,
    CONFIG,
    Row,
    accounts,
    an_account,
    an_id,
    an_instance,
    an_organization,
    applied,
    changed,
    make_plan,
    snapshot,
)

NUMBERS = range(1, 6)
NAMES = ["Acme", "ACME", " acme", "Nimbus", "Kestrel", "Old Harbour", "Zephyr"]
POOL = ["Acme", "Nimbus", "Kestrel", "Old Harbour", "Zephyr", "Lumen"]
IDS = [an_id(number) for number in NUMBERS]
FORMS = [*IDS, *(one[:15] for one in IDS), None, "", "n/a", an_id(1).lower()]
TRACKS = ["Open"] * 6 + ["Select", "select", "Technology", None]
TYPES = ["open_partner"] * 4 + ["select_partner", "customer", None]


def rows_with(ids: list[str | None], names: list[str | None]) -> st.SearchStrategy[Row]:
    return st.builds(
        an_account,
        st.just(1),
        Account_ID_18__c=st.sampled_from(ids),
        Name=st.sampled_from(names),
        Partner_Track__c=st.sampled_from(TRACKS),
        Support_Hold__c=st.booleans(),
    )


rows_ = st.builds(
    lambda well, ill: [*well, *ill],
    st.lists(rows_with(IDS, NAMES), min_size=1, max_size=5, unique_by=lambda row: row["Account_ID_18__c"]),
    st.just([]) | st.lists(rows_with(FORMS, [*NAMES, None]), max_size=2),
)


def organizations_with(ids: list[str | None], external: list[str | None]) -> st.SearchStrategy[Organization]:
    return st.builds(
        an_organization,
        st.just(1),
        name=st.sampled_from(NAMES),
        external_id=st.sampled_from(external),
        salesforce_id=st.sampled_from(ids),
        account_type=st.sampled_from(TYPES),
        mark_for_deletion=st.sampled_from([False, False, None, True]),
        support_hold=st.booleans(),
    )


@st.composite
def organizations_(draw: st.DrawFn) -> list[Organization]:
    """Organizations as Zendesk may hold them: names and external ids are unique whatever their case, ids are not."""
    well = organizations_with(IDS, [None])
    made = draw(st.lists(well, max_size=5, unique_by=(lambda one: name_key(one.name), lambda one: one.salesforce_id)))
    ill = draw(st.just([]) | st.lists(organizations_with(FORMS, [*FORMS, "crm-1"]), max_size=3))
    for one in ill:
        names = {name_key(other.name) for other in made}
        taken = {(other.external_id or "").casefold() for other in made}
        if name_key(one.name) not in names and (not one.external_id or one.external_id.casefold() not in taken):
            made.append(one)
    return [replace(one, id=100 + at) for at, one in enumerate(made)]


@st.composite
def renamings_(draw: st.DrawFn) -> tuple[list[Row], list[Organization]]:
    """Pairs that differ by name only: chains, circles, and some accounts that have no organization yet."""
    have, want = draw(st.permutations(POOL)), draw(st.permutations(POOL))
    numbers = range(draw(st.integers(2, len(POOL))))
    rows = [an_account(number, Name=want[number]) for number in numbers]
    missing = draw(st.sets(st.sampled_from(numbers), max_size=1))
    return rows, [an_organization(number, name=have[number]) for number in numbers if number not in missing]


configs = st.builds(
    lambda adoption, pinned, protected: replace(
        CONFIG,
        adoption=adoption,
        accounts=replace(CONFIG.accounts, pinned=pinned),
        marks=replace(CONFIG.marks, protected=protected),
    ),
    st.sampled_from(["update", "problem"]),
    st.sampled_from([(), (an_id(1),)]),
    st.sampled_from([frozenset(), frozenset([an_id(2)])]),
)
worlds = st.builds(lambda config, sides: (config, *sides), configs, st.tuples(rows_, organizations_()) | renamings_())
EXAMPLES = 100
World = tuple[Config, list[Row], list[Organization]]

many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def plan_for(world: World, options: Options | None = None) -> Plan:
    config, rows, organizations = world
    return make_plan(
        config,
        accounts(*rows),
        snapshot(an_instance(*organizations, BYSTANDER)),
        options,
    )


def untold(changes: Iterable[Change]) -> list[Change]:
    """The changes in a fixed order, without tickets: only marks that nothing else holds are asked about."""
    bare = (replace(one, tickets=None, users=None) if isinstance(one, Mark) else one for one in changes)
    return sorted(bare, key=repr)


def assert_unique(organizations: list[Organization]) -> None:
    names = [name_key(one.name) for one in organizations]
    external = [one.external_id.casefold() for one in organizations if one.external_id]
    assert len(set(names)) == len(names)
    assert len(set(external)) == len(external)


@many
@given(worlds)
def test_a_plan_applied_leaves_an_empty_plan_once_waiting_names_are_through(world: World) -> None:
    config, rows, organizations = world
    for _ in range(len(organizations) + 3):
        plan = plan_for((config, rows, organizations))
        if not plan.changes:
            break
        waits = any(problem.kind == "name_waits" for problem in plan.problems)
        organizations = applied(plan.changes, organizations)
        if not waits:
            assert plan_for((config, rows, organizations)).changes == ()
    assert plan_for((config, rows, organizations)).changes == ()
    assert all(problem.kind != "name_waits" for problem in plan_for((config, rows, organizations)).problems)


@many
@given(worlds)
def test_a_name_is_never_held_twice_in_whatever_order_the_changes_are_written(world: World) -> None:
    _, _, organizations = world
    plan = plan_for(world)
    for order in (plan.changes, tuple(reversed(plan.changes))):
        now = organizations
        for change in order:
            now = applied((change,), now)
            assert_unique(now)


@many
@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_the_input_never_matters(world: World, shuffle: object) -> None:
    config, rows, organizations = world
    rows, others = list(rows), list(organizations)
    shuffle.shuffle(rows)
    shuffle.shuffle(others)
    assert plan_for((config, rows, others)) == plan_for(world)


@many
@given(worlds)
def test_nothing_is_marked_that_an_account_or_a_problem_names(world: World) -> None:
    config, rows, organizations = world
    plan = plan_for(world)
    alive = {id_18(row["Account_ID_18__c"]) for row in rows} | set(config.accounts.pinned)
    by_id = {one.id: one for one in organizations}
    named = {number for problem in plan.problems for number in problem.organization_ids}
    named_accounts = {one for problem in plan.problems for one in problem.account_ids}
    for mark in plan.changes:
        if isinstance(mark, Mark):
            organization = by_id[mark.organization_id]
            ids = {id_18(organization.salesforce_id), id_18(organization.external_id)} - {None}
            assert not ids & (alive | set(config.marks.protected))
            assert mark.account_id in ids
            assert mark.account_id not in named_accounts
            assert mark.organization_id not in named
            assert organization.account_type in config.partners.values


@many
@given(worlds)
def test_only_owned_fields_change_and_a_mark_changes_one(world: World) -> None:
    config = world[0]
    owned = {*organization_schema(config).kept, "name"}
    for change in plan_for(world).changes:
        fields = set(changed(change))
        if isinstance(change, Create):
            assert fields <= owned | {"external_id"}
        elif isinstance(change, Update):
            assert fields <= owned
            assert all(one.before != one.after for one in change.fields)
        else:
            assert changed(change) == {"mark_for_deletion": (False, True)}


@many
@given(worlds)
def test_no_organization_and_no_account_is_written_twice(world: World) -> None:
    plan = plan_for(world)
    organizations = [one.organization_id for one in plan.changes if one.organization_id is not None]
    assert len(set(organizations)) == len(organizations)
    written = [one.account_id for one in plan.changes if not isinstance(one, Mark)]
    assert len(set(written)) == len(written)


@many
@given(worlds)
def test_every_account_is_changed_unchanged_or_named_by_a_problem(world: World) -> None:
    _, rows, _ = world
    plan = plan_for(world)
    ids = {one for row in rows if (one := id_18(row["Account_ID_18__c"]))}
    written = {one.account_id for one in plan.changes if not isinstance(one, Mark)}
    named = {one for problem in plan.problems for one in problem.account_ids}
    assert plan.counts["unchanged"] >= len(ids - written - named)


@many
@given(worlds)
def test_every_partner_organization_is_accounted_for(world: World) -> None:
    config, _, organizations = world
    plan = plan_for(world)
    seen = {one.organization_id for one in plan.changes}
    seen |= {number for problem in plan.problems for number in problem.organization_ids}
    alive = {id_18(row["Account_ID_18__c"]) for row in world[1]} | set(config.accounts.pinned)
    alive |= {account_id for problem in plan.problems for account_id in problem.account_ids}
    alive.discard(None)
    lost = [
        one
        for one in organizations
        if one.account_type in config.partners.values
        and one.id not in seen
        and not {id_18(one.salesforce_id), id_18(one.external_id)} & alive
        and (one.external_id or "").casefold() not in {str(account_id).casefold() for account_id in alive}
    ]
    assert len(lost) == sum(plan.counts[key] for key in ("protected", "marked_already", "too_recent"))


@many
@given(worlds, st.sets(st.sampled_from([an_id(number) for number in NUMBERS]), min_size=1))
def test_a_narrowed_plan_is_the_plan_without_the_rest(world: World, asked: set[str]) -> None:
    narrow = plan_for(world, Options(account_ids=tuple(sorted(asked))))
    assert narrow.changes == tuple(one for one in plan_for(world).changes if one.account_id in asked)


@many
@given(worlds, st.dictionaries(st.sampled_from(KINDS), st.integers(0, 3)))
def test_a_kind_is_written_whole_or_withheld_whole(world: World, most: dict) -> None:
    config, rows, organizations = world
    free = plan_for(world)
    limited = replace(config, limits={kind: Limit(max_count=count) for kind, count in most.items()})
    plan = plan_for((limited, rows, organizations))
    assert untold([*plan.changes, *plan.withheld_changes]) == untold(free.changes)
    for kind in KINDS:
        count = sum(one.kind == kind for one in free.changes)
        over = kind in most and count > most[kind]
        assert sum(one.kind == kind for one in plan.withheld_changes) == (count if over else 0)
        assert any(one.kind == kind for one in plan.holds) is over


@many
@given(worlds, st.integers(1, 3))
def test_batches_hold_every_change_once_under_names_of_their_own(world: World, size: int) -> None:
    plan = plan_for(world)
    cut = batches(plan, size)
    assert tuple(change for one in cut for change in one.changes) == plan.changes
    assert len({one.name for one in cut}) == len(cut)
    assert all(len(one.changes) <= size for one in cut)
