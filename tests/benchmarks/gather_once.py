"""Gathers all organizations once, in a process of its own, and prints seconds, calls and memory as JSON.

    python -m tests.benchmarks.gather_once '{"zendesk": CONNECTION}'

The snapshot is archived and written out as an XCom as well: the task does so, and it is part of what the task needs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from partner_sync.archive import codec
from partner_sync.archive.snapshot_store import save_organizations
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.load import load
from partner_sync.gather.organizations import read_organizations
from partner_sync.model import OrganizationsSnapshot
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials
from partner_sync.vendors.zendesk_client import Zendesk
from tests.benchmarks import memory
from tests.benchmarks.stage import CONFIG


def run(connection: dict[str, Any]) -> dict[str, Any]:
    config, host, extra = load(CONFIG.read_text(), "partner_sync.toml"), connection["host"], connection["extra"]
    base_url = f"https://{host}"
    with Session("Zendesk", host, config.calls, endpoint_url=extra["endpoint_url"]) as session:
        credential = ClientCredentials(session, base_url, extra["client_id"], extra["client_secret"])
        client = Zendesk(session, base_url, "global", credential)
        start, begun = memory.now(), time.perf_counter()
        schema = organization_schema(config)
        read = read_organizations(client, write=True, schema=schema, known=(), progress=lambda _read, _announced: None)
        with tempfile.TemporaryDirectory() as archive:
            save_organizations(Path(archive), read.organizations, schema.kept)
        seconds, gathered = time.perf_counter() - begun, memory.peak() - start
    moment = datetime.now(timezone.utc)
    codec.dump(OrganizationsSnapshot(moment, moment, (read,)))
    return {
        "organizations": len(read.organizations),
        "partners": sum(one.fields is not None for one in read.organizations),
        "calls": read.proof.calls,
        "seconds": seconds,
        "megabytes": gathered,
        "megabytes_with_xcom": memory.peak() - start,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.argv[1])["zendesk"])) + "\n")
