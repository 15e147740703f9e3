"""A multimap tuned for mostly unique keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")


class Multimap(Generic[V]):
    """Values by key. A single value is kept without a list: 100,000 lists slow the garbage collector down."""

    def __init__(self, pairs: Iterable[tuple[str, V]] = ()) -> None:
        self._first: dict[str, V] = {}
        self._several: dict[str, list[V]] = {}
        for key, value in pairs:
            self.add(key, value)

    def add(self, key: str, value: V) -> None:
        if key in self._first:
            self._several.setdefault(key, [self._first[key]]).append(value)
        else:
            self._first[key] = value

    def __getitem__(self, key: str) -> Sequence[V]:
        """All values of a key, in the order they were added."""
        if key in self._several:
            return self._several[key]
        return (self._first[key],) if key in self._first else ()

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __contains__(self, key: object) -> bool:
        return key in self._first

    def several(self) -> Iterable[Sequence[V]]:
        """Values that share a key, by key."""
        return self._several.values()
