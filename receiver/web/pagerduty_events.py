"""PagerDuty's v3 webhooks: who signed one, and what it says.

Source: developer.pagerduty.com, Webhooks v3 (overview, verifying signatures).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from receiver.notify.pagerduty import PagerDutySettings
from tocsin.config import read_secret

MOST_SIGNATURES = 20  # in one request


class Reference(msgspec.Struct):
    """Something of PagerDuty's, by its id."""

    id: str = ""
    type: str = ""
    summary: str = ""
    email: str = ""


class Data(msgspec.Struct):
    """An incident of PagerDuty's, or a note on one."""

    id: str = ""
    incident_key: str | None = None
    content: str = ""
    assignees: list[Reference] = []
    incident: Reference | None = None


class Happened(msgspec.Struct):
    """One event of theirs."""

    id: str
    event_type: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    agent: Reference | None = None
    data: Data = msgspec.field(default_factory=Data)


class Delivery(msgspec.Struct):
    """The body of a webhook."""

    event: Happened


decode = msgspec.json.Decoder(Delivery).decode


def signed_by(candidates: Iterable[PagerDutySettings], given: Sequence[str], body: bytes) -> PagerDutySettings | None:
    """The settings whose secret signed the body. Every secret is tried on every signature: the time tells nothing.

    Raises:
        TocsinError: a secret cannot be read.
    """
    signatures = [one.strip().encode() for header in given for one in header.split(",")][:MOST_SIGNATURES]
    found = None
    for settings in candidates:
        secrets = read_secret(settings.webhook_secret_file).split() if settings.webhook_secret_file else []
        for secret in secrets:
            right = b"v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
            for one in signatures:
                if hmac.compare_digest(right, one):
                    found = settings
    return found
