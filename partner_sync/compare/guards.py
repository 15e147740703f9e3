"""Limits per instance and kind of change, and the changes held for review because they exceed one.

A module of its own, since a new guard goes here and not into the making of the plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from partner_sync.config.settings import Limit
from partner_sync.model import KINDS, Change, Kind, Withheld


def limit(
    instance: str,
    changes: Iterable[Change],
    partner_organizations: int,
    limits: Mapping[Kind, Limit],
    allowed: Mapping[str, int],
    account_ids: Sequence[str] = (),
) -> list[Withheld]:
    """The kinds of change that exceed their limit in one instance. `allowed` replaces limits for this run."""
    counts = dict.fromkeys(KINDS, 0)
    for change in changes:
        counts[change.kind] += 1
    found = []
    for kind, count in counts.items():
        most, why = _most(limits.get(kind), partner_organizations, allowed.get(kind))
        if most is not None and count > most:
            over = f"{count} {kind}s" if count > 1 else f"1 {kind}"
            share = _share(count, partner_organizations)
            detail = f"{over} in {instance} held for review: {share}. The limit is {why}."
            found.append(
                Withheld(instance, kind, count, most, partner_organizations, detail, _next(kind, count, account_ids))
            )
    return found


def _most(limit: Limit | None, partner_organizations: int, allowed: int | None) -> tuple[int | None, str]:
    """The most that may be written and the source of that number; None where there is no limit."""
    if allowed is not None:
        return allowed, f"{allowed}, set by allow_over_limit of this run"
    if limit is None:
        return None, ""
    bounds = []
    if limit.max_count is not None:
        bounds.append((limit.max_count, str(limit.max_count)))
    if limit.max_percent is not None:
        most = int(Fraction(str(limit.max_percent)) * partner_organizations / 100)
        bounds.append((most, f"{limit.max_percent:g} %, here {most}"))
    if not bounds:
        return None, ""
    most, why = min(bounds)
    return (most, why) if most > limit.floor else (limit.floor, f"{limit.floor}, the floor ({why} is lower)")


def _share(count: int, partner_organizations: int) -> str:
    if not partner_organizations:
        return "there are no partner organizations yet"
    return f"{100 * count / partner_organizations:.0f} % of {partner_organizations} partner organizations"


def _next(kind: Kind, count: int, account_ids: Sequence[str]) -> str:
    conf: dict[str, object] = {"allow_over_limit": {kind: count}}
    if account_ids:
        conf["account_ids"] = list(account_ids)
    return f"Review them in the plan. If they are right, trigger again with conf {json.dumps(conf)}"
