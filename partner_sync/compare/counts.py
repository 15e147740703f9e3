"""What a plan counts, as people read it: totals, and by instance if there are several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from partner_sync.model import KINDS, InstanceCounts

COUNTED: Mapping[str, str] = {
    "organizations": "Organizations that were read.",
    "partner_organizations": "Those of a partner type.",
    "unchanged": "Organizations that are as their accounts want them.",
    "create": "Organizations to create.",
    "update": "Organizations to update.",
    "mark": "Organizations to mark.",
    "withheld": "Changes over a limit, not written.",
    "adopted": "Updates of organizations that were of another type.",
    "unmarked": "Updates of organizations that were marked, and whose partner is back.",
    "protected": "Organizations without account that `marks.protected` spares.",
    "marked_already": "Organizations without account that are marked already.",
    "too_recent": "Organizations without account that `marks.only_if_older` spares.",
    "not_asked": "Changes of accounts that `account_ids` left out.",
}
"""What a plan counts of each instance."""


def plan_counts(
    accounts: int, problems: int, instances: Sequence[InstanceCounts], written: Collection[str]
) -> dict[str, int]:
    """Totals of the written instances (of all, if none is), then each instance's own counts if there are several."""
    counts = {"accounts": accounts, "problems": problems}
    by_instance = {one.instance: _counted(one, written=one.instance in written) for one in instances}
    for one in [by_instance[name] for name in written] or by_instance.values():
        for key, count in one.items():
            counts[key] = counts.get(key, 0) + count
    if len(instances) > 1:
        for name, one in by_instance.items():
            counts.update({f"{name}.{key}": count for key, count in one.items()})
    return counts


def _counted(one: InstanceCounts, *, written: bool) -> dict[str, int]:
    keys = (*COUNTED, *(() if written else (f"would_{kind}" for kind in KINDS)))
    return {key: getattr(one, key) for key in keys} | {f"type:{value}": count for value, count in one.types.items()}
