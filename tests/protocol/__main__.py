"""Runs many schedules: `python -m tests.protocol SCHEDULES [RULE ...] [--processes N] [--trace SEED]`.

The rules named are removed together; with "each", every rule in turn. `--trace` prints what happens in one schedule.
Findings are explained in `judge.py`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from rich.console import Console

from tests.protocol.rules import NAMES, Rules
from tests.protocol.world import World

console = Console(highlight=False, markup=False, soft_wrap=True)


def findings(seed: int, rules: Rules) -> Counter[str]:
    return World(seed, rules).run().found


def run(schedules: int, rules: Rules, processes: int | None) -> None:
    """Prints each finding: how often, in how many schedules, and the first seeds."""
    total: Counter[str] = Counter()
    seeds: dict[str, list[int]] = defaultdict(list)
    began = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        for seed, found in enumerate(pool.map(partial(findings, rules=rules), range(schedules), chunksize=100)):
            total.update(found)
            for what in +found:
                seeds[what].append(seed)
    for what, where in sorted(seeds.items()):
        console.print(f"    {what}: {total[what]} in {len(where)} schedules, first {where[:4]}")
    console.print(f"    {schedules} schedules, {time.monotonic() - began:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.protocol", description=__doc__)
    parser.add_argument("schedules", type=int)
    parser.add_argument("removed", nargs="*", choices=[*NAMES, "each", []], metavar="RULE")
    parser.add_argument("--processes", type=int, help="default: one per core")
    parser.add_argument("--trace", type=int, metavar="SEED")
    arguments = parser.parse_args()
    removals = [[name] for name in NAMES] if arguments.removed == ["each"] else [arguments.removed]
    for removed in removals:
        console.print(f"without {', '.join(removed)}" if removed else "all rules")
        rules = Rules(**dict.fromkeys(removed, False))
        if arguments.trace is None:
            run(arguments.schedules, rules, arguments.processes)
        else:
            console.print(dict(World(arguments.trace, rules, printed=console.print).run().found))


if __name__ == "__main__":
    main()
