"""Gathers the organizations of one instance several times, in a process of its own, and prints what it took as JSON.

    python -m tests.benchmarks.gather_once '{"zendesk": CONNECTION}' ARCHIVE [full]

The first read lists all. With an ARCHIVE that a call before has used, it reads what changed, unless it is to be full.
The snapshot is archived and written out as an XCom as well: the task does so, and it is part of what the task needs.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from partner_sync.archive import codec
from partner_sync.archive.archive import Archive
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.load import load
from partner_sync.gather.changed_read import ReadRequest
from partner_sync.model import OrganizationsSnapshot
from partner_sync.orchestration.organization_reads import read_instance
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials
from partner_sync.vendors.zendesk_client import Zendesk
from tests.benchmarks import memory
from tests.benchmarks.stage import CONFIG


def run(connection: dict[str, Any], folder: Path, full: bool) -> dict[str, Any]:
    config, host, extra = load(CONFIG.read_text(), "partner_sync.toml"), connection["host"], connection["extra"]
    base_url, schema, moment = f"https://{host}", organization_schema(config), datetime.now(timezone.utc)
    with Session("Zendesk", host, config.calls, endpoint_url=extra["endpoint_url"]) as session:
        credential = ClientCredentials(session, base_url, extra["client_id"], extra["client_secret"])
        client = Zendesk(session, base_url, "global", credential)
        start, begun = memory.now(), time.perf_counter()
        request = ReadRequest(moment, "run", moment, full=full)
        read = read_instance(Archive(folder), config.instances[0], client, schema, request, lambda *_: None)
        gathered = memory.peak() - start
        codec.dump(OrganizationsSnapshot(moment, moment, (read,)))
        seconds = time.perf_counter() - begun
    return {
        "kind": read.proof.kind,
        "organizations": len(read.organizations),
        "partners": sum(one.fields is not None for one in read.organizations),
        "calls": read.proof.calls,
        "seconds": seconds,
        "megabytes": gathered,
        "megabytes_with_xcom": memory.peak() - start,
        "snapshot_bytes": (folder / "snapshots" / f"{read.digest}.json.gz").stat().st_size,
    }


if __name__ == "__main__":
    found = run(json.loads(sys.argv[1])["zendesk"], Path(sys.argv[2]), "full" in sys.argv[3:])
    sys.stdout.write(json.dumps(found) + "\n")
