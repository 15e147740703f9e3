"""Worlds to begin with: an empty one, one with every case in it, and large ones with exact numbers of changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .cases import MATCHING_ACCOUNTS, ORGANIZATIONS, add_cases
from .world_builder import ACCOUNT_FIELDS, ORGANIZATION_FIELDS, PINNED_ACCOUNT_ID, World, WorldBuilder

__all__ = ["PINNED_ACCOUNT_ID", "World", "an_empty_world", "default_world", "large_world", "make_world", "world_in"]


def an_empty_world() -> World:
    """No accounts and no organizations, all fields."""
    return World(account_fields=dict(ACCOUNT_FIELDS), organization_fields=[dict(each) for each in ORGANIZATION_FIELDS])


def default_world(seed: int = 1, accounts: int = 60, organizations: int = 400) -> World:
    """Every case that a sync must handle, among partners that are in sync and customers.

    *accounts* counts those that the query of partners finds; some more are there that it must not find.
    Raises ``ValueError`` when the cases do not fit into the numbers.
    """
    build = WorldBuilder(seed)
    in_sync = accounts - MATCHING_ACCOUNTS
    customers = organizations - ORGANIZATIONS - in_sync
    if in_sync < 0 or customers < 0:
        least = f"{MATCHING_ACCOUNTS} accounts and {ORGANIZATIONS} organizations more than partners in sync"
        raise ValueError(f"the default world needs at least {least}")
    add_cases(build)
    for _ in range(in_sync):
        build.organization_of(build.account())
    for _ in range(customers):
        build.organization()
    return build.world()


def large_world(
    seed: int = 1,
    accounts: int = 5_000,
    organizations: int = 100_000,
    creates: int = 0,
    updates: int = 0,
    marks: int = 0,
) -> World:
    """Exactly that many accounts, organizations and changes, and no problem.

    *accounts* are all found by the query; *creates* of them have no organization, *updates* one with another owner;
    *marks* partner organizations have a deleted account. Raises ``ValueError`` when the numbers do not fit together.
    """
    in_sync = accounts - creates - updates
    customers = organizations - (accounts - creates) - marks
    if in_sync < 1 or customers < 0:
        raise ValueError(
            "a large world needs more accounts than creates and updates, the pinned one being neither, "
            "and as many organizations as accounts without creates, and marks"
        )
    build = WorldBuilder(seed)
    build.organization_of(build.account(Id=PINNED_ACCOUNT_ID, Partner_Track__c="Technology"))
    for _ in range(in_sync - 1):
        build.organization_of(build.account())
    for _ in range(creates):
        build.case("create", build.account())
    for _ in range(updates):
        account = build.account()
        build.case("update_owner", account)
        build.organization_of(account, account_owner="Someone Who Left")
    for _ in range(marks):
        account_id = build.id()
        identity = {"salesforce_id": account_id, "sfdc_short_id": account_id[:15], "external_id": account_id}
        gone = build.organization(account_type="open_partner", mark_for_deletion=None, **identity)
        build.case("mark", build.deleted(gone))
    for _ in range(customers):
        build.organization()
    return build.world()


def make_world(world: str | None = None, **numbers: Any) -> World:
    """A world by its name, "default", "empty" or "large"; large when changes are counted and no name is given.

    Raises ``ValueError`` for an unknown name, ``TypeError`` for numbers that such a world does not take.
    """
    given = {name: value for name, value in numbers.items() if value is not None}
    if world is None:
        world = "large" if {"creates", "updates", "marks"} & set(given) else "default"
    if world == "empty":
        if set(given) - {"seed"}:
            raise ValueError("an empty world takes no numbers")
        return an_empty_world()
    if world == "default":
        return default_world(**given)
    if world == "large":
        return large_world(**given)
    raise ValueError(f"unknown world {world!r}; known are default, empty, large")


def world_in(path: Path) -> World:
    """The world in a JSON file, an object with the fields of ``World``.

    Raises ``OSError``, ``ValueError`` for what is no JSON, ``TypeError`` for other fields.
    """
    return World(**json.loads(path.read_text(encoding="utf-8")))
