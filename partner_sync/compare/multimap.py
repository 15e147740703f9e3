"""A look-up of what should be one to a key, but may be several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")


class Index(Generic[V]):
    """Everything by its key. No list is kept for what is alone: 100,000 of them slow the garbage collector down."""

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
        """All of one key, in the order in which they came; empty if there is none."""
        if key in self._several:
            return self._several[key]
        return (self._first[key],) if key in self._first else ()

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __contains__(self, key: object) -> bool:
        return key in self._first

    def several(self) -> Iterable[Sequence[V]]:
        """Those that share a key."""
        return self._several.values()
