"""Cases: a run is red once for the holds that need a decision, and not again for the same case.

A case is a kind and a reason in one instance. It opens in the first run that may write and finds such a hold, opens
again when its rows have doubled, and closes when no such hold is left. An approval that ended without a confirmed write
opens a case as well, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from partner_sync.archive.memory_records import Case
from partner_sync.model import COUNT_REASONS, Hold


def open_cases(
    holds: Iterable[Hold],
    known: Iterable[Case],
    *,
    run_id: str | None,
    made: datetime,
    most_marks: int | None,
    unwritten: Callable[[Hold], int],
) -> tuple[tuple[Hold, ...], tuple[Case, ...]]:
    """The holds, with `opens_case` where this run is red for them, and the cases that are open now.

    :param run_id: the run; None if it opens no case. A run that was red is red again when it is cleared
    :param most_marks: the limit of marks per run: `no_trace` is a case only above it
    :param unwritten: how many rows of a hold an approval let through without a confirmed write
    """
    cases = {(one.kind, one.reason): one for one in known}
    found: list[Hold] = []
    still: list[Case] = []
    for hold in holds:
        case, again = cases.get((hold.kind, hold.reason)), unwritten(hold)
        cleared = case is not None and case.run_id == run_id
        if not (again or cleared or _is_case(hold, most_marks)):
            found.append(hold)
            continue
        why = f"{hold.why} {again} of them approved, not written." if again else hold.why
        if run_id is not None and (case is None or again or hold.rows >= 2 * case.rows):
            case = Case(hold.kind, hold.reason, case.since if case else made, run_id, hold.rows)
        found.append(
            replace(hold, why=why, is_case=case is not None, opens_case=case is not None and case.run_id == run_id)
        )
        still += [case] if case else []
    return tuple(found), tuple(still)


def _is_case(hold: Hold, most_marks: int | None) -> bool:
    if hold.reason == "no_trace":
        return most_marks is not None and hold.rows > most_marks
    return hold.reason in COUNT_REASONS
