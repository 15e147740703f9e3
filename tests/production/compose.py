"""Reads docker-compose.yaml as Compose does: YAML and its anchors, interpolation, then one service after another."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / "docker-compose.yaml"
EXAMPLE = REPOSITORY / ".env.example"

VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])([^}]*))?\})")


class Missing(Exception):  # noqa: N818 - Compose's own refusal: a variable that has no default is not set
    pass


@dataclass(frozen=True)
class Service:
    """One service: what it runs, with which environment, and which folders of its container are volumes."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    volumes: dict[str, str]
    raw: Mapping[str, Any]

    @property
    def healthcheck(self) -> str:
        return str(self.raw.get("healthcheck", {}).get("test", ""))

    @property
    def profiles(self) -> list[str]:
        return list(self.raw.get("profiles", []))


def load() -> dict[str, Any]:
    """The file as it stands, its anchors resolved."""
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def services(environ: Mapping[str, str]) -> dict[str, Service]:
    """All services under an environment. Raises Missing as Compose refuses to start."""
    whole = interpolated(load(), environ)
    return {name: _service(name, raw, environ) for name, raw in whole["services"].items()}


def interpolated(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: _value(match, environ), value)
    if isinstance(value, list):
        return [interpolated(each, environ) for each in value]
    if isinstance(value, dict):
        return {key: interpolated(each, environ) for key, each in value.items()}
    return value


def example() -> dict[str, str]:
    """What .env.example sets; a line that is commented out is not set."""
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    dollar, plain, braced, operator, word = match.groups()
    if dollar:
        return "$"
    name = plain or braced
    found = environ.get(name)
    there = bool(found) if (operator or "").startswith(":") else found is not None
    match (operator or "").lstrip(":"):
        case "-":
            return str(found) if there else word
        case "+":
            return word if there else ""
        case "?":
            if not there:
                raise Missing(f"required variable {name} is missing a value: {word}")
    return found or ""


def _service(name: str, raw: Mapping[str, Any], environ: Mapping[str, str]) -> Service:
    command = raw.get("command", [])
    environment = {
        key: environ.get(key) if value is None else value for key, value in raw.get("environment", {}).items()
    }
    volumes = (volume.split(":") for volume in raw.get("volumes", []))
    return Service(
        name,
        tuple(shlex.split(command) if isinstance(command, str) else command),
        {key: str(value) for key, value in environment.items() if value is not None},
        {parts[1]: parts[0] for parts in volumes},
        raw,
    )
