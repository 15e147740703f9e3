"""Which errors the code can name, and which of them were named: by the places that make a `Finding`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

from partner_sync.errors import ConfigError, Finding, SchemaError

Place = tuple[str, int]
"""A file's name, and the line on which the making of an error begins."""


def places(*modules: ModuleType) -> set[Place]:
    """Every place that makes an error."""
    return {(Path(module.__file__).name, first) for module in modules for first, _ in _calls(Path(module.__file__))}


@contextmanager
def watching() -> Iterator[set[Place]]:
    """Collects the places that make an error meanwhile, in this thread."""
    seen: set[Place] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is Finding.__init__.__code__ and frame.f_back is not None:
            path, line = Path(frame.f_back.f_code.co_filename), frame.f_back.f_lineno
            around = [(first, last) for first, last in _calls(path) if first <= line <= last]
            seen.update((path.name, first) for first, _ in around[-1:])

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def named(error: ConfigError | SchemaError) -> dict[str, str]:
    """Key of each error to what is wrong and what to do; all three are said of every one."""
    for one in error.findings:
        assert one.key.strip(), one
        assert one.wrong.strip(), one
        assert one.advice[-1:] in tuple(".?"), one
        assert one.advice not in ("Wanted: .", ""), one
        assert str(one) in str(error)
    found = {one.key: f"{one.wrong}. {one.advice}" for one in error.findings}
    assert error.where in str(error)
    return found


_known: dict[Path, list[tuple[int, int]]] = {}


def _calls(path: Path) -> list[tuple[int, int]]:
    """First and last line of each making of an error."""
    if path not in _known:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        made = [node for node in found if isinstance(node.func, ast.Name) and node.func.id == "Finding"]
        _known[path] = sorted((node.lineno, node.end_lineno or node.lineno) for node in made)
    return _known[path]
