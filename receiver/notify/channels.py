"""Every kind of channel, one line each: its settings, and what makes a channel of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import Field, create_model, model_validator

from receiver.notify.channel import Channel
from receiver.notify.email import EmailChannel, EmailSettings
from receiver.notify.text import Writer
from receiver.notify.webhook import WebhookChannel, WebhookSettings
from tocsin.config import Settings

KINDS: Mapping[str, tuple[type[Settings], Callable[[Any, Writer], Channel]]] = {
    "email": (EmailSettings, EmailChannel),
    "webhook": (WebhookSettings, WebhookChannel),
}


class OneChannel(Settings):
    """A channel's name stands before it; inside, exactly one kind with its settings."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a channel has exactly one kind of {', '.join(sorted(KINDS))}")
        return self

    def build(self, writer: Writer) -> Channel:
        (kind,) = self.model_fields_set
        return KINDS[kind][1](getattr(self, kind), writer)


_fields: dict[str, Any] = {kind: (settings | None, Field(default=None)) for kind, (settings, _) in KINDS.items()}
ChannelSettings: type[OneChannel] = create_model("ChannelSettings", __base__=OneChannel, **_fields)
