"""Removes from an archive what runs remember of a world that the sandbox no longer has.

No vendor exchanges all its organizations between two reads. A read of what changed would then find nothing of it.
"""

from __future__ import annotations

from partner_sync.archive.object_store import Root, remove, stored

REMEMBERED = ("memory", "marked", "read.json")


def forget(root: Root, instance: str = "global") -> None:
    """The instance stays armed, and its plans stay."""
    for one in stored(root / "instances" / instance):
        if one.parts[0] in REMEMBERED:
            remove(one.path)
