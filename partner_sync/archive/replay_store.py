"""What plans were made from, beside the snapshots, so that a plan can be made again.

inputs/<plan id>.json.gz   the run, its reads without rows, answers, what earlier runs left: `compare/inputs.py`
configs/<digest>.toml      the text of a config, by its SHA-256
rules/<digest>.json        the tables that decide what is planned, in canonical form: `config/rules.py`
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import TypeVar

from partner_sync.archive import codec
from partner_sync.archive.archive import segment
from partner_sync.archive.object_store import Root, put, put_new, read, read_bytes
from partner_sync.errors import SnapshotError

T = TypeVar("T")

INPUTS_STEP = "Choose a newer run."
RULES_STEP = "If it was damaged, move it away: the next run then holds all changes for review, above the limit."


def put_inputs(root: Root, plan_id: str, inputs: object) -> None:
    """Writes what a plan was made from."""
    put(_inputs(root, plan_id), gzip.compress(codec.to_json(inputs).encode(), compresslevel=6, mtime=0))


def get_inputs(cls: type[T], root: Root, plan_id: str) -> T | None:
    """What a plan was made from; None if the archive does not have it.

    :raises SnapshotError: for a damaged object, or one of another release
    """
    path = _inputs(root, plan_id)
    try:
        text = gzip.decompress(read_bytes(path))
    except FileNotFoundError:
        return None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SnapshotError(f"{path} is damaged. {INPUTS_STEP}") from None
    return codec.from_json(cls, text, source=str(path), next_step=INPUTS_STEP)


def put_config(root: Root, digest: str, text: str) -> None:
    """Writes the text of a config, once."""
    put_new(root / "configs" / f"{digest}.toml", text)


def get_config(root: Root, digest: str) -> str | None:
    return _text(root / "configs" / f"{digest}.toml", INPUTS_STEP)


def put_rules(root: Root, digest: str, text: str) -> None:
    """Writes rules, once."""
    put_new(root / "rules" / f"{digest}.json", text)


def get_rules(root: Root, digest: str) -> str | None:
    """The text of rules; None if the archive does not have it. Raises SnapshotError if it is not what was written."""
    path = root / "rules" / f"{digest}.json"
    text = _text(path, RULES_STEP)
    if text is not None and hashlib.sha256(text.encode()).hexdigest() != digest:
        raise SnapshotError(f"{path} is damaged or foreign. {RULES_STEP}")
    return text


def _text(path: Root, next_step: str) -> str | None:
    try:
        return read(path, next_step)
    except FileNotFoundError:
        return None


def _inputs(root: Root, plan_id: str) -> Root:
    return root / "inputs" / f"{segment(plan_id)}.json.gz"
