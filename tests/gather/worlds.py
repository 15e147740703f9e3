"""Random worlds for reads: people create, edit, delete and undelete, fields change, clocks differ, the export refuses.

A world is made of its number alone. Every read is compared with what a full listing of the same moment shows.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from partner_sync.archive.memory_records import ReadRecord
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.load import load
from partner_sync.gather.changed_read import OMITTED, Base, ReadRequest, kept_digest
from partner_sync.gather.organization_rows import kept
from partner_sync.gather.organizations import OrganizationsRead, read_organizations
from partner_sync.model import Organization
from partner_sync.sandbox.wire import Answer, Call
from tests.gather.clocked import EXPORT, ClockedZendesk

SCHEMA = organization_schema(load((Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(), "config"))
TYPES = ["open_partner", "select_partner", "alliance_partner", "customer", "former_customer"]
REQUIRED = TYPES[:3]
UNSEEN = 61
"""Seconds before a read whose changes an export need not show."""
FORBIDDEN = Answer(403, {"error": "Forbidden", "description": "You do not have access to this page."})


class ReadWorld:
    """One world and the reads of it. `counts` is what happened in it."""

    def __init__(self, number: int, direct: bool = True) -> None:
        self.random = random.Random(number)
        self.counts: Counter[str] = Counter()
        self.zendesk = ClockedZendesk(export_page=self.random.choice([2, 3, 1_000, 1_000]), direct=direct)
        self.zendesk.before, self.zendesk.distort = self._between, self._answered
        self.skew = self.random.choice([0, 0, 0, -3600, -90, 45, 600, 7200])
        """Seconds by which our clock is ahead of Zendesk's."""
        self.zendesk.dates = self.random.choice([0, 0, -30, 45, 45 if self.skew > 0 else 600])
        """The header `Date` and our clock are not wrong in the same direction, by more than the overlap allows."""
        self.touched: dict[int, float] = {}
        """Organization to when it was changed last."""
        self.written: set[int] = set()
        self.created: set[str] = set()
        self.forbidden = self.busy = self.twins = False
        self.last: tuple[ReadRecord, tuple[Organization, ...]] | None = None
        for _ in range(self.random.randint(1, 8)):
            self._create()
        self.passes(self.random.choice([0, 300]))

    def close(self) -> None:
        self.zendesk.close()

    def passes(self, seconds: float) -> None:
        self.zendesk.at += seconds

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.zendesk.at + self.skew, timezone.utc)

    # -- what happens

    def happens(self) -> None:
        """One event."""
        does = self.random.choice(
            [self._create, self._edit, self._edit, self._edit, self._delete, self._undelete, self._import, self._write]
            + [self._time] * 4
            + [self._definition, self._permission, self._clock, self._others, self._twins]
        )
        self.counts[does.__name__.strip("_")] += 1
        does()

    def _create(self) -> None:
        number = self.zendesk.add(self._name(), account_type=self.random.choice([*self._types(), None]))
        self._touch(number)

    def _edit(self, number: int | None = None) -> None:
        ids = self.zendesk.ids
        if not ids:
            return
        number = number or self.random.choice(ids)
        change = self.random.choice(
            [
                {"name": self._name()},
                {"organization_fields": {"account_owner": self._name()}},
                {"organization_fields": {"account_type": self.random.choice(self._types())}},
                {"organization_fields": {"mark_for_deletion": self.random.choice([True, False])}},
                {"notes": self._name()},
            ]
        )
        self.zendesk.edit(number, **change)
        self._touch(number)

    def _delete(self) -> None:
        if len(self.zendesk.ids) > 1:
            number = self.random.choice(self.zendesk.ids)
            self.zendesk.delete(number)
            self._touch(number)

    def _undelete(self) -> None:
        if gone := sorted(self.zendesk.state.organizations.deleted):
            number = self.random.choice(gone)
            self.zendesk.undelete(number)
            self._touch(number)

    def _import(self) -> None:
        """Several at one second: more than a small page holds, so an export of such pages does not move."""
        for _ in range(4):
            self._create()

    def _write(self) -> None:
        """The sync writes, and the archive knows it."""
        if self.random.random() < 0.5:
            external_id = f"0014M00001{self.random.randrange(10**8):08d}"
            self._touch(self.zendesk.add(self._name(), external_id, account_type="open_partner"))
            self.created.add(external_id)
        elif self.zendesk.ids:
            number = self.random.choice(self.zendesk.ids)
            self._edit(number)
            self.written.add(number)

    def _time(self) -> None:
        self.passes(self.random.choice([1, 20, 59, 61, 130, 300, 3600, 3600, 5 * 3600, 26 * 3600]))

    def _definition(self) -> None:
        """A field's options or title change; no organization is shown as changed."""
        if self.random.random() < 0.5:
            self.zendesk.options("account_type", self.random.choice([TYPES, [*REQUIRED, "customer"], REQUIRED]))
        else:
            self.zendesk.state.fields.change("account_owner", {"title": self._name()})

    def _permission(self) -> None:
        self.forbidden = not self.forbidden

    def _clock(self) -> None:
        self.skew += self.random.choice([-5, 5])

    def _others(self) -> None:
        """Others use up the export's own limit of this minute."""
        self.busy = True

    def _twins(self) -> None:
        self.twins = True

    def _types(self) -> list[str]:
        return [option["value"] for option in self.zendesk.state.fields.rows["account_type"]["custom_field_options"]]

    def _name(self) -> str:
        return f"Name {self.random.randrange(10**9)}"

    def _touch(self, number: int) -> None:
        self.touched[number] = self.zendesk.at

    # -- reads

    def _between(self) -> None:
        """People do not wait while we read."""
        if self.random.random() < 0.03:
            self._edit()

    def _answered(self, call: Call, answer: Answer) -> Answer:
        if self.forbidden:
            return FORBIDDEN
        if self.busy:
            self.busy = False
            return Answer(429, {"error": "APIRateLimitExceeded"}, {"Retry-After": "30"})
        if self.twins and answer.status == 200 and answer.body["organizations"]:
            self.twins = False
            rows = answer.body["organizations"]
            answer.body["organizations"] = [{**rows[-1], "name": "Before", "deleted_at": None}, *rows]
        return answer

    def read(self, *, full: bool = False) -> OrganizationsRead:
        """A read on top of the last one, looked at."""
        base = None if self.last is None else self._base(*self.last)
        request, begun = ReadRequest(self.now, "run", self.now, full=full), self.zendesk.at
        found = read_organizations(
            self.zendesk.client,
            write=True,
            schema=SCHEMA,
            base=base,
            request=request,
            progress=lambda *_: None,
        )
        self.last = found.record, found.instance.organizations
        proof = found.instance.proof
        self.counts[f"read {proof.kind} {proof.cause or ''}".strip()] += 1
        self._look_at(found, begun)
        self.written.clear()
        self.created.clear()
        return found

    def _base(self, record: ReadRecord, organizations: tuple[Organization, ...]) -> Base:
        """What the next read builds on; a world with a rule left out has something wrong here."""
        by_id = {one.id: one for one in organizations}
        return Base(record, by_id, frozenset(self.written), frozenset(self.created))

    def _look_at(self, found: OrganizationsRead, begun: float) -> None:
        """It is what a listing shows, except changes during the read, and those of others in the minute before it."""
        shown = {row["id"]: kept(row, SCHEMA) for row in self.zendesk.rows()}
        read = {one.id: one for one in found.instance.organizations}
        assert len(read) == len(found.instance.organizations) == found.instance.proof.read
        ours = self.written | {row["id"] for row in self.zendesk.rows() if row["external_id"] in self.created}
        for number in shown.keys() | read.keys():
            unseen = begun if found.instance.proof.kind == "full" or number in ours else begun - UNSEEN
            if self.touched.get(number, 0) < unseen:
                assert read.get(number) == shown.get(number), number


def converges(number: int, *, direct: bool = True, kind: type[ReadWorld] = ReadWorld) -> Counter[str]:
    """Walks through one world. In the end, changed and full read of it are equal. Returns what happened."""
    world = kind(number, direct)
    try:
        world.read()
        for _ in range(world.random.randint(2, 6)):
            for _ in range(world.random.randint(0, 4)):
                world.happens()
            world.read(full=world.random.random() < 0.05)
        world.passes(180)
        world.zendesk.before = lambda: None
        changed = world.read()
        full = world.read(full=True)
        assert changed.instance.organizations == full.instance.organizations
        assert full.instance.proof.differed == ()
        assert world.zendesk.paths.count(EXPORT) < 40
        return world.counts
    finally:
        world.close()


# -- worlds in which a rule is left out ----------------------------------------------------------------------


class NoOverlap(ReadWorld):
    """An export begins where the last read began."""

    def _base(self, record: ReadRecord, organizations: tuple[Organization, ...]) -> Base:
        begun = record.begun and record.begun + OMITTED
        return super()._base(replace(record, begun=begun), organizations)


class NoDefinitions(ReadWorld):
    """The definitions of fields do not count."""

    def _base(self, record: ReadRecord, organizations: tuple[Organization, ...]) -> Base:
        rules = kept_digest(self.zendesk.client.host, self.zendesk.client.organization_fields(), SCHEMA)
        return super()._base(replace(record, rules=rules), organizations)


class NoWrites(ReadWorld):
    """What was just written is not looked up."""

    def _base(self, record: ReadRecord, organizations: tuple[Organization, ...]) -> Base:
        return replace(super()._base(record, organizations), written=frozenset(), created=frozenset())


class OneClock(ReadWorld):
    """Only one of the two clocks says when a read began."""

    def read(self, *, full: bool = False) -> OrganizationsRead:
        self.times = self.now, datetime.fromtimestamp(self.zendesk.date, timezone.utc)
        found = super().read(full=full)
        self.last = replace(found.record, begun=self.time()), found.instance.organizations
        return found

    def time(self) -> datetime:
        raise NotImplementedError


class OnlyOurs(OneClock):
    def time(self) -> datetime:
        return self.times[0]


class OnlyZendesks(OneClock):
    def time(self) -> datetime:
        return self.times[1]
