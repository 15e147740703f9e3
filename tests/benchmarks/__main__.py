"""`make bench`: every number to reach as measured, beside its target. Exits with 1 where one is missed.

    python -m tests.benchmarks [quick] [counted] [keep] [compare] [gather] [run] [writing] [page] [schedule]

Everything is real: a sandbox in its own process, the real scheduler, new processes. "quick" runs a slice of less than
three minutes; names select parts. With "counted", only counts and not times decide the exit code, for machines with
other work. Results go to bench.json in PARTNER_SYNC_HOME; with "keep", a whole run is kept, and `make docs` shows it
in the documentation.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console

from partner_sync.local.home import Home
from partner_sync.local.progress import Progress, show
from tests.benchmarks import every_five_minutes, page, reads, single, writing
from tests.benchmarks.measurements import KEPT, Measurement, missed, not_measured, table

PARTS = {
    "compare": single.compare,
    "gather": reads.gather,
    "run": single.make_run,
    "writing": writing.writing,
    "page": page.page,
    "schedule": every_five_minutes.every_five_minutes,
}
SUITE_SECONDS = 240


def main(arguments: list[str]) -> int:
    unknown = set(arguments) - {"quick", "counted", "keep", *PARTS}
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False, markup=False)
    if unknown:
        console.print(f"Unknown: {', '.join(sorted(unknown))}. Known: quick, counted, keep, {', '.join(PARTS)}")
        return 2
    if "keep" in arguments and set(arguments) - {"keep"}:
        console.print("Only a whole run is kept: `make bench ARGS=keep`.")
        return 2
    quick, chosen = "quick" in arguments, [name for name in PARTS if name in arguments] or list(PARTS)
    measurements: list[Measurement] = []
    busy = os.getloadavg()[0]
    with Progress(console) as progress, tempfile.TemporaryDirectory(prefix="partner-sync-bench-") as folder:
        for name in chosen:
            progress.doing(name)
            for measurement in PARTS[name](Path(folder), quick):
                progress.line(
                    name, f"{measurement.what}: {measurement.measured}", "failed" if measurement.met is False else ""
                )
                measurements.append(measurement)
    measurements.append(_suite())
    console.print()
    show(console, table(measurements))
    wrong = missed(measurements, counted_only="counted" in arguments)
    console.print(f"\n{os.cpu_count()} cores, load {busy:.1f} when it began, {len(missed(measurements))} missed")
    _keep(measurements, busy, keep="keep" in arguments)
    return 1 if wrong else 0


def _suite() -> Measurement:
    """What `make test` took when it was last run whole."""
    what, target, kept = "the test suite", "under 4 minutes", Home.of(os.environ).root / "suite.json"
    if not kept.exists():
        return not_measured(what, target, "run `make test` before this")
    told = json.loads(kept.read_text())
    measured = f"{told['passed']:,} tests in {told['seconds']} s"
    return Measurement(what, target, measured, told["seconds"] < SUITE_SECONDS, timed=True)


def _keep(measurements: list[Measurement], busy: float, *, keep: bool) -> None:
    home = Home.of(os.environ)
    home.root.mkdir(parents=True, exist_ok=True)
    told = {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": busy,
        "measurements": [measurement.as_json() for measurement in measurements],
    }
    text = json.dumps(told, indent=1) + "\n"
    (home.root / "bench.json").write_text(text)
    if keep:
        KEPT.write_text(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
