"""From what Salesforce sent to what an organization should be: the mapping of the config, made into functions once.

A value is compared in its canonical form (see `model`), whichever side it comes from. Nothing here raises because of
data: a row that cannot be mapped becomes a problem, and its account is then written nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import NamedTuple

from partner_sync.compare.multimap import Index
from partner_sync.compare.problem_kinds import problem
from partner_sync.config.load import Config
from partner_sync.config.settings import Attribute
from partner_sync.config.validation import shown
from partner_sync.ids import id_18 as id_18
from partner_sync.model import NAME, Problem, Value
from partner_sync.whitespace import BLANK, control, trimmed, visible

TYPES: Mapping[str, tuple[str, ...]] = {
    "id_18": ("text", "textarea", "regexp"),
    "id_15": ("text", "textarea", "regexp"),
    "text": ("text", "textarea", "regexp"),
    "checkbox": ("checkbox",),
    "dropdown": ("dropdown", "tagger"),
    "date": ("date",),
    "number": ("integer", "decimal"),
}
"""Rule to the types that an organization field of it may have."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)


# -- what the mapping needs of Zendesk ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpectedField:
    """An organization field that Zendesk must have: one of these types, and at least these options."""

    key: str
    types: tuple[str, ...]
    options: tuple[str, ...] = ()


def id_field(config: Config) -> str:
    """The key of the organization field that holds the account's id."""
    return next(attribute.field for attribute in config.attributes if attribute.rule == "id_18")


def owned_fields(config: Config) -> tuple[str, ...]:
    """The organization fields that a gather must keep of a partner organization."""
    mapped = (attribute.field for attribute in config.attributes if attribute.field != NAME)
    older = [config.marks.older_field] if config.marks.older_field else []
    return tuple(dict.fromkeys([*mapped, config.marks.field, *older]))


def expected_fields(config: Config) -> tuple[ExpectedField, ...]:
    """What must be true of Zendesk's organization fields before anything is written."""
    expected = {
        attribute.field: ExpectedField(attribute.field, TYPES[attribute.rule], tuple(sorted(attribute.values)))
        for attribute in config.attributes
        if attribute.field != NAME
    }
    expected[config.marks.field] = ExpectedField(config.marks.field, TYPES["checkbox"])
    if config.marks.older_field:
        expected.setdefault(config.marks.older_field, ExpectedField(config.marks.older_field, TYPES["date"]))
    return tuple(expected.values())


# -- canonical values ---------------------------------------------------------------------------------------


def canonical(rule: str, raw: object) -> Value:
    """What Zendesk holds, in the form in which it is compared. What no rule can read stays as it is, and so differs."""
    return _CANONICAL[rule](raw)


def canonical_of(rule: str) -> Callable[[object], Value]:
    """`canonical` for one rule, for who needs it a million times."""
    return _CANONICAL[rule]


def _text(raw: object) -> Value:
    if isinstance(raw, str):
        return trimmed(raw) or None
    return None if raw is None else str(raw)


def _checkbox(raw: object) -> Value:
    if raw is None or isinstance(raw, bool):
        return bool(raw)
    return trimmed(str(raw)).casefold() == "true"


def _date(raw: object) -> Value:
    text = _text(raw)
    if isinstance(text, str) and text[10:11] in ("", "T", " "):
        return day(text[:10]) or text
    return text


def _number(raw: object) -> Value:
    if isinstance(raw, int):
        return int(raw)
    if isinstance(raw, float) and isfinite(raw):
        return int(raw) if raw.is_integer() else raw
    text = _text(raw)
    return _number(float(text)) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


def day(text: str) -> str | None:
    """A date as "YYYY-MM-DD"; None for anything else."""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


_CANONICAL: Mapping[str, Callable[[object], Value]] = {
    "id_18": _text,
    "id_15": _text,
    "text": _text,
    "checkbox": _checkbox,
    "dropdown": _text,
    "date": _date,
    "number": _number,
}


# -- desired accounts ---------------------------------------------------------------------------------------


class DesiredAccount(NamedTuple):
    """What the organization of one account should be. `values` go with `Desired.fields`.

    A tuple, since the garbage collector leaves alone what holds nothing but text and numbers.
    """

    id: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Desired:
    """What all organizations should be: `accounts` by id, in order of the ids.

    `blocked` are ids of accounts that a problem keeps from being written; their organizations are left alone as well.
    `unidentified` has names and ids (casefolded; of ids the first 15 characters) of rows whose account cannot be told:
    what bears one of them may be that account's organization.
    """

    fields: tuple[str, ...]
    accounts: dict[str, DesiredAccount]
    blocked: frozenset[str]
    unidentified: frozenset[str]
    problems: tuple[Problem, ...]

    @property
    def known(self) -> frozenset[str]:
        """Every account id of the snapshot, and every pinned one: what carries one of them is not without account."""
        return self.blocked.union(self.accounts)


class _UnmappedError(Exception):
    """A value that the mapping cannot turn into one that may be written."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


Mapped = Callable[[str, object], Value]
"""From the account's id and the raw value of a Salesforce field to the desired value."""


def desired(config: Config, rows: Iterable[Mapping[str, object]]) -> Desired:
    """What every organization should be, and a problem for each row that does not say."""
    attributes = [attribute for attribute in config.attributes if attribute.field != NAME]
    rules = [(attribute.source, _mapped(config, attribute)) for attribute in attributes]
    accounts: dict[str, DesiredAccount] = {}
    problems: list[Problem] = []
    unidentified: set[str] = set()
    seen: Index[Mapping[str, object]] = Index()
    for row in rows:
        account_id = id_18(row.get(config.accounts.id))
        if account_id is None:
            problems.append(_unidentified(config, row, unidentified))
        else:
            seen.add(account_id, row)
    for account_id in sorted(seen):
        found = _account(config, account_id, seen[account_id], rules)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            accounts[account_id] = found
    for pinned in config.accounts.pinned:
        if pinned not in seen:
            detail = f"The query did not return {pinned}, which accounts.pinned names."
            problems.append(problem("pinned_account_missing", detail, accounts=[pinned]))
    blocked = frozenset([*seen, *config.accounts.pinned]).difference(accounts)
    fields = (*(attribute.field for attribute in attributes), config.marks.field)
    return Desired(fields, accounts, blocked, frozenset(unidentified), tuple(problems))


def _account(
    config: Config, account_id: str, rows: Sequence[Mapping[str, object]], rules: Sequence[tuple[str, Mapped]]
) -> DesiredAccount | Problem:
    if len(rows) > 1:
        detail = f"{len(rows)} rows of the query have the id {account_id}."
        return problem("account_listed_twice", detail, accounts=[account_id])
    row = rows[0]
    try:
        name = _name(config.accounts.name, account_id, row)
        values = [rule(account_id, row.get(source)) for source, rule in rules]
    except _UnmappedError as unmapped:
        return problem(unmapped.kind, unmapped.detail, accounts=[account_id])
    values.append(False)  # the mark
    return DesiredAccount(account_id, name, tuple(values))


def _name(source: str, account_id: str, row: Mapping[str, object]) -> str:
    name = _copied(source)(account_id, row.get(source))
    if not isinstance(name, str):
        raise _UnmappedError("account_without_name", f"{source} of {account_id} is empty.")
    if not visible(name):
        raise _UnmappedError("account_without_name", f"{source} of {account_id} has nothing that can be seen.")
    return name


def _single(source: str, account_id: str, raw: object) -> object:
    """The raw value of a field, which no rule reads where it is a list or an object."""
    if isinstance(raw, list | dict):
        detail = f"{source} of {account_id} is {shown(raw)}: several values where one is wanted."
        raise _UnmappedError("unreadable_value", detail)
    return raw


def _unidentified(config: Config, row: Mapping[str, object], unidentified: set[str]) -> Problem:
    raw, name = _text(row.get(config.accounts.id)), _text(row.get(config.accounts.name))
    if isinstance(name, str):
        unidentified.add(name.casefold())
    if not isinstance(raw, str):
        return problem("account_without_id", f"An account named {name} has nothing in {config.accounts.id}.")
    unidentified.add(raw[:15].casefold())
    return problem("malformed_id", f"An account named {name} has the id {raw}.", accounts=[raw])


def _mapped(config: Config, attribute: Attribute) -> Mapped:
    """The rule of one attribute as a function: everything that depends on the config alone is done here, once."""
    match attribute.rule:
        case "id_18":
            return lambda account_id, _: account_id
        case "id_15":
            return lambda account_id, _: account_id[:15]
        case "checkbox":
            return _ticked(attribute)
        case "dropdown":
            return _chosen(config, attribute)
        case "text":
            return _copied(attribute.source)
    return _read(attribute)


def _copied(source: str) -> Mapped:
    def copied(account_id: str, raw: object) -> Value:
        if not isinstance(raw, str):
            return _text(_single(source, account_id, raw))
        text = raw.strip(BLANK)  # not `trimmed`: this is the most frequent call of all
        if not text.isprintable() and (found := control(text)):
            raise _UnmappedError("unreadable_value", f"{source} of {account_id} has {found} in it, which is no text.")
        return text or None

    return copied


def _ticked(attribute: Attribute) -> Mapped:
    truths = frozenset(value for value in attribute.true_for if isinstance(value, bool))
    words = frozenset(value.strip().casefold() for value in attribute.true_for if isinstance(value, str))

    def ticked(account_id: str, raw: object) -> Value:
        if raw is None or isinstance(raw, bool):
            return raw in truths
        text = raw if isinstance(raw, str) else str(_single(attribute.source, account_id, raw))
        return text.strip(BLANK).casefold() in words

    return ticked


def _chosen(config: Config, attribute: Attribute) -> Mapped:
    options, pinned, option = attribute.options, frozenset(config.accounts.pinned), attribute.pinned
    needed = attribute.field == config.partners.field

    def chosen(account_id: str, raw: object) -> Value:
        if option is not None and account_id in pinned:
            return option
        text = raw if isinstance(raw, str) else "" if raw is None else str(_single(attribute.source, account_id, raw))
        text = text.strip(BLANK)
        found = options.get(text.casefold())
        if found is None and (text or needed):
            detail = (
                f"{attribute.source} of {account_id} is {text or 'empty'}, which no option of {attribute.field} is for."
            )
            raise _UnmappedError("unknown_option", detail)
        return found

    return chosen


def _read(attribute: Attribute) -> Mapped:
    """Dates and numbers: what is neither is nothing that Zendesk would take."""
    wanted: Callable[[Value], bool]
    if attribute.rule == "date":
        wanted = lambda value: isinstance(value, str) and day(value) is not None  # noqa: E731
    else:
        wanted = lambda value: isinstance(value, int | float)  # noqa: E731

    def read(account_id: str, raw: object) -> Value:
        value = canonical(attribute.rule, _single(attribute.source, account_id, raw))
        if value is not None and not wanted(value):
            detail = f"{attribute.source} of {account_id} is {value}, which is no {attribute.rule}."
            raise _UnmappedError("unreadable_value", detail)
        return value

    return read
