"""Answers from Slack by Socket Mode: we call, so that nothing needs to reach us from outside.

Each replica has a connection of its own (Slack allows ten), and Slack sends each click to one of them.
Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
import structlog

from receiver.notify.channel import Channel
from receiver.notify.slack import SlackChannel
from receiver.notify.slack_calls import sdk_log
from receiver.web.slack import ANSWER_SECONDS, slack_channels
from receiver.web.slack_clicks import SlackClicks
from receiver.web.slack_payload import read
from tocsin.config import read_secret
from tocsin.errors import TocsinError

log = structlog.get_logger("receiver.slack")

CONNECT_SECONDS = 30.0  # the address that Slack gives is good for as long
LOOK_SECONDS = 5.0
LOST_SECONDS = 30.0  # slack-sdk connects again by itself; after this we begin anew
LONGEST_WAIT_SECONDS = 60.0


class SlackSockets:
    """Keeps a connection for every Slack channel that has an app-level token."""

    def __init__(self, channels: Mapping[str, Channel], clicks: SlackClicks) -> None:
        self._channels = channels
        self._clicks = clicks
        self._changed = asyncio.Event()

    def configure(self, channels: Mapping[str, Channel]) -> None:
        """Goes on with the channels of another configuration."""
        self._channels = channels
        self._changed.set()

    async def run(self) -> None:
        """Keeps the connections until cancelled."""
        kept: dict[SlackChannel, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                wanted = {one for one in slack_channels(self._channels) if one.settings.app_token_file is not None}
                for gone in kept.keys() - wanted:
                    kept.pop(gone).cancel()
                for new in wanted - kept.keys():
                    kept[new] = tasks.create_task(self._keep(new), name="slack")
                await self._changed.wait()

    async def _keep(self, channel: SlackChannel) -> None:
        """Connects, and again when that is lost; an unchanged reason is told once."""
        from slack_sdk.errors import SlackClientError

        told, wait = "", 1.0
        while True:
            try:
                await self._connected(channel)
                told, wait = "", 1.0
            except (TocsinError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = f"{type(error).__name__}: {error}" if isinstance(error, TocsinError) else _named(error)
                if reason != told:
                    log.warning("Slack's Socket Mode cannot be reached; buttons wait for it", reason=reason)
                told, wait = reason, min(wait * 2, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(wait)

    async def _connected(self, channel: SlackChannel) -> None:
        """One connection, from its beginning until it is lost for good."""
        from slack_sdk.socket_mode.aiohttp import SocketModeClient
        from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
        from slack_sdk.socket_mode.request import SocketModeRequest
        from slack_sdk.socket_mode.response import SocketModeResponse

        assert channel.settings.app_token_file is not None  # only those are connected
        token = read_secret(channel.settings.app_token_file)

        async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            if request.type != "interactive" or await self._taken(channel, request.payload):
                await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

        client = SocketModeClient(token, sdk_log(), channel.calls.client(""), ping_interval=LOOK_SECONDS)
        client.socket_mode_request_listeners.append(listen)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect_to_new_endpoint(force=True)
            log.info("Slack's Socket Mode is connected")
            lost = 0.0
            while lost < LOST_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
                lost = 0.0 if await client.is_connected() else lost + LOOK_SECONDS
        finally:
            await client.close()  # type: ignore[no-untyped-call]

    async def _taken(self, channel: SlackChannel, payload: dict[str, object]) -> bool:
        """Whether a click was taken; where it was not, Slack is left without an answer and says so to who clicked."""
        try:
            click = read(payload)
        except ValueError as error:
            log.warning("a payload of Slack is not understood", reason=str(error))
            return True
        return click is None or await self._clicks.take(click, channel, ANSWER_SECONDS)


def _named(error: Exception) -> str:
    """What a library says of an error, without what it was asked with: Slack's own word, else the kind."""
    data = getattr(getattr(error, "response", None), "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else type(error).__name__
