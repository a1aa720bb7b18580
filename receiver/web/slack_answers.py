"""Answers from Slack, whichever way they come, as one part of the receiver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from receiver.notify.channel import Channel
from receiver.respond import Responder
from receiver.web.slack import SlackHooks
from receiver.web.slack_clicks import SlackClicks
from receiver.web.slack_socket import SlackSockets
from tocsin.clock import Clock


@dataclass(frozen=True, slots=True)
class SlackAnswers:
    """The route for request URLs, and the connections of Socket Mode."""

    hooks: SlackHooks
    sockets: SlackSockets
    clicks: SlackClicks

    @classmethod
    def build(
        cls, responder: Responder, channels: Mapping[str, Channel], clock: Clock, nudge: Callable[[], None]
    ) -> Self:
        """Wires them; `nudge` is called when there may be something new to send."""
        clicks = SlackClicks(responder, clock, nudge)
        return cls(SlackHooks(channels, clicks, clock), SlackSockets(channels, clicks), clicks)

    def routes(self) -> list[web.RouteDef]:
        return self.hooks.routes()

    def configure(self, channels: Mapping[str, Channel]) -> None:
        """Goes on with the channels of another configuration."""
        self.hooks.channels = channels
        self.sockets.configure(channels)

    async def run(self) -> None:
        """Keeps the connections until cancelled; clicks that have begun may end."""
        try:
            await self.sockets.run()
        finally:
            await self.clicks.ended()
