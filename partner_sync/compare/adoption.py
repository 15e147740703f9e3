"""Organizations that are to be adopted: they belong to an account, but a gather kept them without their fields.

Of organizations that are no partners only what matching needs is kept. Those few that turn out to be an account's are
read again, whole, before they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from partner_sync.compare.desired import desired
from partner_sync.compare.matching import matches, unique
from partner_sync.config.load import Config
from partner_sync.model import AccountsSnapshot, Organization, OrganizationsSnapshot
from partner_sync.whitespace import trimmed


def unread_matches(
    config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot
) -> dict[str, list[int]]:
    """Instance to ids of organizations that are to be adopted: they belong to an account, but came without fields."""
    if config.adoption == "problem" or not _may_adopt(config, accounts, organizations):
        return {}
    wanted = desired(config, accounts.rows)
    unread: dict[str, list[int]] = {}
    for read in organizations.instances:
        found = matches(config, wanted, read.instance, unique(read))
        ids = [
            organization.id
            for account_id, organization in found.matched.items()
            if organization.fields is None and account_id in wanted.accounts
        ]
        if ids:
            unread[read.instance] = sorted(ids)
    return unread


def _may_adopt(config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot) -> bool:
    """Whether any organization without fields bears what looks like an account's id: hardly a run has one.

    It asks less than matching does, and so never misses what that would find, in a fraction of its time.
    """
    known = {_alike(row.get(config.accounts.id)) for row in accounts.rows}.union(map(_alike, config.accounts.pinned))
    return any(
        text and _alike(text) in known
        for read in organizations.instances
        for one in read.organizations
        if one.fields is None
        for text in (one.salesforce_id, one.external_id)
    )


def _alike(text: object) -> str:
    return trimmed(str(text))[:15].casefold()


def with_read(
    organizations: OrganizationsSnapshot, read: Mapping[str, Iterable[Organization]]
) -> OrganizationsSnapshot:
    """The snapshot with some organizations replaced by what was read of them again, whole."""
    again = {instance: {one.id: one for one in several} for instance, several in read.items()}
    instances = tuple(
        replace(one, organizations=tuple(again[one.instance].get(old.id, old) for old in one.organizations))
        if one.instance in again
        else one
        for one in organizations.instances
    )
    return replace(organizations, instances=instances)
