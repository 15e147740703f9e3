"""The account query: its fields come from the mapping, its condition from `[accounts]`."""

from __future__ import annotations

from collections.abc import Sequence

from partner_sync.config.load import Config

_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"})


def soql(config: Config) -> str:
    """The query for all accounts: those that pass the filter, and pinned accounts in any case."""
    return f"SELECT {', '.join(selected_fields(config))}\nFROM {config.accounts.object}\nWHERE {_condition(config)}"


def selected_fields(config: Config) -> tuple[str, ...]:
    """The fields of the query: those of the mapping in its order, then those that only the filter needs."""
    sources = (attribute.source for attribute in config.attributes)
    return tuple(dict.fromkeys([*sources, *config.accounts.filter]))


def _condition(config: Config) -> str:
    accounts = config.accounts
    filters = " AND ".join(_comparison(field, value) for field, value in accounts.filter.items())
    if not accounts.pinned:
        return filters
    pinned = _comparison(accounts.id, accounts.pinned if len(accounts.pinned) > 1 else accounts.pinned[0])
    return f"{pinned} OR\n      ({filters})"


def _comparison(field: str, value: str | Sequence[str]) -> str:
    return f"{field} = {_quoted(value)}" if isinstance(value, str) else f"{field} IN ({', '.join(map(_quoted, value))})"


def _quoted(value: str) -> str:
    return f"'{value.translate(_ESCAPES)}'"
