"""What comes of an answer from the far side of a channel, in a few words for whoever gave it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aiohttp import web

from receiver.access.principal import Principal
from receiver.decide import NoSuchIncident
from receiver.respond import Answer, Forbidden, NotPossible, Responder

MAX_BODY_BYTES = 1024 * 1024  # of a call back
TOLD_AGAIN = timedelta(minutes=10)  # that calls back are refused

Came = Literal["done", "already", "forbidden", "gone", "impossible"]


def too_long(request: web.Request) -> bool:
    """Whether a call back, before anybody knows whose it is, would hold too much; one that does not say may."""
    return request.content_length is None or request.content_length > MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `said` tells why, `title` is the incident's."""

    came: Came
    said: str
    title: str = ""


async def answered(responder: Responder, incident: str, answer: Answer, who: Principal) -> Outcome:
    """Gives an answer, and tells what came of it. A store that is away raises StoreUnavailable."""
    try:
        step = await responder.respond(incident, answer, who)
    except NoSuchIncident as error:
        return Outcome("gone", str(error))
    except Forbidden as error:
        return Outcome("forbidden", str(error))
    except NotPossible as error:
        return Outcome("impossible", str(error))
    return Outcome("done" if step.events else "already", step.reason, step.incident.title)


class Lately:
    """What was there within a time, the newest so many of it."""

    def __init__(self, within: timedelta, most: int = 10_000) -> None:
        self._within = within
        self._most = most
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def count(self, name: str, now: datetime) -> int:
        """How often it was there before; from now on once more."""
        began, count = self._seen.pop(name, (now, 0))
        if now - began > self._within:
            began, count = now, 0
        self._seen[name] = (began, count + 1)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return count

    def forget(self, name: str) -> None:
        """As if it had not been there."""
        self._seen.pop(name, None)
