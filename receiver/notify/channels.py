"""Every kind of channel, one line each: its settings, and what makes a channel of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Self

from pydantic import Field, create_model, model_validator

from receiver.notify.apprise import AppriseChannel, AppriseSettings
from receiver.notify.channel import Channel
from receiver.notify.email import EmailChannel, EmailSettings
from receiver.notify.pacing import PacingSettings
from receiver.notify.pagerduty import PagerDutyChannel, PagerDutySettings
from receiver.notify.slack import SlackChannel, SlackSettings
from receiver.notify.sns import SnsChannel, SnsSettings
from receiver.notify.teams import TeamsChannel, TeamsSettings
from receiver.notify.text import Writer
from receiver.notify.twilio import CallChannel, CallSettings, SmsChannel, SmsSettings
from receiver.notify.webhook import WebhookChannel, WebhookSettings
from receiver.people.directory import Reaches
from tocsin.config import Settings
from tocsin.errors import MissingExtra

KINDS: Mapping[str, tuple[type[Settings], Callable[[Any, Writer], Channel]]] = {
    "apprise": (AppriseSettings, AppriseChannel),
    "call": (CallSettings, CallChannel),
    "email": (EmailSettings, EmailChannel),
    "pagerduty": (PagerDutySettings, PagerDutyChannel),
    "sms": (SmsSettings, SmsChannel),
    "sns": (SnsSettings, SnsChannel),
    "slack": (SlackSettings, SlackChannel),
    "teams": (TeamsSettings, TeamsChannel),
    "webhook": (WebhookSettings, WebhookChannel),
}

# What a kind is made of beyond the core, and the extra that brings it; each is imported when it is first used.
EXTRAS: Mapping[str, tuple[str, str]] = {
    "apprise": ("apprise", "apprise"),
    "call": ("twilio", "twilio"),
    "pagerduty": ("pdpyras", "pagerduty"),
    "sms": ("twilio", "twilio"),
    "sns": ("boto3", "aws"),
}


class OneChannel(Settings):
    """A channel's name stands before it; inside, exactly one kind with its settings."""

    pacing: PacingSettings | None = Field(None, description="How often it may bother one person.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self._kinds) != 1:
            raise ValueError(f"a channel has exactly one kind of {', '.join(sorted(KINDS))}")
        return self

    @property
    def _kinds(self) -> set[str]:
        return self.model_fields_set - {"pacing"}

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        (kind,) = self._kinds
        return kind

    @property
    def reaches(self) -> Reaches:
        """What a channel of this kind says of itself, without the channel."""
        made: Any = KINDS[self.kind][1]
        found: Reaches = made
        return found

    def build(self, writer: Writer) -> Channel:
        """The channel.

        Raises:
            MissingExtra: what it is made of is not installed; better said at the start than at the first page.
        """
        kind = self.kind
        if kind in EXTRAS and find_spec(EXTRAS[kind][0]) is None:
            raise MissingExtra(*EXTRAS[kind])
        return KINDS[kind][1](getattr(self, kind), writer)


_fields: dict[str, Any] = {kind: (settings | None, Field(default=None)) for kind, (settings, _) in KINDS.items()}
ChannelSettings: type[OneChannel] = create_model("ChannelSettings", __base__=OneChannel, **_fields)
