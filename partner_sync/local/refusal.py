"""What ends a command before it has begun."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - a refusal is not an error: the command does as it should
    """The command can't do what was asked; the message is one line with the next step. Exit code 2."""
