"""Reads files of requirements, and follows what they need through the metadata of the installed packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

REPOSITORY = Path(__file__).parents[2]
RUNS = ("requirements.txt", ".docker/requirements.txt")
CHECKS = ("requirements-dev.txt", "tests/production/requirements.txt")
BROUGHT = {"zenpy"}
"""Test tools that a provider of Airflow needs as well."""


def read(*files: str) -> Iterator[Requirement]:
    """Every requirement of these files, for all versions of Python; not those of files they include."""
    for file in files:
        for line in (REPOSITORY / file).read_text(encoding="utf-8").splitlines():
            text = line.partition("#")[0].strip()
            if text and not text.startswith("-"):
                yield Requirement(text)


def resolved(requirements: Iterable[Requirement]) -> set[NormalizedName]:
    """The names of all packages that these requirements install here, their own requirements included."""
    found: dict[NormalizedName, set[str]] = {}

    def follow(requirement: Requirement, extras: Iterable[str]) -> None:
        marker = requirement.marker
        if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            return
        name = canonicalize_name(requirement.name)
        known = found.get(name)
        if known is not None and known >= requirement.extras:
            return
        found[name] = (known or set()) | requirement.extras
        for needed in distribution(name).requires or ():
            follow(Requirement(needed), found[name])

    for requirement in requirements:
        follow(requirement, ())
    return set(found)


def tools() -> set[NormalizedName]:
    """What only tests and checks install."""
    names = [{canonicalize_name(one.name) for one in read(*files)} for files in (CHECKS, RUNS)]
    return names[0] - names[1] - BROUGHT
