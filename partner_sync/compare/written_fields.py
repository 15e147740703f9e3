"""Which fields a run wrote, and what they were before: what can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from partner_sync.archive.memory_records import WrittenField
from partner_sync.archive.records import RowVerdict
from partner_sync.compare.change_keys import field_key
from partner_sync.model import Create, Plan


@dataclass(frozen=True)
class WrittenFields:
    """The fields of updates and marks that a run wrote and Zendesk confirmed, by instance.

    `restores` are the decisions whose fields the run put back; these are undone by withdrawing the decision.
    """

    fields: dict[str, list[WrittenField]]
    restores: tuple[str, ...]

    @classmethod
    def of(cls, plans: Iterable[tuple[Plan, Iterable[RowVerdict]]]) -> WrittenFields:
        """Of the plans of a run, the oldest first, each with its newest verdicts."""
        found: dict[tuple[str, int, str], WrittenField] = {}
        restores: set[str] = set()
        for plan, verdicts in plans:
            confirmed = {
                (row.instance, row.account_id, row.organization_id)
                for row in verdicts
                if row.written and row.verdict == "confirmed"
            }
            for at, change in enumerate(plan.changes):
                if (
                    isinstance(change, Create)
                    or (change.instance, change.account_id, change.organization_id) not in confirmed
                ):
                    continue
                for one in change.fields:
                    if (decision := plan.restores.get(at, {}).get(one.field)) is not None:
                        restores.add(decision)
                        continue
                    place = change.instance, change.organization_id, one.field
                    before = found.get(place)
                    continues = before is not None and before.wrote == one.before
                    found[place] = WrittenField(
                        account_id=change.account_id,
                        organization_id=change.organization_id,
                        field=one.field,
                        before=before.before if before is not None and continues else one.before,
                        wrote=one.after,
                        key=field_key(change, one),
                    )
        fields: dict[str, list[WrittenField]] = {}
        for (instance, _, _), written in found.items():
            fields.setdefault(instance, []).append(written)
        return cls(fields, tuple(sorted(restores)))
