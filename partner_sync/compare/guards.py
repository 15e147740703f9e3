"""Guards: how many rows of an instance may be written. They count every row that no approval allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.config.limits import Limit, LimitName
from partner_sync.model import KINDS, Change, HoldReason, Kind, Organization, Update, Value


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A guard that holds rows of one kind: how many it counted, the most that pass, and what a percentage is of.

    `rows` are the positions of the rows that it holds.
    """

    reason: HoldReason
    kind: Kind
    counted: int
    most: int
    bound: str
    of: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Guards:
    """The guards of one instance over its planned rows. `counted` are the positions of rows without an approval."""

    limits: Mapping[LimitName, Limit]
    schema: OrganizationSchema
    changes: Sequence[Change]
    counted: Collection[int]
    partners: Sequence[Organization]
    marked_ids: frozenset[int]
    """Organizations that were marked in the last seven days without an approval."""
    caused: Collection[int] = ()
    """The positions of rows that changed rules cause."""

    def exceeded(self) -> Iterator[Exceeded]:
        """Every guard that holds rows, in the order of the reasons."""
        yield from self._rules()
        yield from self._emptied()
        for kind in KINDS:
            yield from self._per_run(kind)
        yield from self._budget()

    def _rules(self) -> Iterator[Exceeded]:
        """Rows of all kinds that changed rules cause, counted together; a hold is of one kind."""
        rows = [at for at in self.caused if at in self.counted]
        most = _most(self.limits.get("rules"), len(self.partners)) if rows else None
        if most is None or len(rows) <= most[0]:
            return
        for kind in KINDS:
            several = tuple(at for at in rows if self.changes[at].kind == kind)
            if several:
                yield Exceeded("rules", kind, len(rows), *most, len(self.partners), several)

    def _per_run(self, kind: Kind) -> Iterator[Exceeded]:
        rows = self._rows(kind)
        most = _most(self.limits.get(kind), self.unmarked)
        if most is not None and len(rows) > most[0]:
            yield Exceeded("limit", kind, len(rows), *most, self.unmarked, rows)

    def _budget(self) -> Iterator[Exceeded]:
        """Marks of seven days: distinct organizations that were marked and still are, and those planned."""
        limit, rows = self.limits.get("mark"), self._rows("mark")
        if limit is None or limit.max_percent_7_days is None or not rows:
            return
        still = {one.id for one in self.partners if self.schema.is_marked(one)} & self.marked_ids
        count, of = len(still) + len(rows), self.unmarked + len(still)
        most, bound = _bounded([_percent(limit.max_percent_7_days, of)], limit.floor, of)
        if count > most:
            yield Exceeded("budget", "mark", count, most, bound, of, rows)

    def _emptied(self) -> Iterator[Exceeded]:
        """Updates that clear a field of too many organizations: a column that Salesforce hides arrives as null."""
        limit = self.limits.get("emptied")
        if limit is None:
            return
        clears: dict[str, list[int]] = {}
        for at, change in enumerate(self.changes):
            if at in self.counted and isinstance(change, Update):
                for one in change.fields:
                    if not _is_empty(one.before) and _is_empty(one.after):
                        clears.setdefault(one.field, []).append(at)
        for field, rows in clears.items():
            if field == self.schema.mark_field:
                continue  # partners that return
            of = self._with_value(field)
            most = _most(limit, of)
            if most is not None and len(rows) > most[0]:
                yield Exceeded("emptied", "update", len(rows), most[0], f"{most[1]}, for {field}", of, tuple(rows))

    @cached_property
    def unmarked(self) -> int:
        return sum(not self.schema.is_marked(one) for one in self.partners)

    def _rows(self, kind: Kind) -> tuple[int, ...]:
        return tuple(at for at, change in enumerate(self.changes) if change.kind == kind and at in self.counted)

    def _with_value(self, field: str) -> int:
        """How many partner organizations have a value in a field (of a checkbox: are checked)."""
        canonical = self.schema.canonical[field]
        return sum(not _is_empty(canonical((one.fields or {}).get(field))) for one in self.partners)


def _is_empty(value: Value) -> bool:
    """Whether a canonical value is none, or an unchecked checkbox; zero is a value."""
    return value is None or value is False


def _most(limit: Limit | None, of: int) -> tuple[int, str] | None:
    """The most that may be written, and where that number is from; None where there is no limit."""
    if limit is None:
        return None
    bounds = [] if limit.max_count is None else [(limit.max_count, str(limit.max_count))]
    if limit.max_percent is not None:
        bounds.append(_percent(limit.max_percent, of))
    return _bounded(bounds, limit.floor, of) if bounds else None


def _percent(percent: float, of: int) -> tuple[int, str]:
    most = int(Fraction(str(percent)) * of / 100)
    return most, f"{percent:g} %, here {most}"


def _bounded(bounds: Sequence[tuple[int, str]], floor: int, of: int) -> tuple[int, str]:
    """The lowest bound, or the floor, which is never more than half of what the percentages are of."""
    most, why = min(bounds)
    lowest = min(floor, of // 2)
    return (most, why) if most > lowest else (lowest, f"{lowest}, the floor ({why} is lower)")
