"""The ruler of Mimir and Cortex: a piece is a group, and a namespace of ours is ours as a whole.

The ruler keeps nothing of a group but what it evaluates, so a namespace is known by its name: a prefix, and the pack's.
Source: grafana/mimir and cortexproject/cortex, pkg/ruler/api.go: GET answers 404 where there is no group at all, POST
and DELETE 202.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from generator import yamltext
from generator.delivery.asking import Answer, Server, http_of
from generator.delivery.asking import opened as opened_server
from generator.delivery.destination import Held, Piece
from generator.delivery.options import Options
from generator.delivery.reading import group_of, groups_in
from generator.emit import File
from generator.server_options import address
from generator.targets.rulefile import groups as as_trees
from tocsin import yamltree
from tocsin.errors import DeliveryError, PlaceLost, UsageError

API = "/config/v1/rules"  # below the prefix of Prometheus's API
OF_CORTEX = "/api/v1/rules"
PREFIX = "/prometheus"  # Mimir's, where the address has no path
EMPTY = b"no rule groups"
PACK = re.compile(r"[-a-z0-9]+")


def pieces(files: Sequence[File], options: Options) -> list[Piece]:
    """The groups of each built namespace, `<prefix><pack>/<group>`."""
    prefix = _prefix(options)
    return [
        Piece(f"{prefix}{file.name.removesuffix('.yml')}/{group.name}", _text(group), (group,))
        for file in files
        for group in groups_in(file.text, file.name)
    ]


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Ruler]:
    """The ruler that `--ruler.url` names."""
    url = address(options.ruler_url, "--ruler.url", "http://mimir:8080/prometheus")
    path = urlsplit(url).path
    api = "" if path.endswith((API, OF_CORTEX)) else API if path else PREFIX + API
    http = http_of(options.http_config, options.tenant_id)
    async with opened_server(url + api, http, options, "--ruler.url") as server:
        yield Ruler(server, _prefix(options), options.tenant_id)


class Ruler:
    """The rules of one tenant of a ruler."""

    def __init__(self, server: Server, prefix: str, tenant: str = "") -> None:
        self._server = server
        self._prefix = prefix
        self._tenant = tenant

    @property
    def where(self) -> str:
        return f"the ruler at {self._server.url}" + (f", tenant {self._tenant}" if self._tenant else "")

    async def held(self) -> Held:
        answer = await self._server.ask("GET", "")
        if answer.status == 404 and EMPTY in answer.body:
            return Held()
        if answer.status == 404:
            raise PlaceLost(
                f"{self._server.url} is no ruler's API (404); write the prefix of Prometheus's API, such as "
                f"http://mimir:8080{PREFIX}, or all of it, such as http://cortex:8080{OF_CORTEX}"
            )
        if answer.status != 200:
            raise PlaceLost(self._refusal(answer))
        namespaces = self._read(answer.body)
        ours = {name: groups for name, groups in namespaces.items() if self._owns(name)}
        owned = {piece.name: piece for name, groups in ours.items() for piece in _held(name, groups)}
        return Held(owned, frozenset(namespaces.keys() - ours.keys()))

    async def put(self, piece: Piece) -> None:
        namespace, _, _ = piece.name.partition("/")
        answer = await self._server.ask("POST", f"/{quote(namespace, safe='')}", piece.text)
        if not 200 <= answer.status < 300:
            raise DeliveryError(self._refusal(answer))

    async def remove(self, piece: Piece) -> None:
        namespace, _, group = piece.name.partition("/")
        answer = await self._server.ask("DELETE", f"/{quote(namespace, safe='')}/{quote(group, safe='')}")
        if not 200 <= answer.status < 300 and answer.status != 404:  # gone already
            raise DeliveryError(self._refusal(answer))

    async def finish(self) -> str:
        return ""  # the ruler looks for itself within a minute

    def _owns(self, namespace: str) -> bool:
        return namespace.startswith(self._prefix) and bool(PACK.fullmatch(namespace.removeprefix(self._prefix)))

    def _read(self, body: bytes) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        documents, problems = yamltree.parse(body.decode("utf-8", "replace"), self._server.url)
        tree = documents[0].data if documents and not problems else None
        if not isinstance(tree, dict) or not all(isinstance(groups, list) for groups in tree.values()):
            raise PlaceLost(f"{self._server.url} answers with no namespaces of rule groups: is it a ruler's API?")
        return {str(name): [group for group in groups if isinstance(group, dict)] for name, groups in tree.items()}

    def _refusal(self, answer: Answer) -> str:
        said = f": {answer.said}" if answer.said else ""
        hint = "" if answer.status < 500 and answer.status != 429 else "; try again later"
        return f"the ruler answers {answer.status}{said}{hint}"


def _held(namespace: str, trees: Sequence[Mapping[str, Any]]) -> list[Piece]:
    groups = [group_of(tree, namespace) for tree in trees]
    return [Piece(f"{namespace}/{group.name}", "", (group,)) for group in groups]


def _text(group: Any) -> str:
    [tree] = as_trees([group])
    assert isinstance(tree, Mapping)
    return yamltext.dump(tree)


def _prefix(options: Options) -> str:
    prefix = options.namespace_prefix
    if not prefix or "/" in prefix or not prefix.isprintable():
        raise UsageError(
            f"--namespace-prefix: {prefix!r} cannot be one; write a word that no other namespace begins with"
        )
    return prefix
