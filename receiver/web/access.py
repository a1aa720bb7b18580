"""Who may ask for what: each route says which scope it needs, and one middleware asks who calls.

Somebody who may not see another tenant's incident hears what they would hear if there were none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from receiver.access.principal import ADMIN, Principal, Tenants, anybody
from receiver.access.proofs import REASONS, Proofs, Refusal, bearer
from receiver.access.tokens import PREFIX, Token
from receiver.engine.occurrence import one_line
from receiver.metrics import Metrics
from receiver.web.problems import problem
from receiver.web.scopes import UNSAID, Needs, needs_of
from tocsin.guard import LOGIN

PRINCIPAL = web.RequestKey("principal", Principal)
TOKEN = web.RequestKey("token", Token)
SCOPE = web.RequestKey("scope", str)

ELSEWHERE = (
    "this was asked by a name that is none of the receiver's, and nobody need prove who they are: ask by address, set "
    "external_url to that name, or configure users"
)


class Refused(Exception):
    """Somebody may not do this; the message tells why and the way out."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Access:
    """The middleware. `only_tokens`: whether other machines reach the receiver, and no --web.config.file asks them."""

    def __init__(self, proofs: Proofs, metrics: Metrics, external_url: str = "") -> None:
        self.proofs = proofs
        self.only_tokens: Callable[[], bool] = lambda: False
        self.external_url = external_url
        self._refused = metrics.api_refused
        for reason in REASONS:
            self._refused.labels(reason)  # from zero, so that the first one is an increase

    def exempt(self, request: web.Request) -> bool:
        """Whether --web.config.file need not ask: a token proves more, or the handler asks for a proof of its own."""
        needs = self._needs(request)
        return needs is not None and (not needs.guarded or (needs.scope is not None and _has_token(request)))

    def middleware(self) -> Middleware:
        @web.middleware
        async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
            refusal = await self._enter(request)
            if refusal is None:
                try:
                    return await handler(request)
                except Refused as error:
                    refusal = Refusal(403, error.reason, str(error))
            self._refused.labels(refusal.reason).inc()
            return problem(refusal.status, refusal.detail, refusal.headers)

        return access

    async def _enter(self, request: web.Request) -> Refusal | None:
        """Notes who asks; why they may not, or None."""
        needs = self._needs(request)
        if needs is None or needs.scope is None:
            return None
        if not needs.always and not self.only_tokens() and not _has_token(request):
            return None
        login = request.get(LOGIN, "")
        found = await self.proofs.who(request.headers.getall("Authorization", ()), login, request.remote)
        if isinstance(found, Refusal):
            return found
        if (
            not found.principal.name
            and not request.secure
            and not self._for_us(request.headers.get("Host", "localhost"))
        ):
            return Refusal(403, "host", ELSEWHERE)
        request[PRINCIPAL], request[SCOPE] = found.principal, needs.scope
        if found.token is not None:
            request[TOKEN] = found.token
        return _missing(found.principal, needs, needs.scope)

    def _for_us(self, host: str) -> bool:
        """Whether a request names us: by an address, as localhost, or as `external_url` has it.

        Over plain HTTP a browser can be made to ask us by a name of somebody else's (DNS rebinding), and then takes
        our answers for that site's own.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ip_address(name)
        except ValueError:
            return name in ("localhost", urlsplit(self.external_url).hostname)
        return True

    def _needs(self, request: web.Request) -> Needs | None:
        """What the request's route asks for: everything, where it does not say. None: there is no such route."""
        if request.match_info.http_exception is not None:
            return None
        return needs_of(request.match_info.handler) or UNSAID


def principal(request: web.Request) -> Principal:
    """Who asks; the name is empty where it is anybody."""
    return request.get(PRINCIPAL) or anybody("")


def token(request: web.Request) -> Token | None:
    """The token by which they are known."""
    return request.get(TOKEN)


def tenants(request: web.Request) -> Tenants:
    """For which tenants this request counts; None: for every one."""
    return principal(request).tenants_for(request.get(SCOPE, ADMIN))


def by(request: web.Request, said: str) -> str:
    """Who is told to have done it: whoever is known to ask; where that is anybody, whom they say.

    Raises:
        Refused: they say that it was somebody else, and may not.
    """
    asking, said = principal(request), one_line(said, 100)
    if not asking.name:
        return said or "somebody"
    if said in ("", asking.name):
        return asking.name
    if not asking.may(ADMIN):
        detail = f"`by` says {said}, but {asking.name} asks: leave it out; to act for others takes admin:all"
        raise Refused("on_behalf", detail)
    return one_line(f"{asking.name} for {said}", 100)


def asking(request: web.Request, said: str = "") -> Principal:
    """Who asks, with the name that is told.

    Raises:
        Refused: as `by`.
    """
    return replace(principal(request), name=by(request, said))


def in_person(request: web.Request, said: str = "") -> Principal:
    """Who asks, for themselves: whoever asks for a run and whoever agrees with it must be told apart.

    Raises:
        Refused: they say that it was somebody else, whatever they may.
    """
    known, said = principal(request).name, one_line(said, 100)
    if known and said not in ("", known):
        detail = f"`by` says {said}, but {known} asks: leave it out; with runs nobody acts for somebody else"
        raise Refused("on_behalf", detail)
    return asking(request, said)


def _has_token(request: web.Request) -> bool:
    written = bearer(request.headers.getall("Authorization", ()))
    return written is not None and written.startswith(PREFIX)


def _missing(who: Principal, needs: Needs, scope: str) -> Refusal | None:
    own = who.tenants_for(scope) if scope else None
    if own is None or (own and not needs.every_tenant):
        return None
    has = ", ".join(sorted(who.scopes)) or "nothing"
    if own:
        only = ", ".join(sorted(own))
        detail = f"this takes {scope} for every tenant, and {who.name} has it for {only} only"
        return Refusal(403, "tenant", detail)
    detail = (
        f"this takes the scope {scope}, and {who.name} asks with {has}: use a token that has it "
        f"(tocsin tokens create --user {who.name} --scope {scope}), or give the user a role"
    )
    return Refusal(403, "scope", detail)
