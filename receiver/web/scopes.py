"""What a route asks of whoever calls; told where the route is declared: by `operation` (declared.py), or here."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from receiver.access.principal import ADMIN, Scope

Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]
NEEDS = "needs"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route asks of whoever calls.

    `scope`: an empty one: to be known; None: the handler asks for a proof of its own. `every_tenant`: what it shows
    is not told apart by tenant. `always`: if not, a token is asked for only where nothing else asks. `guarded`:
    --web.config.file asks, too.
    """

    scope: Scope | Literal[""] | None
    every_tenant: bool = False
    always: bool = True
    guarded: bool = True


UNSAID = Needs(ADMIN, every_tenant=True)


def operating(scope: Scope, handler: Answers) -> Answers:
    """A handler that --web.config.file guards; by token, or where only tokens guard, it needs a scope."""
    return _marked(handler, Needs(scope, every_tenant=True, always=False))


def shown_to(scope: Scope, handler: Answers) -> Answers:
    """A page for people who have a scope, for whichever tenants."""
    return _marked(handler, Needs(scope))


def unasked(handler: Answers) -> Answers:
    """A handler that tells nothing worth asking for: a probe. --web.config.file guards it all the same."""
    return proves_itself(handler, guarded=True)


def proves_itself(handler: Answers, *, guarded: bool = False) -> Answers:
    """A handler that asks for a proof of its own: a signature, a link, a source's token."""
    return _marked(handler, Needs(None, guarded=guarded))


def _marked(handler: Answers, needs: Needs) -> Answers:
    @functools.wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    setattr(handle, NEEDS, needs)
    return handle


def needs_of(handler: object) -> Needs | None:
    """What a route's handler asks for; None: it does not say."""
    found: Needs | None = getattr(handler, NEEDS, None)
    return found
