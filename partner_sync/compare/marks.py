"""From missing accounts and their evidence to marks, problems, and what the next run should know.

A mark needs evidence that its own run asked for. A mark that only waits (no trace, grace, open tickets) is asked about
again after `recheck_minutes`, not in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from partner_sync.archive.memory_records import MissingAccount
from partner_sync.compare.change_keys import mark_keys
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup, AccountRow, evidence_of, shown_evidence
from partner_sync.compare.missing import MissingOrganization, Spared, is_older
from partner_sync.compare.problem_kinds import problem
from partner_sync.config.load import Config
from partner_sync.model import Evidence, FieldChange, HoldReason, Mark, Problem
from partner_sync.whitespace import trimmed

DISAGREE_FLOOR, DISAGREE_PERCENT = 3, 5
"""If a lookup finds more accounts than both that the query should have returned, the query itself is in doubt."""


@dataclass(frozen=True, slots=True)
class DecidedMarks:
    """`waiting` are marks that this run must not write, by organization, and why. `remembered` is for the next run.

    `postponed` are organizations without a mark in this run that are in grace, or whose question had no answer.
    """

    marks: tuple[Mark, ...]
    waiting: Mapping[int, HoldReason]
    problems: tuple[Problem, ...]
    spared: Counter[Spared]
    remembered: tuple[MissingAccount, ...]
    postponed: frozenset[int]


@dataclass(frozen=True)
class MissingAccounts:
    """The missing accounts of one instance, with what earlier runs know of them."""

    config: Config
    instance: str
    missing: Sequence[MissingOrganization]
    earlier: EarlierRuns
    made: datetime

    @cached_property
    def to_ask(self) -> frozenset[str]:
        """The ids of the accounts to look up in this run."""
        return frozenset(one.account_id for one in self.missing if not self._may_wait(one))

    def decide(
        self,
        lookup: AccountLookup,
        last_rows: Mapping[str, AccountRow],
        organization_of: Mapping[str, int],
        partners: int,
    ) -> DecidedMarks:
        """The marks, by what Salesforce reports.

        :param last_rows: account id to the row of the last snapshot
        :param organization_of: account id to its organization, for the winner of a merge
        :param partners: how many partner organizations the instance has
        """
        known = [self._known(one, lookup, last_rows) for one in self.missing]
        unasked = self.to_ask - lookup.asked
        listed = [one for one in known if one.evidence is not None and one.evidence.kind == "listed"]
        disagree = len(listed) > max(DISAGREE_FLOOR, partners * DISAGREE_PERCENT / 100)
        problems = [*self._problems(known, unasked, organization_of), *([self._disagree(listed)] if disagree else [])]
        spared: Counter[Spared] = Counter()
        postponed = set[int]()
        marks: list[Mark] = []
        waiting: dict[int, HoldReason] = {}
        for one, state in zip(self.missing, known, strict=True):
            waits = disagree or state.account_id in unasked
            why = "not_marked" if waits else self._spared(state, lookup)
            if why is not None or state.evidence is None:
                spared[why or "not_marked"] += 1
                if waits or why == "in_grace":
                    postponed.add(one.organization.id)
                continue
            marks.append(self._mark(one, state.evidence, organization_of))
            if (hold := self._waits(state)) is not None:
                waiting[one.organization.id] = hold
        return DecidedMarks(tuple(marks), waiting, tuple(problems), spared, tuple(known), frozenset(postponed))

    def _known(
        self, one: MissingOrganization, lookup: AccountLookup, last_rows: Mapping[str, AccountRow]
    ) -> MissingAccount:
        """What is known of an account now, after the lookup."""
        before = self._before(one) or MissingAccount(one.organization.id, one.account_id, self.made)
        if one.account_id not in lookup.asked:
            return before
        found = evidence_of(
            self.config,
            one.account_id,
            lookup,
            before=before.evidence,
            last=last_rows.get(one.account_id),
            now=self.made,
        )
        return replace(before, evidence=found, asked=self.made)

    def _before(self, one: MissingOrganization) -> MissingAccount | None:
        """What earlier runs know, unless the organization had another account then."""
        before = self._remembered.get(one.organization.id)
        return before if before is not None and before.account_id == one.account_id else None

    @cached_property
    def _remembered(self) -> dict[int, MissingAccount]:
        return self.earlier.missing(self.made)

    def _may_wait(self, one: MissingOrganization) -> bool:
        """Whether this run need not ask: the mark waits in any case, and was asked about recently."""
        before = self._before(one)
        if before is None or before.evidence is None or before.asked is None:
            return False
        if self.made - before.asked >= timedelta(minutes=self.config.marks.recheck_minutes):
            return False
        older = self.config.marks.only_if_older
        if self._approved(one) or (older is not None and older.source is not None):
            return False  # a row of the lookup has the date
        traceless = before.evidence.kind == "no_record" and self.config.marks.no_trace == "hold"
        return traceless or self._in_grace(before) or self._has_tickets(before)

    def _approved(self, one: MissingOrganization) -> bool:
        keys = mark_keys(self.instance, one.organization.id, one.account_id, self.config.marks.field)
        people = self.config.approvals.people
        return bool(self.earlier.decisions.approvals(keys, self.made, people=people))

    def _has_tickets(self, state: MissingAccount) -> bool:
        return self.config.marks.open_tickets == "hold" and bool(state.tickets)

    def _in_grace(self, state: MissingAccount) -> bool:
        return self.made - state.since < timedelta(days=self.config.marks.grace_days)

    def _spared(self, state: MissingAccount, lookup: AccountLookup) -> Spared | None:
        """Why this run does not even plan the mark."""
        marks, evidence = self.config.marks, state.evidence
        if evidence is None or evidence.kind == "listed" or (evidence.kind == "merged" and marks.merged == "problem"):
            return "not_marked"
        older = marks.only_if_older
        if older is not None and older.source is not None:
            row = lookup.found.get(state.account_id, {})
            if not is_older(row.get(older.source), older.years, self.made.date()):
                return "too_recent"
        return "in_grace" if self._in_grace(state) else None

    def _waits(self, state: MissingAccount) -> HoldReason | None:
        if state.evidence is not None and state.evidence.kind == "no_record" and self.config.marks.no_trace == "hold":
            return "no_trace"
        return None if state.asked == self.made else "open_tickets"

    def _mark(self, one: MissingOrganization, evidence: Evidence, organization_of: Mapping[str, int]) -> Mark:
        change = FieldChange(self.config.marks.field, False, True)
        reason = shown_evidence(evidence, organization_of.get(evidence.merged_into or ""))
        name = trimmed(one.organization.name)
        return Mark(self.instance, one.account_id, one.organization.id, name, (change,), reason, evidence=evidence)

    def _problems(
        self, known: Iterable[MissingAccount], unasked: Collection[str], organization_of: Mapping[str, int]
    ) -> Iterator[Problem]:
        failed = []
        for state in known:
            if state.account_id in unasked:
                failed.append(state)
            if state.evidence and state.evidence.kind == "merged" and self.config.marks.merged == "problem":
                yield self._merged(state, state.evidence, organization_of)
        if failed:
            detail = f"Salesforce did not answer the lookup of {len(failed)} missing accounts. They are not marked."
            yield self._problem("lookup_failed", detail, failed)

    def _merged(self, state: MissingAccount, evidence: Evidence, organization_of: Mapping[str, int]) -> Problem:
        detail = f"Account {state.account_id} of organization {state.organization_id} was "
        detail += f"{shown_evidence(evidence, organization_of.get(evidence.merged_into or ''))}."
        return self._problem("account_merged", detail, [state])

    def _disagree(self, listed: Collection[MissingAccount]) -> Problem:
        detail = (
            f"A lookup by id found {len(listed)} accounts that the query did not return although they pass its filter."
            " No organization is marked in this run."
        )
        return self._problem("reads_disagree", detail, listed)

    def _problem(self, kind: str, detail: str, about: Iterable[MissingAccount]) -> Problem:
        several = list(about)
        return problem(
            kind,
            detail,
            instance=self.instance,
            accounts=[one.account_id for one in several],
            organizations=[one.organization_id for one in several],
        )
