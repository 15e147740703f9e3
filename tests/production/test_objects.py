"""Objects on S3, by the client that production has."""

from __future__ import annotations

import socket

import pytest
from upath import UPath

from partner_sync import objects
from partner_sync.errors import StorageError

pytestmark = pytest.mark.production

DOES = {
    "write": lambda root: objects.put(root / "object", "text"),
    "write once": lambda root: objects.put_new(root / "object", "text"),
    "read": lambda root: objects.read(root / "object"),
    "list": lambda root: list(objects.children(root)),
    "remove": lambda root: objects.remove(root / "object"),
}


@pytest.mark.parametrize("does", DOES)
def test_a_store_that_cannot_be_reached_is_a_storage_error_and_never_counts_as_nothing_there(does):
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{asked.getsockname()[1]}"  # where nobody listens
        config = {"retries": {"max_attempts": 0}}
        root = UPath(
            "s3://bucket/archive", key="a", secret="b", client_kwargs={"endpoint_url": url}, config_kwargs=config
        )
        with pytest.raises(
            StorageError, match=f"did not {does.split()[0]} s3://bucket/archive.*EndpointConnectionError"
        ):
            DOES[does](root)
