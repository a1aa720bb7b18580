"""`/answer/TOKEN`: somebody answers by the link in a message. Only a POST changes anything: scanners follow links.

The token, which nobody can guess, is the proof, in the address of each form: a page of another site cannot know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog
from aiohttp import web

from receiver.access.principal import Principal
from receiver.decide import NoSuchIncident
from receiver.engine.incident import Incident
from receiver.notify.answer_links import PATH, AnswerLinks, Forged, Ticket
from receiver.notify.channel import Recipient
from receiver.notify.speech import Speech
from receiver.respond import Answer, Forbidden, NotPossible, Responder
from receiver.store.ledger import Ledger
from receiver.web.answer_page import LONGEST_COMMENT, incident_page, told
from receiver.web.scopes import proves_itself
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.web")

SNOOZE = timedelta(hours=1)
ACTIONS = ("acknowledge", "snooze", "resolve", "comment")
MOST_MERGED = 100
VIA = "email"


class AnswerPages:
    """Shows the incident of a link, and takes the answer of whom the link was sent to."""

    def __init__(self, links: AnswerLinks, responder: Responder, ledger: Ledger, clock: Clock) -> None:
        self._links = links
        self._responder = responder
        self._ledger = ledger
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{PATH}{{token}}", proves_itself(self.look)),
            web.post(f"{PATH}{{token}}", proves_itself(self.answer)),
        ]

    async def look(self, request: web.Request) -> web.Response:
        """Shows; changes nothing."""
        return await self._safely(request, {})

    async def answer(self, request: web.Request) -> web.Response:
        """Does what a button says, and shows what has come of it."""
        if request.content_type != "application/x-www-form-urlencoded":
            return told(self._speech(""), "POST: application/x-www-form-urlencoded", 415)
        form = await request.post()
        return await self._safely(request, {name: str(form.get(name, "")) for name in ("action", "text")})

    async def _safely(self, request: web.Request, form: Mapping[str, str]) -> web.Response:
        try:
            ticket = self._links.read(request.match_info["token"])
        except Forged:
            return told(self._speech(""), self._speech("").say("link_forged"), 404)
        speech, now = self._speech(ticket.user), self._clock.now()
        if now >= ticket.expires_at:
            sentence = speech.say("link_expired", ago=speech.ago(now - ticket.expires_at))
            return told(speech, sentence, 410, incident=ticket.incident)
        try:
            return await self._page(ticket, speech, form)
        except (NoSuchIncident, Forbidden):
            return told(speech, speech.say("link_unknown"), 404)
        except NotPossible as error:
            return told(speech, speech.say("link_refused", reason=str(error)), 400)
        except StoreUnavailable as error:
            log.warning("an answer by a link could not be saved", incident=ticket.incident, reason=str(error))
            return told(speech, speech.say("link_away"), 503)

    async def _page(self, ticket: Ticket, speech: Speech, form: Mapping[str, str]) -> web.Response:
        incident = await self._incident(ticket.incident)
        user, now = ticket.user, self._clock.now()
        if not user:
            return incident_page(incident, speech, now, user="", named="")
        who = self._responder.directory.principal(user, VIA)
        if who is None:
            return told(speech, speech.say("link_gone", who=user), 403)
        if not who.may("incidents:read", incident.tenant):
            raise NoSuchIncident(f"there is no incident {incident.id}")
        may, said = who.may("incidents:write", incident.tenant), ""
        if form and may:
            incident, said = await self._respond(incident, who, speech, form)
        named = self._responder.directory.users[user].name or user
        return incident_page(incident, speech, now, user=user, named=named, said=said, may=may)

    async def _respond(
        self, incident: Incident, who: Principal, speech: Speech, form: Mapping[str, str]
    ) -> tuple[Incident, str]:
        """The incident after an answer, and what is said of it."""
        action = form["action"]
        if action not in ACTIONS:
            raise NotPossible(f"{', '.join(ACTIONS)}?")
        until = self._clock.now() + SNOOZE if action == "snooze" else None
        text = form["text"][:LONGEST_COMMENT] if action == "comment" else ""
        step = await self._responder.respond(incident.id, Answer(action, until, text=text), who)
        if not step.events:
            return step.incident, speech.say("unchanged")
        return step.incident, speech.say(f"done_{action}", **({"until": speech.time(until)} if until else {}))

    async def _incident(self, name: str) -> Incident:
        """The incident, or the one that it is part of now."""
        incident = await self._ledger.incident(name)
        for _ in range(MOST_MERGED):
            if incident is None or not incident.merged_into:
                break
            incident = await self._ledger.incident(incident.merged_into)
        if incident is None:
            raise NoSuchIncident(f"there is no incident {name}")
        return incident

    def _speech(self, user: str) -> Speech:
        """In the user's language; where they are not known, in English."""
        known = self._responder.directory.users.get(user)
        return Speech.to(Recipient(user, user, "", known.language, known.timezone) if known else None)
