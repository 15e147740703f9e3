"""The account query and lookups by id: fields come from the mapping, the condition from `[accounts]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from partner_sync.config.load import Config

LOOKUP_IDS = 150
"""Accounts of one lookup."""
WHERE_CHARACTERS = 4_000
"""What Salesforce allows in a WHERE: "SOQL and SOSL limits"."""
IS_DELETED, MASTER_ID = "IsDeleted", "MasterRecordId"
"""Whether a record is in the recycle bin, and the id of the record that won its merge."""

_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"})


def soql(config: Config) -> str:
    """The query for all accounts: those that pass the filter, and pinned accounts in any case."""
    return f"SELECT {', '.join(selected_fields(config))}\nFROM {config.accounts.object}\nWHERE {_condition(config)}"


def lookup_queries(config: Config, account_ids: Sequence[str], *, passing: bool = False) -> Iterator[str]:
    """Queries that find accounts by valid 18-character ids, each id in one of them.

    They select the fields of the account query, `IsDeleted`, `MasterRecordId`, and the date that decides about a mark,
    if the config names one. With `passing`, they also have the condition of the account query.
    """
    older = config.marks.only_if_older
    dates = [older.source] if older is not None and older.source is not None else []
    fields = ", ".join(dict.fromkeys([*selected_fields(config), IS_DELETED, MASTER_ID, *dates]))
    own = f" AND ({_condition(config)})" if passing else ""
    room = WHERE_CHARACTERS - len(_comparison(config.accounts.id, [])) - len(own)
    many = min(LOOKUP_IDS, max(1, room // len("'0014M00001sDiGEQA0', ")))
    for start in range(0, len(account_ids), many):
        ids = _comparison(config.accounts.id, account_ids[start : start + many])
        yield f"SELECT {fields}\nFROM {config.accounts.object}\nWHERE {ids}{own}"


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
