"""The exception that ends a command before it starts."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - a refusal is no error of ours
    """The command cannot do what was asked. The message is one line with the next step; the exit code is 2."""
