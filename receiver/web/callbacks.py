"""Where the far sides of channels call back: each proves itself by its own signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from receiver.decide import Decider
from receiver.notify.channel import Channel
from receiver.respond import Responder
from receiver.store.queries import Queries
from receiver.web import pagerduty, twilio
from receiver.web.uploads import Uploads
from tocsin.clock import Clock


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The kinds of channels that take answers."""

    pagerduty: pagerduty.PagerDutyHooks
    twilio: twilio.TwilioHooks

    @classmethod
    def build(
        cls,
        *,
        responder: Responder,
        decider: Decider,
        queries: Queries,
        channels: Mapping[str, Channel],
        uploads: Uploads,
        clock: Clock,
        external_url: str,
        wake: Callable[[], None],
    ) -> Self:
        """`wake` is called when something may be due because of what came in."""
        return cls(
            pagerduty.PagerDutyHooks(responder, queries, channels, uploads, clock, wake),
            twilio.TwilioHooks(responder, decider, queries, channels, uploads, clock, external_url, wake),
        )

    def routes(self) -> list[web.RouteDef]:
        return [*self.pagerduty.routes(), *self.twilio.routes()]

    def configure(self, channels: Mapping[str, Channel], external_url: str) -> None:
        """Goes on with another configuration."""
        self.pagerduty.channels = self.twilio.channels = channels
        self.twilio.external_url = external_url
