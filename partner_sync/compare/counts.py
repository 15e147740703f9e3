"""What a plan counts, as people read it: totals, and by instance if there are several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from partner_sync.model import KINDS, InstanceCounts

COUNTED: Mapping[str, str] = {
    "organizations": "Organizations read.",
    "partner_organizations": "Organizations of a partner type.",
    "unchanged": "Organizations that match Salesforce.",
    "create": "Organizations to create.",
    "update": "Organizations to update.",
    "mark": "Organizations to mark.",
    "withheld": "Changes on hold because they exceed a limit.",
    "adopted": "Updates of organizations that had another type before.",
    "unmarked": "Updates that remove a mark because the partner is back.",
    "protected": "Organizations without an account that `marks.protected` lists.",
    "marked_already": "Organizations without an account that are already marked.",
    "too_recent": "Organizations without an account that are too recent for `marks.only_if_older`.",
    "not_asked": "Changes of accounts that `account_ids` leaves out.",
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
