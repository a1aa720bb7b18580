"""What people do in PagerDuty, by its signed v3 webhooks. `POST /api/v2/hooks/pagerduty`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import structlog
from aiohttp import web

from receiver.access.principal import Principal
from receiver.engine.events import Acknowledged
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import one_line
from receiver.notify.channel import Channel
from receiver.notify.pagerduty import PagerDutyChannel, PagerDutySettings
from receiver.respond import Answer, Responder
from receiver.store.queries import Queries
from receiver.web.answering import TOLD_AGAIN, Lately, answered, too_long
from receiver.web.declared import Media, operation
from receiver.web.pagerduty_events import Happened, Reference, decode, signed_by
from receiver.web.problems import problem
from receiver.web.scopes import proves_itself
from receiver.web.uploads import CutOff, TooLarge, Uploads
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable, TocsinError

log = structlog.get_logger("receiver.web")

PATH = "/api/v2/hooks/pagerduty"
OLDEST = timedelta(hours=24)  # PagerDuty tries again for a while, where we were away
MOST_KNOWN = 10_000  # PagerDuty's incidents whose key is known, for its notes
VIA = "pagerduty"


class PagerDutyHooks:
    """Takes what happened there. `channels` is replaced when the configuration is read again."""

    def __init__(
        self,
        responder: Responder,
        queries: Queries,
        channels: Mapping[str, Channel],
        uploads: Uploads,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._responder = responder
        self._queries = queries
        self.channels = channels
        self._uploads = uploads
        self._clock = clock
        self._wake = wake
        self._seen = Lately(OLDEST)
        self._refused = Lately(TOLD_AGAIN)
        self._keys: OrderedDict[str, str] = OrderedDict()  # of our incidents, by the id of theirs

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, proves_itself(self.receive))]

    @operation(
        "Take in a webhook of PagerDuty's",
        None,
        {200: Media("application/json", "What has come of it."), 202: Media("application/json", "It is not for us.")},
        documents=Media("application/json", "A v3 webhook, signed by `X-PagerDuty-Signature`."),
        problems=(404,),
        tag="answers",
    )
    async def receive(self, request: web.Request) -> web.Response:
        """Takes in one webhook; nothing of it is believed before its signature has been verified."""
        candidates = [c.settings for c in self.channels.values() if isinstance(c, PagerDutyChannel)]
        candidates = [settings for settings in candidates if settings.webhook_secret_file]
        if not candidates:
            return problem(
                404, "no channel has pagerduty.webhook_secret_file; see docs/reference/channels/pagerduty.md"
            )
        if too_long(request):
            return problem(413, "a webhook says how long it is, and is no longer than a megabyte")
        try:
            async with self._uploads.body(request) as content:
                settings = signed_by(candidates, request.headers.getall("X-PagerDuty-Signature", ()), content)
                if settings is None:
                    return self._forged(request)
                happened = decode(content).event
        except TooLarge:
            return problem(413, "the body is over max_body_bytes")
        except CutOff as error:
            return problem(503, f"{error}; nothing was kept, try again")
        except msgspec.MsgspecError as error:
            return problem(400, f"the body is none of PagerDuty's v3 webhooks: {error}")
        except TocsinError as error:
            log.error("PagerDuty's webhooks cannot be verified", reason=str(error))
            return problem(503, "its secret cannot be read; the log tells more")
        return await self._once(happened, settings)

    def _forged(self, request: web.Request) -> web.Response:
        if not self._refused.count("", self._clock.now()):
            log.warning("webhooks of PagerDuty's are refused: not signed with our secret", remote=request.remote)
        return problem(401, "no X-PagerDuty-Signature of this body is by a secret of webhook_secret_file")

    async def _once(self, happened: Happened, settings: PagerDutySettings) -> web.Response:
        """PagerDuty delivers at least once; it is told yes whatever came of it: again would change nothing."""
        now = self._clock.now()
        if now - happened.occurred_at > OLDEST:
            return _told(False, "it happened more than a day ago")
        if self._seen.count(happened.id, now):
            return _told(False, "it has been taken in before")
        try:
            changed, reason = await self._take(happened, settings)
        except StoreUnavailable:
            self._seen.forget(happened.id)
            raise
        self._wake()
        log.info("PagerDuty says what happened there", what=happened.event_type, changed=changed, reason=reason)
        return _told(changed, reason)

    async def _take(self, happened: Happened, settings: PagerDutySettings) -> tuple[bool, str]:
        incident = await self._incident(happened)
        if incident is None:
            return False, "it is about no incident of ours"
        if happened.occurred_at < (incident.reopened_at or incident.opened_at) - timedelta(minutes=1):  # clocks differ
            return False, "it happened before the incident last opened"
        answer = await self._answer(happened, incident)
        if answer is None:
            return False, f"{happened.event_type} by no person means nothing here"
        who = self._who(happened.agent, settings)
        if who is None:
            return False, "whoever did it is no user here, and answers_as names no role"
        outcome = await answered(self._responder, incident.id, answer, who)
        return outcome.came == "done", outcome.said

    async def _incident(self, happened: Happened) -> Incident | None:
        """Ours, by the deduplication key, which only their incidents carry: a note names its incident by their id."""
        data = happened.data
        if data.incident_key:
            self._keys[data.id] = data.incident_key
            while len(self._keys) > MOST_KNOWN:
                self._keys.popitem(last=False)
        key = data.incident_key or self._keys.get(data.incident.id if data.incident else data.id, "")
        found = await self._queries.named(key) if key else []
        return next((incident for incident in found if incident.id == key), None)

    async def _answer(self, happened: Happened, incident: Incident) -> Answer | None:
        """What it means here. Without a person it is our own word that comes back, or a timer of theirs."""
        person = happened.agent is not None and happened.agent.type.startswith("user")
        to = ", ".join(one_line(one.summary, 100) for one in happened.data.assignees[:5])
        match happened.event_type.removeprefix("incident."), person:
            case "acknowledged", True:
                return Answer("acknowledge")
            case "resolved", True:
                return Answer("resolve", text="resolved in PagerDuty")
            case "resolved", False if incident.status is not IncidentStatus.RESOLVED:  # not what we said
                return Answer("comment", text="PagerDuty closed it by itself; here it goes on")
            case "escalated", True:
                return Answer("escalate", text="escalated in PagerDuty", round=incident.round)
            case "escalated", False:
                return Answer("comment", text=f"PagerDuty escalated it to {to or 'its next level'}")
            case "reassigned", True:
                user = next((found for one in happened.data.assignees if (found := self._user(one))), "")
                if user:
                    return Answer("reassign", to=user, text="reassigned in PagerDuty")
                return Answer("comment", text=f"reassigned in PagerDuty to {to or 'somebody'}, who is no user here")
            case "annotated", True:
                return Answer("comment", text=happened.data.content)
            case "unacknowledged", _:
                return await self._unacknowledged(incident)
            case _:
                return None

    async def _unacknowledged(self, incident: Incident) -> Answer:
        """Whoever had it there has it no longer; whoever took it on elsewhere still has it."""
        acks = [event for _, event in await self._queries.timeline(incident.id) if isinstance(event, Acknowledged)]
        if incident.status is IncidentStatus.ACKNOWLEDGED and acks and acks[-1].via == VIA:
            return Answer("escalate", text="no longer acknowledged in PagerDuty", round=incident.round)
        return Answer("comment", text="in PagerDuty it is no longer acknowledged")

    def _user(self, one: Reference) -> str | None:
        directory = self._responder.directory
        by_id = directory.by_contact("pagerduty", one.id)
        if by_id is not None or not one.email:
            return by_id
        return directory.by_contact("pagerduty", one.email) or directory.by_contact("email", one.email)

    def _who(self, agent: Reference | None, settings: PagerDutySettings) -> Principal | None:
        """The user whose contact it is; else somebody of that name with the rights of the integration itself."""
        directory = self._responder.directory
        user = self._user(agent) if agent is not None else None
        if user is not None:
            return directory.principal(user, VIA)
        role = directory.role(settings.answers_as)
        if role is None:
            return None
        name = one_line(agent.summary, 100) if agent is not None and agent.type.startswith("user") else ""
        tenants = None if role.tenants is None else frozenset(role.tenants)
        return Principal(f"{name} (PagerDuty)" if name else "PagerDuty", frozenset(role.scopes), tenants, VIA)


def _told(changed: bool, reason: str) -> web.Response:
    return web.json_response({"changed": changed, "reason": reason})
