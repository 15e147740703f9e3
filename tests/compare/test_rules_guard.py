"""The guard of changed rules: what an edit of the config alone causes is held above its limit, until it is accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.evidence import AccountLookup
from partner_sync.config.limits import Limit
from partner_sync.config.load import Config
from partner_sync.config.settings import Attribute
from tests.compare.builders import an_account, an_id, an_organization, changed
from tests.compare.runs import Runs, held, limited, written

NOTHING = limited(rules=Limit(max_count=0))
"""Nothing that changed rules cause is written."""
TWO = limited(rules=Limit(max_count=2))


def attribute(config: Config, of: str, /, **changes: object) -> Config:
    """The config with an attribute changed."""
    return replace(
        config,
        attributes=tuple(replace(one, **changes) if one.field == of else one for one in config.attributes),
    )


def owner_from_manager(config: Config) -> Config:
    """The owner is filled from the account manager: all partners here have other values there."""
    return attribute(config, "account_owner", source="Technical_Account_Manager_Name__c")


def filtered(config: Config, **lines: str | tuple[str, ...]) -> Config:
    return replace(config, accounts=replace(config.accounts, filter={**config.accounts.filter, **lines}))


def partners(several: int, config: Config = NOTHING) -> Runs:
    """So many partners that are in sync, after a first run."""
    rows = [an_account(number) for number in range(1, several + 1)]
    runs = Runs(config=config, rows=rows, organizations=[an_organization(one) for one in range(2, several + 1)])
    runs.organizations.sort(key=lambda one: one.id)
    plan = runs.run()
    assert ([], []) == (written(plan), held(plan))
    return runs


# -- what is caused by the rules ----------------------------------------------------------------------------


def test_a_first_run_has_no_rules_to_compare_with() -> None:
    runs = Runs(config=NOTHING, rows=[an_account(1, Name="New Name")])
    assert [("update", 101)] == written(runs.run())


def test_rows_that_an_edit_alone_causes_are_held_and_others_are_written() -> None:
    runs = partners(3)
    runs.rows[0] = an_account(1, Support_Hold__c=True)
    runs.rows[1] = an_account(2, Technical_Account_Manager_Name__c="A. Ortiz")
    runs.organizations[1] = an_organization(2, technical_account_manager="A. Ortiz", support_hold=True)
    runs.config = owner_from_manager(NOTHING)
    plan = runs.run()
    assert [("update", "rules", 2)] == held(plan)
    assert [("update", 102)] == written(plan), "its owner is the same by both rules"
    (hold,) = plan.holds
    assert {"account_owner": ("A. Ortiz", "T. Abe"), "support_hold": (False, True)} == changed(hold.changes[0])
    assert "2 updates in global held for review: the changed config alone causes 2 rows (67 % of 3)" in hold.why


def test_up_to_the_limit_they_are_written_and_the_rules_are_accepted() -> None:
    runs = partners(2, TWO)
    runs.config = owner_from_manager(TWO)
    plan = runs.run()
    assert ([("update", 101), ("update", 102)], []) == (written(plan), held(plan))
    accepted = runs.memory.accepted_rules
    runs.organizations = [an_organization(1), an_organization(2)]
    assert 2 == len(runs.run().changes), "what was not confirmed is planned again, without the guard"
    assert accepted == runs.memory.accepted_rules == runs.memory.rules


def test_the_limit_is_a_part_of_all_partner_organizations_marked_ones_too() -> None:
    five_percent = limited(rules=Limit(floor=1, max_percent=50))
    runs = partners(4, five_percent)
    runs.organizations[2:] = [an_organization(one, mark_for_deletion=True) for one in (3, 4)]
    runs.rows = runs.rows[:2]
    runs.config = owner_from_manager(five_percent)
    plan = runs.run()
    assert (2, []) == (len(plan.changes), held(plan))


def test_a_setting_that_is_no_rule_changes_nothing() -> None:
    runs = partners(3)
    runs.rows[0] = an_account(1, Support_Hold__c=True)
    runs.config = replace(NOTHING, problems="fail", digest="another text")
    assert [("update", 101)] == written(runs.run())


# -- until it is accepted -----------------------------------------------------------------------------------


def test_held_rows_stay_held_until_all_are_decided_and_then_the_rules_are_accepted() -> None:
    runs = partners(3)
    runs.config = owner_from_manager(NOTHING)
    first = runs.run()
    (hold,) = first.holds
    assert (True, 3) == (hold.opens_case, hold.rows)
    again = runs.run()
    assert (False, hold.id) == (again.holds[0].opens_case, again.holds[0].id)
    runs.approve(hold, [an_id(1), an_id(2)])
    some = runs.run()
    assert ([("update", 101), ("update", 102)], [("update", "rules", 1)]) == (written(some), held(some))
    runs.apply(some)
    assert [("update", "rules", 1)] == held(runs.run())
    before = runs.memory.accepted_rules
    runs.approve(hold, [an_id(3)])
    last = runs.run()
    assert ([("update", 103)], []) == (written(last), held(last))
    assert before != runs.memory.accepted_rules == runs.memory.rules


def test_an_edit_that_is_taken_back_holds_nothing() -> None:
    runs = partners(3)
    runs.config = owner_from_manager(NOTHING)
    assert [("update", "rules", 3)] == held(runs.run())
    runs.config = NOTHING
    plan = runs.run()
    assert ([], []) == (written(plan), held(plan))


def test_a_second_edit_is_compared_with_the_rules_that_were_accepted() -> None:
    runs = partners(3)
    runs.config = owner_from_manager(NOTHING)
    runs.run()
    runs.config = attribute(runs.config, "technical_account_manager", source="Account_Owner_Calc__c")
    (hold,) = runs.run().holds
    assert {"account_owner", "technical_account_manager"} == set(changed(hold.changes[0]))


def test_rules_that_the_archive_lost_cause_everything() -> None:
    runs = partners(3)
    runs.rows[0] = an_account(1, Support_Hold__c=True)
    runs.config = owner_from_manager(NOTHING)
    runs.rules.clear()
    assert [("update", "rules", 3)] == held(runs.run())


# -- before an instance is armed ----------------------------------------------------------------------------


def test_before_an_instance_is_armed_nothing_is_held_and_what_arms_it_accepts_the_rules_of_the_last_plan() -> None:
    runs = partners(3)
    runs = Runs(config=NOTHING, rows=runs.rows, organizations=runs.organizations[1:], armed=False)
    runs.run()
    runs.config = owner_from_manager(NOTHING)
    assert (3, []) == (len((plan := runs.run()).changes), held(plan))
    runs.armed = True
    assert (3, []) == (len((plan := runs.run()).changes), held(plan))


def test_an_edit_after_the_last_plan_that_people_saw_is_held_by_the_run_that_arms() -> None:
    runs = partners(3)
    runs = Runs(config=NOTHING, rows=runs.rows, organizations=runs.organizations[1:], armed=False)
    runs.run()
    runs.config, runs.armed = owner_from_manager(NOTHING), True
    assert [("update", "rules", 3)] == held(runs.run())


def test_an_instance_that_is_not_armed_any_more_keeps_the_rules_that_it_accepted() -> None:
    runs = partners(3)
    accepted = runs.memory.accepted_rules
    runs.armed, runs.config = False, owner_from_manager(NOTHING)
    assert [("update", "rules", 3)] == held(runs.run())
    assert accepted == runs.memory.accepted_rules


# -- the filter ---------------------------------------------------------------------------------------------


def looked_up(**fields: object):
    """A Salesforce that has a record of every missing account."""
    return lambda ids: AccountLookup(
        frozenset(ids), {one: {**an_account(1, **fields), "Account_ID_18__c": one} for one in ids}
    )


def test_marks_of_a_narrower_filter_are_caused_by_the_rules() -> None:
    runs = partners(3)
    runs.rows, runs.look_up = runs.rows[:1], looked_up()
    runs.config = filtered(NOTHING, Partner_Track__c=("Select",))
    runs.rows[0] = an_account(1, Partner_Track__c="Select")
    runs.organizations[0] = an_organization(1, account_type="select_partner")
    assert [("mark", "rules", 2)] == held(runs.run())


@pytest.mark.parametrize("first", ["in grace", "no answer"])
def test_marks_of_a_narrower_filter_that_come_later_are_held_then(first: str) -> None:
    runs = partners(3)
    runs.rows, answers = runs.rows[:1], looked_up()
    grace = replace(NOTHING.marks, grace_days=2 if first == "in grace" else 0)
    runs.config = filtered(replace(NOTHING, marks=grace), Partner_Track__c=("Select",))
    runs.rows[0] = an_account(1, Partner_Track__c="Select")
    runs.organizations[0] = an_organization(1, account_type="select_partner")
    runs.look_up = answers if first == "in grace" else lambda _: AccountLookup()
    assert ([], []) == (written(plan := runs.run()), held(plan))
    runs.look_up = answers
    later = [runs.run(hours=20) for _ in range(3)][-1]
    assert ([], [("mark", "rules", 2)]) == (written(later), held(later))


def test_a_mark_that_both_filters_want_is_not_caused_by_the_rules() -> None:
    runs = partners(3)
    runs.rows, runs.look_up = runs.rows[:1], looked_up(Type="Customer")
    runs.config = filtered(NOTHING, Partner_Track__c=("Open",))
    assert ([("mark", 102), ("mark", 103)], []) == (written(plan := runs.run()), held(plan))


def test_creates_of_a_wider_filter_are_caused_by_the_rules() -> None:
    runs = partners(3)
    runs.config = filtered(NOTHING, Partner_Track__c=("Open", "Select", "Technology"))
    runs.config = attribute(runs.config, "account_type", options={"open": "open_partner", "technology": "open_partner"})
    runs.rows.append(an_account(4, Partner_Track__c="Technology"))
    assert [("create", "rules", 1)] == held(runs.run())


def test_a_new_partner_is_not_caused_by_rules_that_only_add_a_field_to_it() -> None:
    runs = partners(3)
    added = Attribute("region", "Account_Owner_Calc__c", "text")
    runs.organizations = [replace(one, fields={**one.fields, "region": "A. Ortiz"}) for one in runs.organizations]
    runs.config = replace(NOTHING, attributes=(*NOTHING.attributes, added))
    runs.rows.append(an_account(4))
    assert ([("create", None)], []) == (written(plan := runs.run()), held(plan))


# -- what the rules before cannot compute --------------------------------------------------------------------


def test_a_field_whose_former_source_was_not_read_is_caused_by_the_rules_and_no_other_field_is() -> None:
    runs = partners(3, TWO)
    runs.config = attribute(TWO, "account_owner", source="Owner__c")
    for number in (1, 2, 3):
        row = an_account(number, Owner__c="New Owner", Support_Hold__c=number == 1)
        del row["Account_Owner_Calc__c"]
        runs.rows[number - 1] = row
    assert [("update", "rules", 3)] == held(runs.run())
    runs.rows = [row | {"Owner__c": "A. Ortiz"} for row in runs.rows]
    assert [("update", 101)] == written(runs.run()), "the support hold is wanted by both"


def test_accounts_whose_former_filter_nobody_can_apply_are_caused_by_the_rules() -> None:
    runs = partners(3)
    lines = {field: value for field, value in NOTHING.accounts.filter.items() if field != "Type"}
    runs.config = replace(NOTHING, accounts=replace(NOTHING.accounts, filter=lines))
    runs.rows = [{key: value for key, value in row.items() if key != "Type"} for row in runs.rows]
    runs.rows[0]["Support_Hold__c"] = True
    assert [("update", "rules", 1)] == held(runs.run())


def test_another_field_of_partner_types_cannot_be_computed_so_everything_is_caused_by_the_rules() -> None:
    runs = partners(3)
    renamed = attribute(NOTHING, "account_type", field="partner_type")
    runs.config = replace(renamed, partners=replace(NOTHING.partners, field="partner_type"))
    runs.organizations = [
        replace(one, fields={**one.fields, "partner_type": "open_partner"}) for one in runs.organizations
    ]
    runs.rows[0] = an_account(1, Support_Hold__c=True)
    assert [("update", "rules", 1)] == held(runs.run())


@pytest.mark.parametrize("types", [("open_partner",), ("open_partner", "select_partner", "alliance_partner", "other")])
def test_other_partner_types_never_stop_a_run(types: tuple[str, ...]) -> None:
    runs = partners(3)
    bare = an_organization(5, account_type="other" if len(types) > 1 else "select_partner", fields=None)
    whole = replace(bare, fields=an_organization(5).fields)
    runs.organizations.append(whole if len(types) > 1 else bare)
    runs.config = replace(NOTHING, partners=replace(NOTHING.partners, values=types))
    marks = [("mark", "rules", 1)] if len(types) > 1 else []
    assert marks == held(runs.run())
