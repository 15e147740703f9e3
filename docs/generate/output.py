"""Output of commands for the documentation: two runs against a new sandbox, and the story of an organization."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
COMMANDS: Mapping[str, tuple[str, str]] = {
    "output of the first run": ("local run", "make run"),
    "output of the second run": ("local run", "make run"),
    "output of why": ("why palisade", "python -m partner_sync.why palisade"),
}
"""Name of a part to its arguments of `python -m partner_sync.`, and to the command as a reader types it."""

SHORT = "short output of the first run"


def run(home: Path) -> dict[str, str]:
    """Runs all commands in a new home; the name of each part to its output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    environ |= {"PARTNER_SYNC_HOME": str(home), "COLUMNS": "100"}
    made = {}
    for name, (arguments, _) in COMMANDS.items():
        done = subprocess.run(  # noqa: S603 - our own arguments
            [sys.executable, "-m", *f"partner_sync.{arguments}".split()],
            cwd=REPOSITORY,
            env=environ,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        made[name] = done.stdout.replace(str(home), ".partner_sync").rstrip()
    return made


def blocks(outputs: Mapping[str, str]) -> dict[str, str]:
    """The parts of the documentation: each output as a code block, and the first run in short."""
    made = {name: block(f"$ {COMMANDS[name][1]}\n{output}") for name, output in outputs.items()}
    return {**made, SHORT: block(shortened(outputs["output of the first run"]))}


def block(text: str) -> str:
    return f"```text\n{text}\n```"


def shortened(output: str) -> str:
    """The summary of a run without its progress: of each section the first items, of each item the first lines."""
    _, _, summary = output.partition("\n\n")
    sections = [
        [line for line in section.splitlines() if line] for section in re.split(r"\n(?=\S.* ─+\n)|\n\n", summary)
    ]
    return "\n\n".join("\n".join(_first_items(section)) for section in filter(None, sections))


def _first_items(section: list[str], lines: int = 3) -> Iterator[str]:
    items, seen, within = 1 if section[0].startswith("Problems") else 3, 0, 0
    for line in section:
        if not line.startswith("   "):
            seen, within = seen + line.startswith("  "), 0
        within += 1
        if seen <= items and within <= lines:
            yield line
        elif seen <= items and within == lines + 1:
            yield "    …"
    if seen > items:
        yield "  …"


def steady(output: str) -> list[str]:
    """Lines of an output without progress, and without what differs from run to run: times, ids, places."""
    lines = []
    for line in output.splitlines():
        if not re.match(r"\s*\d+\.\d s ", line):
            line = re.sub(r"\d+\.\d s|V3-[0-9a-f]{32}|─+", "", line)
            line = re.sub(r"\S*(?:archive/runs|logs/run-)\S*", "", line)
            moments = r"\d{4}-\d\d-\d\d[T ][\d:.+]+|seen \d+ [A-Z][a-z]+|\(just now\)|\(\d+ minutes? ago\)"
            line = re.sub(rf"{moments}|(?<=127\.0\.0\.1):\d+", "", line)
            lines.append(" ".join(line.split()))
    return [line for line in lines if line]


def main() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return blocks(run(Path(folder) / "home"))
