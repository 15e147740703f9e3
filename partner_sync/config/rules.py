"""The rules of a config: the tables that decide what is planned, in a canonical form whose digest names them.

A comment, the order of tables, or a setting of limits and waits changes nothing here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import TypeAdapter, ValidationError, with_config

from partner_sync.config.load import Config
from partner_sync.config.settings import STRICT, Accounts, Attribute, Marks, Partners


@with_config(STRICT)
@dataclass(frozen=True)
class _Rules:
    """What the digest covers. The Connection is no rule: it says where the accounts are, not what is planned."""

    accounts: Accounts
    attributes: tuple[Attribute, ...]
    partners: Partners
    marks: Marks
    adoption: Literal["update", "problem"]


def rules_text(config: Config) -> str:
    """The rules of a config in canonical form: lists whose order means nothing are sorted."""
    accounts = dataclasses.replace(
        config.accounts,
        connection="-",
        filter={field: _sorted(value) for field, value in config.accounts.filter.items()},
        pinned=_sorted(config.accounts.pinned),
    )
    rules = _Rules(
        accounts=accounts,
        attributes=tuple(sorted(map(_canonical, config.attributes), key=lambda one: one.field)),
        partners=dataclasses.replace(config.partners, values=_sorted(config.partners.values)),
        marks=dataclasses.replace(config.marks, protected=_sorted(config.marks.protected)),
        adoption=config.adoption,
    )
    table = _adapter().dump_python(rules, mode="json", by_alias=True, warnings=False)
    return json.dumps(table, sort_keys=True, separators=(",", ":"))


def rules_digest(text: str) -> str:
    """The SHA-256 of rules in canonical form."""
    return hashlib.sha256(text.encode()).hexdigest()


def with_rules(config: Config, text: str) -> Config | None:
    """The config with other rules; None if they are of a release whose rules had another shape."""
    try:
        rules = _adapter().validate_json(text)
    except ValidationError:
        return None
    return dataclasses.replace(
        config,
        accounts=dataclasses.replace(rules.accounts, connection=config.accounts.connection),
        attributes=rules.attributes,
        partners=rules.partners,
        marks=rules.marks,
        adoption=rules.adoption,
    )


def _canonical(attribute: Attribute) -> Attribute:
    truths = sorted(attribute.true_for, key=lambda one: (str(type(one)), str(one).casefold()))
    return dataclasses.replace(attribute, true_for=tuple(truths))


def _sorted(values: str | tuple[str, ...]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(sorted(set(values)))


@cache
def _adapter() -> TypeAdapter[_Rules]:
    return TypeAdapter(_Rules)
