"""Messages over HTTP: what became of each, and the way back for those that were given up."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from receiver.decide import Decider, NoSuchIncident
from receiver.engine.message_events import MessageRetried
from receiver.store.database import Conflict, Lost
from receiver.store.outbox import Notification, Outbox, State
from receiver.store.queries import Queries
from receiver.web import answers
from receiver.web.access import asking, tenants
from receiver.web.api import named
from receiver.web.bodies import By
from receiver.web.declared import Asked, operation
from receiver.web.filters import DEFAULT_LIMIT, HIGHEST, Limit, Name, numbered
from receiver.web.problems import Impossible
from receiver.web.shapes import time_json

TAG = "notifications"
PATH = "/api/v1/notifications"


class Messages(Asked):
    """Which messages, the newest first; an incident's id may be its beginning."""

    limit: Limit = DEFAULT_LIMIT
    cursor: int | None = Field(None, ge=1, le=HIGHEST, description="The `next` of the page before.")
    state: State | None = None
    channel: Name | None = None
    incident: Name | None = None


class NotificationApi:
    """`/api/v1/notifications`."""

    def __init__(self, outbox: Outbox, queries: Queries, decider: Decider) -> None:
        self._outbox = outbox
        self._queries = queries
        self._decider = decider

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.list),
            web.get(f"{PATH}/{{number}}", self.show),
            web.post(f"{PATH}/{{number}}/retry", self.retry),
        ]

    @operation(
        "List messages",
        "incidents:read",
        {200: answers.Page[answers.MessageJson]},
        takes=Messages,
        problems=(404, 409),
        tag=TAG,
    )
    async def list(self, request: web.Request, asked: Messages) -> web.Response:
        """What was, is and will be sent, the newest first; `state=dead` lists what was given up."""
        theirs = tenants(request)
        incident = None if asked.incident is None else (await named(self._queries, asked.incident, theirs)).id
        found = await self._outbox.list(
            state=asked.state,
            channel=asked.channel,
            incident=incident,
            limit=asked.limit + 1,
            before=asked.cursor,
            tenants=theirs,
        )
        more = str(found[asked.limit - 1].id) if len(found) > asked.limit else None
        return web.json_response({"items": [notification_json(one) for one in found[: asked.limit]], "next": more})

    @operation("Show a message", "incidents:read", {200: answers.MessageJson}, problems=(404,), tag=TAG)
    async def show(self, request: web.Request) -> web.Response:
        """What became of it, and why."""
        return web.json_response(notification_json(await self._named(request)))

    @operation(
        "Put a message back that was given up",
        "incidents:write",
        {200: answers.MessageJson},
        takes=By,
        problems=(404, 409),
        tag=TAG,
    )
    async def retry(self, request: web.Request, said: By) -> web.Response:
        """Under its key, with all its attempts; whatever else became of it, it cannot be sent again."""
        by = asking(request, said.by).name
        found = await self._named(request)
        event = MessageRetried(found.channel, found.message, found.key, by, found.person)
        try:
            await self._decider.decide(found.incident, event)
        except (Lost, Conflict) as error:
            raise Impossible(
                f"message {found.id} is not dead, but {found.state}; only dead letters are put back"
            ) from error
        return web.json_response({**notification_json(found), "state": "pending", "attempts": 0})

    async def _named(self, request: web.Request) -> Notification:
        number = numbered(request, "a message")
        found = await self._outbox.one(number, tenants(request))
        if found is None:
            raise NoSuchIncident(f"there is no message {number}; retention may have taken it")
        return found


def notification_json(one: Notification) -> answers.MessageJson:
    return {
        "id": one.id,
        "state": one.state,
        "message": one.message,
        "channel": one.channel,
        "person": one.person or None,
        "incident": one.incident,
        "key": one.key,
        "attempts": one.attempts,
        "at": time_json(one.at) or "",
        "reason": one.reason,
    }
