"""What Twilio calls back: a message that arrived or did not, a reply, a key. `POST /api/v2/hooks/twilio/CHANNEL/…`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from receiver.access.principal import Principal
from receiver.decide import Decider, NoSuchIncident
from receiver.engine.message_events import MessageDelivered, MessageFailed
from receiver.engine.occurrence import one_line
from receiver.engine.plan import Message
from receiver.notify.channel import Channel
from receiver.notify.phone_words import words
from receiver.notify.twilio import CallChannel, SmsChannel
from receiver.respond import Answer, Forbidden, Responder
from receiver.store.queries import Queries
from receiver.web.answering import TOLD_AGAIN, Lately, answered, too_long
from receiver.web.declared import Media, operation
from receiver.web.problems import problem
from receiver.web.replies import Replies
from receiver.web.scopes import proves_itself
from receiver.web.twilio_signature import signed
from receiver.web.twiml import spoken, worded, written
from receiver.web.uploads import CutOff, TooLarge, Uploads
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable, TocsinError

log = structlog.get_logger("receiver.web")

PATH = "/api/v2/hooks/twilio"
OLDEST = timedelta(hours=2)  # from a call's beginning to its keys
KEYS = {"1": "acknowledge", "2": "escalate"}
MACHINES = ("machine", "fax")
UNDELIVERED = {"undelivered", "failed", "busy", "no-answer", "canceled"}
DELIVERED = {"delivered", "read", "completed"}


@dataclass(frozen=True, slots=True)
class Called:
    """A call back that Twilio has signed: what its URL and its body say."""

    channel: str
    about: Mapping[str, str]
    said: Mapping[str, str]


CALLED_BACK = Media("application/x-www-form-urlencoded", "Twilio's parameters, signed by `X-Twilio-Signature`.")
SPOKEN = Media("text/xml", "TwiML: what Twilio says next.")


class TwilioHooks:
    """Takes them. `channels` and `external_url` are replaced when the configuration is read again."""

    def __init__(
        self,
        responder: Responder,
        decider: Decider,
        queries: Queries,
        channels: Mapping[str, Channel],
        uploads: Uploads,
        clock: Clock,
        external_url: str,
        wake: Callable[[], None],
    ) -> None:
        self._responder = responder
        self._decider = decider
        self._queries = queries
        self.channels = channels
        self._uploads = uploads
        self._clock = clock
        self.external_url = external_url
        self._wake = wake
        self._refused = Lately(TOLD_AGAIN)
        self._replies = Replies(queries)
        self._seen = Lately(timedelta(days=1))
        self._told = Lately(timedelta(hours=1))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{PATH}/{{channel}}/status", proves_itself(self.status)),
            web.post(f"{PATH}/{{channel}}/keys", proves_itself(self.keys)),
            web.post(f"{PATH}/{{channel}}/replies", proves_itself(self.replies)),
        ]

    @operation(
        "Take in what became of a message of Twilio's",
        None,
        {204: Media("text/plain", "It is recorded.")},
        documents=CALLED_BACK,
        problems=(403, 404),
        tag="answers",
    )
    async def status(self, request: web.Request) -> web.Response:
        """What became of a message: delivered, or not, and then by the next way."""
        called = await self._verified(request)
        if isinstance(called, web.Response):
            return called
        event = _became(called)
        if event is not None and not await self._known(called.about.get("incident", ""), event.key):
            try:
                await self._decider.decide(called.about["incident"], event)
            except NoSuchIncident:
                log.info("a message came or went whose incident is gone", key=event.key)
            self._wake()
        return web.Response(status=204)

    @operation(
        "Take in a key that was pressed in a call",
        None,
        {200: SPOKEN},
        documents=CALLED_BACK,
        problems=(403, 404),
        tag="answers",
    )
    async def keys(self, request: web.Request) -> web.Response:
        """A key that was pressed in a call."""
        called = await self._verified(request)
        if isinstance(called, web.Response):
            return called
        about, said = called.about, called.said
        who = self._whom(about.get("person", ""), said.get("To", ""))
        language = self._language(who)
        speech = words(language)
        action = KEYS.get(said.get("Digits", ""))
        began = _number(about.get("at", ""))
        if said.get("AnsweredBy", "").startswith(MACHINES) or self._clock.now().timestamp() - began > OLDEST.seconds:
            return spoken(speech["machine"], language)
        if action is None:
            return spoken(speech["bye"], language)
        if who is None:
            return spoken(speech["stranger"], language)
        answer = Answer(action, round=_number(about.get("round", "")) if action == "escalate" else None)
        try:
            outcome = await answered(self._responder, about.get("incident", ""), answer, who)
        except StoreUnavailable:
            return spoken(speech["again"], language)
        self._wake()
        return spoken(worded(outcome, action, speech), language)

    @operation(
        "Take in a text message that came back",
        None,
        {200: SPOKEN},
        documents=CALLED_BACK,
        problems=(403, 404),
        tag="answers",
    )
    async def replies(self, request: web.Request) -> web.Response:
        """A text message that came back."""
        called = await self._verified(request)
        if isinstance(called, web.Response):
            return called
        number, now = called.said.get("From", ""), self._clock.now()
        sid = called.said.get("MessageSid", "")
        if self._seen.count(sid, now):
            return written("")
        who = self._whom("", number, via="sms")
        speech = words(self._language(who))
        if who is None:
            log.warning("somebody replied whose number nobody has", channel=called.channel)
            return written(speech["stranger"] if not self._told.count(number, now) else "")
        try:
            read = await self._replies.read(called.said.get("Body", ""), who, called.channel, speech)
            if isinstance(read, str):  # nothing was done; other machines that answer are not answered for ever
                return written(read if self._told.count(number, now) < 5 else "")
            incident, action = read
            outcome = await answered(self._responder, incident, Answer(action), who)
        except StoreUnavailable:
            self._seen.forget(sid)
            return written(speech["again"])
        self._wake()
        return written(worded(outcome, action, speech))

    async def _verified(self, request: web.Request) -> Called | web.Response:
        """What Twilio said, once it is clear that it was Twilio."""
        name = request.match_info["channel"]
        channel = self.channels.get(name)
        if not isinstance(channel, SmsChannel | CallChannel):
            return problem(404, f"there is no channel {name!r} of the kinds sms and call")
        if not self.external_url:
            return problem(404, "external_url is not set: without it Twilio's signature cannot be verified")
        if too_long(request):
            return problem(413, "a call of Twilio's says how long it is, and is no longer than a megabyte")
        try:
            async with self._uploads.body(request) as content:
                said = parse_qsl(content.decode("utf-8"), keep_blank_values=True, max_num_fields=200)
            token = channel.settings.token
        except TooLarge:
            return problem(413, "the body is over max_body_bytes")
        except CutOff as error:
            return problem(503, f"{error}; nothing was kept, try again")
        except ValueError:
            return problem(400, "the body is no form of Twilio's")
        except TocsinError as error:
            log.error("Twilio's calls cannot be verified", channel=name, reason=str(error))
            return problem(503, "its secret cannot be read; the log tells more")
        given = request.headers.get("X-Twilio-Signature", "")
        if not signed(token, self.external_url + request.raw_path, said, given):
            if not self._refused.count(name, self._clock.now()):
                log.warning(
                    "Twilio's calls are refused: not signed with our token", channel=name, remote=request.remote
                )
            return problem(
                403, "X-Twilio-Signature is not by auth_token_file, or external_url is not what Twilio calls"
            )
        return Called(name, dict(request.query), dict(said))

    async def _known(self, incident: str, key: str) -> bool:
        """Whether the end of this message has been told before: Twilio repeats itself."""
        told = [event for _, event in await self._queries.timeline(incident)]
        return any(isinstance(event, MessageDelivered | MessageFailed) and event.key == key for event in told)

    def _whom(self, person: str, number: str, via: str = "call") -> Principal | None:
        if person:
            return self._responder.directory.principal(person, via)
        try:
            return self._responder.person("phone", number, via)
        except Forbidden:
            return None

    def _language(self, who: Principal | None) -> str:
        user = self._responder.directory.users.get(who.name) if who is not None else None
        return user.language if user is not None else "en"


def _became(called: Called) -> MessageDelivered | MessageFailed | None:
    """What a status means; None: it is on its way."""
    about, said = called.about, called.said
    message, key = about.get("message", ""), about.get("key", "")
    if message not in get_args(Message) or not key or not about.get("incident"):
        return None
    now = said.get("CallStatus") or said.get("MessageStatus") or said.get("SmsStatus") or ""
    person = about.get("person", "")
    kind: Message = next(one for one in get_args(Message) if one == message)

    def failed(reason: str) -> MessageFailed:
        return MessageFailed(called.channel, kind, key, reason, person)

    if said.get("AnsweredBy", "").startswith(MACHINES):
        return failed("a machine answered the call")
    if now in UNDELIVERED:
        code = said.get("ErrorCode", "")
        return failed(one_line(f"Twilio says {now}" + (f", error {code}" if code else ""), 200))
    return MessageDelivered(called.channel, kind, key, person) if now in DELIVERED else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
