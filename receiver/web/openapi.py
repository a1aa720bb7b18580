"""The OpenAPI 3.1 document, made of what the routes declare (`declared.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from receiver.web.declared import Media, Operation, operation_of, takes_query
from receiver.web.filters import HIGHEST
from receiver.web.idempotency import HEADER, PREFIX, REPLAYED
from receiver.web.openapi_schemas import Schemas
from receiver.web.problems import IN_PROGRESS, TYPE, TYPES, Problem

PARAMETER = re.compile(r"\{(\w+)\}")
PROBLEMS: Mapping[int, str] = {
    400: "What was asked cannot be understood; `errors` tells each field.",
    401: "Somebody unknown asks; a token or a login is missing or wrong.",
    403: "Whoever asks may not do this.",
    404: "There is no such thing, or none that whoever asks may see.",
    409: f"It does not fit what is; or (`{TYPE}{IN_PROGRESS}`) the same request is being worked on.",
    413: "The body is too large.",
    422: f"Another request came with this {HEADER} before.",
    503: "The store cannot be used just now, or the receiver stops: ask again.",
}
KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Names this request: sent again within 24 hours it is not carried out again, and answered the same.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
PARAMETERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {  # of paths, by name
    "id": ("An id, or its beginning where that is unique.", {"type": "string", "minLength": 1}),
    "number": ("A number from the list.", {"type": "integer", "minimum": 1, "maximum": HIGHEST}),
    "source": ("A name under `sources`.", {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}),
    "channel": ("A name under `channels`.", {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}),
    "name": ("A name from the configuration.", {"type": "string", "minLength": 1}),
}
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token; its scopes stand at each operation."},
    "login": {"type": "http", "scheme": "basic", "description": "A user of --web.config.file."},
}
DESCRIPTION = (
    "Incidents, the alerts in them, and what people do about them. Lists are pages: `next` is the `cursor` of the page "
    "that follows. Errors are problem+json. Fields may be added to every answer."
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A route and what it declares; None: nothing."""

    method: str
    path: str
    operation: Operation | None


def declared(application: web.Application) -> Iterator[Declared]:
    """Every route of the API. A HEAD answers like its GET, and is not told."""
    for route in application.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if path.startswith("/api/") and route.method != "HEAD":
            yield Declared(route.method, path, operation_of(route.handler))


def document(routes: Iterable[Declared], version: str) -> dict[str, Any]:
    """The document about these routes."""
    told = [(route, route.operation) for route in routes if route.operation is not None]
    schemas = Schemas([Problem, *(kind for route, operation in told for kind in _types(route, operation))])
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in told:
        paths.setdefault(route.path, {})[route.method.lower()] = _described(route, operation, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "Tocsin's receiver", "version": version, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for _, operation in told)],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": SECURITY},
    }


def _types(route: Declared, operation: Operation) -> Iterator[Any]:
    if operation.takes is not None and not isinstance(operation.takes, Media) and not takes_query(route.method):
        yield operation.takes
    for answer in operation.answers.values():
        if not isinstance(answer, (Media, tuple)):
            yield answer


def _described(route: Declared, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", f"{route.method.lower()} {route.path.removeprefix('/api/')}").strip("_")
    said: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "description": operation.details,
        "tags": [operation.tag],
        "security": _security(operation),
        "parameters": list(_parameters(route, operation)),
        "responses": dict(_responses(route, operation, schemas)),
    }
    if operation.scope:
        said["x-scope"] = operation.scope
    if operation.takes is not None and not takes_query(route.method):
        said["requestBody"] = _body(operation.takes, schemas)
    return said


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Nobody need prove anything on loopback where no users are configured; that is the empty one."""
    scopes = [operation.scope] if operation.scope else []
    return [{"token": list(scopes)}, {"login": []}, {}]


def _parameters(route: Declared, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in PARAMETER.findall(route.path):
        described, schema = PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": described, "schema": schema}
    if operation.takes is not None and takes_query(route.method):
        yield from _query(operation.takes)
    if route.method == "POST" and route.path.startswith(PREFIX):
        yield KEY_PARAMETER


def _query(model: Any) -> Iterator[dict[str, Any]]:
    schema = TypeAdapter(model).json_schema()
    for name, told in Schemas.inlined(schema)["properties"].items():
        described = told.pop("description", None)
        said = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _one(told)}
        yield said | ({"description": described} if described else {})


def _one(schema: dict[str, Any]) -> dict[str, Any]:
    """A query holds no null: what may be left out is of its other type."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = dict(schema)
    if len(kinds) == 1:
        rest.pop("anyOf", None)
        rest |= kinds[0]
    return rest


def _body(takes: Any, schemas: Schemas) -> dict[str, Any]:
    if isinstance(takes, Media):
        return {"required": True, "description": takes.description, "content": {takes.content_type: _media(takes)}}
    schema = schemas.of(takes)
    return {"required": schemas.is_required(takes), "content": {"application/json": {"schema": schema}}}


def _media(media: Media) -> dict[str, Any]:
    return {"schema": dict(media.schema)} | ({} if media.example is None else {"example": media.example})


def _responses(route: Declared, operation: Operation, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, answer in operation.answers.items():
        kinds = answer if isinstance(answer, tuple) else (answer,)
        content: dict[str, Any] = {}
        for kind in kinds:
            if isinstance(kind, Media):
                content[kind.content_type] = _media(kind)
            else:
                content["application/json"] = {"schema": schemas.of(kind)}
        told: dict[str, Any] = {"description": HTTPStatus(status).phrase, "content": content}
        if route.method == "POST" and route.path.startswith(PREFIX):
            schema: dict[str, Any] = {"type": "string", "enum": ["true"]}
            told["headers"] = {REPLAYED: {"description": "It was answered before.", "schema": schema}}
        yield str(status), told
    for status in sorted(_possible(route, operation)):
        described = PROBLEMS.get(status) or TYPES[status]
        content = {"application/problem+json": {"schema": schemas.of(Problem)}}
        yield str(status), {"description": described, "content": content}


def _possible(route: Declared, operation: Operation) -> set[int]:
    """The problems that a request to this route can meet."""
    possible = {401, 403, 503, *operation.problems}
    if operation.takes is not None or PARAMETER.search(route.path):
        possible.add(400)
    if not takes_query(route.method):
        possible |= {400, 413}
    if route.method == "POST" and route.path.startswith(PREFIX):
        possible |= {409, 422}
    return possible
