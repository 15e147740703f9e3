"""The provider's Apprise notifier, with an error if a service did not accept the message.

A module of its own: the provider of Apprise is imported only if its Connection exists.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.apprise.notifications.apprise import AppriseNotifier
from apprise import Apprise


class CheckedAppriseNotifier(AppriseNotifier):  # type: ignore[misc]  # the providers ship no types
    """The provider's hook ignores the result of Apprise, so a message that reached nobody would count as sent."""

    def notify(self, context: Any) -> None:  # noqa: ARG002 - the notifier's signature
        apprise = Apprise()
        self.hook.set_config_from_conn(self.hook.get_connection(self.apprise_conn_id), apprise)
        if not apprise.notify(body=self.body, title=self.title, notify_type=self.notify_type, tag=self.tag):
            raise OSError("not every service accepted the message")
