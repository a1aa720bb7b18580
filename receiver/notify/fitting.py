"""What channels need that other parts of the configuration say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from receiver.notify.channels import OneChannel
from receiver.notify.pagerduty import PagerDutySettings
from receiver.notify.twilio import SmsSettings
from tocsin.config import Fault


def faults(channels: Mapping[str, OneChannel], roles: Collection[str], external_url: str) -> Iterator[Fault]:
    """Channels whose answers could not come in, or would be nobody's."""
    for name, channel in channels.items():
        kind = channel.kind
        settings: Any = getattr(channel, kind)
        if isinstance(settings, PagerDutySettings) and settings.answers_as not in ("", *roles):
            known = ", ".join(sorted(roles))
            yield Fault(
                ("channels", name, kind, "answers_as"),
                f"there is no role {settings.answers_as!r}",
                f'known roles: {known}; or "" if only users may answer',
            )
        if isinstance(settings, SmsSettings) and settings.replies and not external_url:
            yield Fault(
                ("channels", name, kind, "replies"),
                "replies cannot come in: external_url is not set",
                "set external_url to where Twilio reaches this receiver",
            )
