"""Text messages by SNS, against moto, which speaks its protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from moto.server import ThreadedMotoServer

from receiver.notify.channel import ChannelRefused, ChannelUnavailable, close
from receiver.notify.sns import verdict
from tests.receiver.notify.cases.case import PAGE, build
from tests.receiver.notify.cases.sns import KEYS


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with mock.patch.dict(os.environ, KEYS):
        yield f"http://{host}:{port}"
    server.stop()


async def test_sent(moto: str) -> None:
    """A message goes out to the number, and SNS's name for it is kept."""
    channel = build("sns", {"region": "eu-central-1", "endpoint_url": moto, "sender_id": "Tocsin"})
    receipt = await channel.send(PAGE)
    await close([channel])
    assert len(receipt.reference) == 36


async def test_no_number() -> None:
    """A step that names the channel needs a number of its own."""
    channel = build("sns", {"region": "eu-central-1"})
    with pytest.raises(ChannelRefused, match="set `to`"):
        await channel.send(replace(PAGE, to=None))
    await close([channel])


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, ChannelUnavailable),
        ("ThrottledException", 429, ChannelUnavailable),
        ("InternalError", 500, ChannelUnavailable),
        ("InvalidParameter", 400, ChannelRefused),
        ("AuthorizationError", 403, ChannelRefused),
        ("OptedOut", 400, ChannelRefused),
    ],
)
def test_errors(code: str, status: int, kind: type[Exception]) -> None:
    """What passes by itself comes again; what must be mended is final."""
    response = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert isinstance(verdict(response), kind)
