"""A receiver whose channels are real ones that talk to far sides on loopback, and whose far sides call back."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from twilio.request_validator import RequestValidator

from receiver.config import ReceiverConfig
from receiver.notify.channel import Channel, close
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, receiver
from tests.receiver.notify.cases.case import SECRET, Far, build, secret_file
from tests.receiver.notify.cases.pagerduty import server as pagerduty_server
from tests.receiver.notify.cases.sms import ACCOUNT
from tests.receiver.notify.cases.sms import server as twilio_server
from tocsin.guard import Guard

EXTERNAL = "https://tocsin.example.org/base"
PAGERDUTY = "/api/v2/hooks/pagerduty"
ALICE = {"id": "PALICE1", "type": "user_reference", "summary": "Alice A."}
EVE = {"id": "PEVE001", "type": "user_reference", "summary": "Eve\nE."}
OURSELVES = {"id": "PSERVI1", "type": "service_reference", "summary": "Production"}
TWILIO = {"account_sid": ACCOUNT, "from": "+15005550006"}
PEOPLE: dict[str, Any] = {
    "alice": {
        "contacts": {"phone": "+4930123456", "pagerduty": "PALICE1"},
        "notification_rules": [{"channel": "sms"}, {"channel": "call", "after": "5m"}],
    },
    "bob": {"contacts": {"phone": "+4930123457", "pagerduty": "PBOB001"}, "language": "de"},
    "vera": {"contacts": {"phone": "+4930123458", "pagerduty": "PVERA01"}, "roles": ["viewer"]},
}


@dataclass
class Hooked:
    """The receiver, and what PagerDuty and Twilio heard."""

    tocsin: Harness
    channels: Mapping[str, Channel]
    pagerduty: Far
    twilio: Far
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def open(self, name: str = "HighLatency") -> str:
        """An incident opens, and whoever the first step means is told."""
        assert await self.tocsin.post(body(alert(name), group=name)) == 200
        named = [one["id"] for one in await self.tocsin.incidents() if one["title"].startswith(name)]
        return str(named[0])

    async def incident(self, incident: str) -> dict[str, Any]:
        """As the API tells it."""
        told: dict[str, Any] = await self.tocsin.get(f"/api/v1/incidents/{incident}")
        return told

    def events(self) -> list[str]:
        """What PagerDuty heard, in order."""
        return [json.loads(heard.body)["event_action"] for heard in self.pagerduty.heard]

    def forms(self) -> list[dict[str, str]]:
        """What Twilio heard, in order."""
        return [{name: value[0] for name, value in parse_qs(one.body.decode()).items()} for one in self.twilio.heard]

    async def happens(
        self,
        what: str,
        key: str,
        agent: Mapping[str, str] | None = None,
        *,
        number: int | None = None,
        at: datetime | None = None,
        secret: str = SECRET,
        **data: Any,
    ) -> tuple[int, dict[str, Any]]:
        """Something happens in PagerDuty, which tells us."""
        event = {
            "id": f"event-{next(self.numbers) if number is None else number}",
            "event_type": f"incident.{what}",
            "resource_type": "incident",
            "occurred_at": (at or self.tocsin.clock.now()).isoformat(),
            "agent": agent,
            "client": None,
            "data": {"id": f"Q{key}", "type": "incident", "incident_key": key} | data,
        }
        content = json.dumps({"event": event}).encode()
        signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        headers = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={signature}"}
        answer = await self.tocsin.client.post(PAGERDUTY, data=content, headers=headers)
        await self.tocsin.settle()
        return answer.status, await answer.json(content_type=None)

    async def calls_back(self, url: str, token: str = SECRET, signed_for: str = "", **said: str) -> tuple[int, str]:
        """Twilio calls back."""
        signature = RequestValidator(token).compute_signature(signed_for or url, said)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        path = url.removeprefix(EXTERNAL)
        answer = await self.tocsin.client.post(path, data=urlencode(said), headers=headers)
        await self.tocsin.settle()
        return answer.status, await answer.text()

    async def reply(self, text: str, number: str = "+4930123456") -> str:
        """Somebody writes back; what they are told."""
        sid = f"SM{next(self.numbers):032}"
        url = f"{EXTERNAL}/api/v2/hooks/twilio/sms/replies"
        status, said = await self.calls_back(url, From=number, To="+15005550006", Body=text, MessageSid=sid)
        assert status == 200
        return said


@asynccontextmanager
async def hooked(
    folder: Path, *steps: tuple[str, list[str]], guard: Guard | None = None, **pagerduty: Any
) -> AsyncIterator[Hooked]:
    """A receiver with the channels pd, sms and call, and three users; steps as in the configuration."""
    far, twilio = Far(), Far()
    secret = secret_file(folder)
    async with pagerduty_server(far) as far_url, twilio_server(twilio) as twilio_url:
        shared = TWILIO | {"auth_token_file": secret, "url": twilio_url}
        kinds: dict[str, dict[str, Any]] = {
            "pd": {
                "pagerduty": {"routing_key_file": secret, "webhook_secret_file": secret, "url": far_url} | pagerduty
            },
            "sms": {"sms": shared | {"replies": True}},
            "call": {"call": shared},
        }
        wanted = [{"after": after, "notify": notify} for after, notify in steps]
        config = ReceiverConfig.model_validate(
            {"channels": kinds, "users": PEOPLE, "escalation": {"steps": wanted}, "external_url": EXTERNAL}
        )
        channels = {name: build(*next(iter(kind.items()))) for name, kind in kinds.items()}
        async with receiver(folder, config, guard=guard) as tocsin:
            ours = tocsin.receiver
            ours.telling.handlers.channels = channels
            ours.doors.callbacks.configure(channels, EXTERNAL)
            ours.telling.handlers.escalating.directory = ours.telling.responder.directory = config.directory(channels)
            try:
                yield Hooked(tocsin, channels, far, twilio)
            finally:
                await close(channels.values())
