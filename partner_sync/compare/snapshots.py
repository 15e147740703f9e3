"""The two snapshots of a run, checked and matched once; plan, partner states and adoption are derived from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from partner_sync.compare.change_keys import field_digest
from partner_sync.compare.desired import Desired, desired
from partner_sync.compare.matching import Matches, match
from partner_sync.compare.organization_schema import OrganizationSchema, organization_schema
from partner_sync.compare.soql import selected_fields
from partner_sync.config.load import Config
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.model import (
    AccountsSnapshot,
    InstanceRead,
    Organization,
    OrganizationsSnapshot,
    ReadProof,
    UnreadInstance,
)


@dataclass(frozen=True, slots=True)
class MatchedInstance:
    """The organizations of one instance, each once, sorted by id; `partners` are those of a partner type.

    `rules` is the digest of every field's rule and definition, by field.
    """

    name: str
    write: bool
    proof: ReadProof
    organizations: tuple[Organization, ...]
    partners: tuple[Organization, ...]
    matches: Matches
    digest: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatchedSnapshots:
    """What every organization should be, and which organization belongs to which account, in the order of the config's
    instances."""

    config: Config
    schema: OrganizationSchema
    accounts: AccountsSnapshot
    desired: Desired
    instances: tuple[MatchedInstance, ...]
    unread: tuple[UnreadInstance, ...] = ()

    def unread_fields(self) -> dict[str, list[int]]:
        """Instance to ids of organizations to adopt: they belong to an account, but were kept without fields."""
        if self.config.adoption == "problem":
            return {}
        found = {
            instance.name: sorted(
                organization.id
                for account_id, organization in instance.matches.matched.items()
                if organization.fields is None and account_id in self.desired.accounts
            )
            for instance in self.instances
        }
        return {name: ids for name, ids in found.items() if ids}

    def with_read(self, read: Mapping[str, Iterable[Organization]]) -> MatchedSnapshots:
        """Replaces organizations by newer reads and matches their instances again."""
        if not read:
            return self
        return replace(self, instances=tuple(self._with_read(one, read.get(one.name)) for one in self.instances))

    def under(
        self, config: Config, wanted: Desired, organizations: Mapping[str, Iterable[Organization]]
    ) -> MatchedSnapshots:
        """The same reads, matched by other rules; `organizations` are those of each instance."""
        schema = organization_schema(config)
        reads = [
            InstanceRead(one.name, one.write, one.proof, tuple(organizations[one.name]), one.digest)
            for one in self.instances
        ]
        instances = tuple(
            replace(_matched(schema, wanted, read), rules=one.rules)
            for one, read in zip(self.instances, reads, strict=True)
        )
        return replace(self, config=config, schema=schema, desired=wanted, instances=instances)

    def _with_read(self, instance: MatchedInstance, read: Iterable[Organization] | None) -> MatchedInstance:
        if read is None:
            return instance
        newer = {organization.id: organization for organization in read}
        organizations = tuple(newer.get(old.id, old) for old in instance.organizations)
        read_again = InstanceRead(instance.name, instance.write, instance.proof, organizations, instance.digest)
        return replace(_matched(self.schema, self.desired, read_again), rules=instance.rules)


def match_snapshots(
    config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot
) -> MatchedSnapshots:
    """Maps every account and matches it with the organizations of every instance.

    :raises SnapshotError: if a snapshot cannot be what a complete read gives.
    """
    _check(config, accounts, organizations)
    schema, wanted = organization_schema(config), desired(config, accounts.rows)
    reads = {read.instance: read for read in organizations.instances}
    instances = tuple(
        _matched(schema, wanted, replace(reads[one.name], write=one.write and reads[one.name].write))
        for one in config.instances
        if one.name in reads
    )
    return MatchedSnapshots(config, schema, accounts, wanted, instances, organizations.unread)


def refuse_old(
    accounts: AccountsSnapshot, organizations: OrganizationsSnapshot, now: datetime, max_age_hours: float
) -> None:
    """Raises SnapshotError for a snapshot older than a plan may be: a partner added since would be created twice."""
    for task, begun in (("gather_accounts", accounts.begun), ("gather_organizations", organizations.begun)):
        hours = (now - begun).total_seconds() / 3600
        if hours > max_age_hours:
            raise SnapshotError(
                f"The snapshot of {task} is {hours:.1f} h old; the limit is {max_age_hours:g} h. {CLEAR_BOTH}"
            )


def _matched(schema: OrganizationSchema, wanted: Desired, read: InstanceRead) -> MatchedInstance:
    by_id = {organization.id: organization for organization in read.organizations}  # pages may overlap
    organizations = tuple(by_id[number] for number in sorted(by_id))
    partners = tuple(one for one in organizations if schema.is_partner(one.account_type))
    found = match(schema, read.instance, sorted(wanted.known), organizations)
    rules = {key: field_digest(rule, read.definitions.get(key, "")) for key, rule in schema.rules.items()}
    proof, digest, titles = read.proof, read.digest, read.titles
    return MatchedInstance(read.instance, read.write, proof, organizations, partners, found, digest, rules, titles)


def _refuse_skewed(accounts: AccountsSnapshot, organizations: OrganizationsSnapshot, max_minutes: float) -> None:
    """Raise SnapshotError for snapshots of two times: a partner signed in between would be marked or created twice."""
    minutes = abs((accounts.begun - organizations.begun).total_seconds()) / 60
    if minutes > max_minutes:
        older = "gather_accounts" if accounts.begun < organizations.begun else "gather_organizations"
        raise SnapshotError(
            f"The snapshot of {older} was begun {minutes:.0f} minutes before the other one; the limit is"
            f" {max_minutes:g} minutes. {CLEAR_BOTH}"
        )


def _check(config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot) -> None:
    """The gather tasks refuse incomplete reads, so a snapshot that is incomplete here lost rows in between."""
    _refuse_skewed(accounts, organizations, config.reads.max_skew_minutes)
    if not accounts.rows or len(accounts.rows) != accounts.proof.read:
        raise SnapshotError(
            f"The account snapshot has {len(accounts.rows)} rows, but {accounts.proof.read} were read: it is"
            f" incomplete. {CLEAR_BOTH}"
        )
    if missing := set(selected_fields(config)).difference(accounts.rows[0]):
        raise SnapshotError(
            f"The account snapshot was taken under another config: it has no {', '.join(sorted(missing))}. {CLEAR_BOTH}"
        )
    names = [instance.name for instance in config.instances]
    read = [one.instance for one in organizations.instances]
    read += [one.instance for one in organizations.unread]
    if sorted(names) != sorted(read):
        raise SnapshotError(
            f"The organization snapshot has {', '.join(read) or 'no instance'}, the config has {', '.join(names)}."
            f" {CLEAR_BOTH}"
        )
    for one in organizations.instances:
        if not one.organizations or len(one.organizations) != one.proof.read:
            raise SnapshotError(
                f"The snapshot of {one.instance} has {len(one.organizations)} organizations, but {one.proof.read}"
                f" were read: it is incomplete. {CLEAR_BOTH}"
            )
