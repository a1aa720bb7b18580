"""A whole receiver whose page stands in Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver.config import ReceiverConfig
from receiver.notify.text import Writer
from receiver.web.slack import PATH, signature_of
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, receiver
from tests.receiver.notify.cases.case import secret_file
from tests.receiver.notify.slack_far import Slack, dump, form, serving

SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass
class World:
    """A receiver with a page in Slack."""

    harness: Harness
    slack: Slack

    @property
    def page(self) -> str:
        """The incident's message."""
        return next(iter(self.slack.messages))

    @property
    def shown(self) -> str:
        return dump(self.slack.messages[self.page]["blocks"])

    async def incident(self) -> dict[str, Any]:
        (incident,) = await self.harness.incidents()
        return incident

    async def story(self) -> list[str]:
        return await self.harness.story((await self.incident())["id"])

    async def press(self, action: str, user: str = "U024ALICE", choice: str = "", settle: bool = True) -> int:
        """Somebody presses a button of the page; Slack tells us."""
        status = await self.send(form(self.slack.click(self.page, action, user, choice)))
        await self.shown_at_once()
        if settle:
            await self.harness.settle()
        return status

    async def shown_at_once(self) -> None:
        await self.harness.receiver.doors.slack.clicks.ended()

    async def send(
        self, content: bytes, *, late: float = 0, secret: str = SIGNING, head: dict[str, str] | None = None
    ) -> int:
        stamp = str(int(self.harness.clock.now().timestamp() - late))
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature_of(secret, stamp, content)}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self.harness.client.post(PATH, data=content, headers=signed | kind | (head or {}))
        return answer.status


def config(slack: Slack, folder: Path, **settings: object) -> ReceiverConfig:
    files = {
        "bot_token_file": secret_file(folder, "bot", "xoxb-1"),
        "signing_secret_file": secret_file(folder, "signing", SIGNING),
    }
    own = {"channel": "C024OPS", "api_url": f"{slack.url}/api/", "timeout": "2s"}
    return ReceiverConfig.model_validate(
        {
            "channels": {"slack": {"slack": files | own | settings}},
            "escalation": {"steps": [{"after": "0s", "notify": ["slack"]}, {"after": "1h", "notify": ["slack"]}]},
            "users": {
                "alice": {"name": "Alice", "contacts": {"slack": "U024ALICE"}, "timezone": "Europe/Berlin"},
                "bob": {"name": "Bob", "contacts": {"slack": "U024BOB"}},
                "vera": {"name": "Vera", "contacts": {"slack": "U024VERA"}, "roles": ["viewer"]},
                "otto": {"name": "Otto", "contacts": {"slack": "U024OTTO"}, "roles": ["elsewhere"]},
            },
            "roles": {"elsewhere": {"scopes": ["incidents:read", "incidents:write"], "tenants": ["acme"]}},
        }
    )


@asynccontextmanager
async def paged(folder: Path, workspace: Slack | None = None, **settings: object) -> AsyncIterator[World]:
    """A receiver whose page stands in Slack."""
    async with serving(workspace or Slack()) as slack:
        known = config(slack, folder, **settings)
        channels = {name: one.build(Writer()) for name, one in known.channels.items()}
        async with receiver(folder, known, channels=channels) as harness:
            await harness.post(body(alert()))
            yield World(harness, slack)
            await harness.receiver.doors.slack.clicks.ended()
            await harness.receiver.close()
