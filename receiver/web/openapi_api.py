"""`GET /api/openapi.json`: what there is to ask, for people's tools."""

from __future__ import annotations

import json

from aiohttp import web

from receiver.web.declared import Media, operation
from receiver.web.openapi import declared, document
from tocsin import __version__


class OpenApi:
    """Hands the document out; it is made when it is first asked for."""

    def __init__(self) -> None:
        self._content = b""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/openapi.json", self.show)]

    @operation(
        "Show this document",
        None,
        {200: Media("application/json", "OpenAPI 3.1.", {"type": "object"})},
        tag="about",
    )
    async def show(self, request: web.Request) -> web.Response:
        """The OpenAPI 3.1 document of this receiver."""
        if not self._content:
            self._content = json.dumps(document(declared(request.app), __version__), ensure_ascii=False).encode()
        return web.Response(body=self._content, content_type="application/json")
