"""Settles for `compare` what earlier runs abandoned in instances for which its plan has no batch: nobody else would."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_sync.compare.organization_schema import organization_schema
from partner_sync.errors import PartnerSyncError
from partner_sync.model import Batch, Plan
from partner_sync.orchestration import connections, telemetry
from partner_sync.sync.batch_rows import BatchRows
from partner_sync.sync.register import Register
from partner_sync.sync.settling import Settling
from partner_sync.sync.verdicts import OrganizationReader

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.config.load import Config

log = logging.getLogger(__name__)


def settle_abandoned(
    archive: Archive, config: Config, plan: Plan, names: Collection[str], now: Callable[[], datetime], gone: timedelta
) -> None:
    """Settles the abandoned entries of instances. What cannot be settled now, a later run settles.

    :param gone: a process that wrote an entry longer ago is dead
    """
    reader = OrganizationReader(organization_schema(config))
    for instance in config.instances:
        name = instance.name
        if name not in names or all(entry.settled for entry in archive.open_jobs(name)):
            continue
        none = Batch(plan.order, plan.run_id, name, "update", "compare", index=0, of=1, digest="", changes=())
        try:
            zendesk = connections.zendesk(instance, config.calls)
            register = Register(archive, zendesk, none, config.sync, config.calls, now)
            Settling(register, BatchRows(none, zendesk, archive, reader, now, now(), 0), gone).settle()
            telemetry.calls(name, zendesk.calls)
        except PartnerSyncError as error:
            log.warning("what was abandoned in %s is not settled yet: %s", name, error)
