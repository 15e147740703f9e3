"""Open tickets of organizations that would be marked: the last question, only about marks that nothing else holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from partner_sync.archive.memory_records import MissingAccount
from partner_sync.model import Mark

MOST = 100
"""How many organizations one run asks about, over all instances: each costs two calls."""

Question = tuple[str, int]
"""Instance and organization."""


@dataclass(frozen=True, slots=True)
class TicketCount:
    """Open tickets and users of an organization."""

    tickets: int
    users: int


@dataclass(frozen=True)
class TicketCounts:
    """The answers. `unreadable` are instances whose user may not count tickets."""

    counted: Mapping[Question, TicketCount] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()


CountTickets = Callable[[Sequence[Question]], TicketCounts]


def organizations_to_ask(marks: Iterable[Mark], known: Mapping[Question, MissingAccount]) -> list[Question]:
    """The organizations to ask about: those never counted first, then those counted longest ago."""

    def rank(question: Question) -> tuple[bool, float, Question]:
        state = known.get(question)
        counted = state.counted if state else None
        return counted is not None, counted.timestamp() if counted else 0.0, question

    return sorted(((mark.instance, mark.organization_id) for mark in marks), key=rank)[:MOST]


def with_counts(mark: Mark, count: TicketCount | None) -> Mark:
    return mark if count is None else replace(mark, tickets=count.tickets, users=count.users)


def counted(state: MissingAccount, count: TicketCount | None, now: datetime) -> MissingAccount:
    """What is known of a missing account, with a new count."""
    return state if count is None else replace(state, tickets=count.tickets, users=count.users, counted=now)
