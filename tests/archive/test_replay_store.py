"""Rules in the archive: written once, and never taken for other rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from partner_sync.archive.replay_store import get_config, get_rules, put_config, put_rules
from partner_sync.errors import SnapshotError

TEXT = '{"adoption":"update"}'
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


def test_rules_and_configs_are_found_by_their_digest(tmp_path: Path) -> None:
    for _ in range(2):
        put_rules(tmp_path, DIGEST, TEXT)
        put_config(tmp_path, "c1", 'problems = "é"\n')
    assert (TEXT, 'problems = "é"\n') == (get_rules(tmp_path, DIGEST), get_config(tmp_path, "c1"))
    assert (None, None) == (get_rules(tmp_path, "0" * 64), get_config(tmp_path, "c2"))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe"])
def test_damaged_rules_are_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    put_rules(tmp_path, DIGEST, TEXT)
    (tmp_path / "rules" / f"{DIGEST}.json").write_bytes(content)
    with pytest.raises(SnapshotError, match="move it away"):
        get_rules(tmp_path, DIGEST)
