"""Compares two snapshots and archives what the plan is made from, so that `partner_sync.replay` can make it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from partner_sync.archive.replay_store import put_config, put_inputs, put_rules
from partner_sync.compare.inputs import PlanInputs, RecordedQuestions, without_rows
from partner_sync.compare.plan import compare_snapshots
from partner_sync.compare.snapshots import match_snapshots
from partner_sync.config.rules import rules_text

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.compare.plan import ComparedRun, Comparison, Questions
    from partner_sync.compare.snapshots import MatchedSnapshots
    from partner_sync.config.load import Config
    from partner_sync.model import AccountsSnapshot, Organization, OrganizationsSnapshot

ReadAdopted = Callable[["MatchedSnapshots"], Mapping[str, Iterable["Organization"]]]


def compare_recorded(
    archive: Archive,
    config: Config,
    run: ComparedRun,
    accounts: AccountsSnapshot,
    organizations: OrganizationsSnapshot,
    *,
    ask: Questions,
    read_adopted: ReadAdopted,
) -> Comparison:
    """The comparison of two snapshots; its inputs are in the archive before its plan is."""
    recorded, matched = RecordedQuestions(ask), match_snapshots(config, accounts, organizations)
    adopted = {name: tuple(several) for name, several in read_adopted(matched).items()}
    comparison = compare_snapshots(matched.with_read(adopted), run, recorded.questions)
    inputs = PlanInputs(
        config_digest=config.digest,
        run=run,
        accounts=replace(accounts, rows=()),
        organizations=without_rows(organizations),
        adopted=adopted,
        answers=recorded.answers,
        rules=comparison.rules,
    )
    put_config(archive.root, config.digest, config.text)
    put_rules(archive.root, comparison.rules, rules_text(config))
    put_inputs(archive.root, comparison.plan.id, inputs)
    return comparison
