"""The sandbox: Salesforce and Zendesk over real HTTP on loopback, stateful, with faults on demand."""

from .client import Control, Controls
from .control import ControlError
from .ids import is_salesforce_id, salesforce_id
from .sandbox import Sandbox
from .settings import Settings
from .world import PINNED_ACCOUNT_ID, World, an_empty_world, default_world, large_world

__all__ = [
    "PINNED_ACCOUNT_ID",
    "Control",
    "ControlError",
    "Controls",
    "Sandbox",
    "Settings",
    "World",
    "an_empty_world",
    "default_world",
    "is_salesforce_id",
    "large_world",
    "salesforce_id",
]
