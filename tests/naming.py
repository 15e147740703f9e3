"""Assertions on errors of configs, params and Connections: each names a key, what is wrong and what to do."""

from __future__ import annotations

from partner_sync.errors import ConfigError, SchemaError


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
