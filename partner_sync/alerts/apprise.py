"""Apprise's notifier as its provider has it, but one that tells when no service took the message."""

from __future__ import annotations

from typing import Any

from airflow.providers.apprise.notifications.apprise import AppriseNotifier
from apprise import Apprise


class CheckedAppriseNotifier(AppriseNotifier):  # type: ignore[misc]  # the providers ship no types
    """The provider's hook drops Apprise's answer, so a message that reached nobody would look like one that did."""

    def notify(self, context: Any) -> None:  # noqa: ARG002 - the notifier's signature
        apprise = Apprise()
        self.hook.set_config_from_conn(self.hook.get_connection(self.apprise_conn_id), apprise)
        if not apprise.notify(body=self.body, title=self.title, notify_type=self.notify_type, tag=self.tag):
            raise OSError("not every service took the message")
