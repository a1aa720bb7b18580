"""API tokens over HTTP: `/api/v1/tokens`, and `/api/v1/me`: who asks."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field, WithJsonSchema

from receiver.access.desk import Asking, Desk, NoSuchToken, NotTheirs, told, wanted
from receiver.access.principal import SCOPES
from receiver.access.proofs import Proofs
from receiver.access.tokens import NotGranted
from receiver.web import answers
from receiver.web.access import Refused, principal, token
from receiver.web.bodies import LONG
from receiver.web.declared import Said, operation
from receiver.web.problems import BadRequest, Impossible, problem

PATH = "/api/v1/tokens"
TAG = "tokens"


Scopes = Annotated[
    tuple[str, ...],
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": "string", "enum": sorted(SCOPES)}}),
]
Tenants = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1, "maxLength": 200}}),
]


class NewToken(Said):
    """A token that is asked for. `tenants`: none for all of the user's; `expires`: a duration, at most 365 days."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": "alice", "scopes": ["incidents:read"], "expires": "30d"}]}
    )

    scopes: Scopes
    user: str = Field("", max_length=200)
    tenants: Tenants | None = None
    expires: Annotated[str, WithJsonSchema({"type": "string", "pattern": LONG})] | None = None
    note: str = Field("", max_length=2_000)


class Nothing(Said):
    """A body that says nothing."""


class TokenApi:
    """Tokens are made for one's own use, or with admin:all for anybody's."""

    def __init__(self, desk: Desk, proofs: Proofs) -> None:
        self._desk = desk
        self._proofs = proofs

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/me", self.me),
            web.get(PATH, self.list),
            web.post(PATH, self.create),
            web.post(f"{PATH}/{{id}}/revoke", self.revoke),
        ]

    @operation("Say who asks", "", {200: answers.MeJson}, tag=TAG)
    async def me(self, request: web.Request) -> web.Response:
        """Their name, what they may do for which tenants (null: every one), and the token they ask with."""
        asking = _asking(request)
        who, by = asking.principal, asking.token
        answer: dict[str, Any] = {
            "name": who.name or None,
            "scopes": sorted(who.scopes),
            "tenants": None if who.tenants is None else sorted(who.tenants),
            "token": None if by is None else told(by, self._desk.clock.now()),
        }
        return web.json_response(answer)

    @operation("List tokens", "", {200: answers.Page[answers.TokenJson]}, tag=TAG)
    async def list(self, request: web.Request) -> web.Response:
        """Every token with admin:all for every tenant, else one's own; never the secret."""
        return web.json_response({"items": await self._desk.list(_asking(request)), "next": None})

    @operation("Make a token", "", {201: answers.MadeTokenJson}, takes=NewToken, tag=TAG)
    async def create(self, request: web.Request, said: NewToken) -> web.Response:
        """For one's own use, or with admin:all for anybody's; never more than whoever asks may do.

        This answer alone holds the token: it is not kept for an Idempotency-Key either.
        """
        try:
            asked = wanted(
                user=said.user, scopes=said.scopes, tenants=said.tenants, expires=said.expires, note=said.note
            )
        except NotGranted as error:
            raise BadRequest(str(error)) from error
        try:
            made = await self._desk.create(_asking(request), asked, self._proofs.people)
        except NotGranted as error:
            raise Impossible(str(error)) from error
        except NotTheirs as error:
            raise Refused("scope", str(error)) from error
        return web.json_response(made, status=201, headers={"Cache-Control": "no-store"})

    @operation("Revoke a token", "", {200: answers.RevokedTokenJson}, takes=Nothing, problems=(404,), tag=TAG)
    async def revoke(self, request: web.Request, said: Nothing) -> web.Response:
        """Revokes a token for good; 200 whether or not it had been before."""
        try:
            return web.json_response(await self._desk.revoke(_asking(request), request.match_info["id"]))
        except NoSuchToken as error:
            return problem(404, str(error))


def _asking(request: web.Request) -> Asking:
    return Asking(principal(request), token(request))
