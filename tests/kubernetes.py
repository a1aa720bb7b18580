"""An API server of Kubernetes as far as tests need one: who asks, what is allowed, and the faults that it may have.

What it holds and answers is its subclasses'.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import yaml
from aiohttp import web

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LW9mLXRoZS1jbHVzdGVy.c2lnbmF0dXJl"
VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "PUT": "update", "DELETE": "delete"}

Thing = dict[str, Any]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of a verb. `doing`: whether it is done before it goes wrong."""

    verb: str
    status: int = 0
    retry_after: str | None = None
    doing: bool = False
    ends: Literal["answer", "silence", "break", "truncated"] = "answer"
    before: Callable[[], None] | None = None  # somebody else is faster
    plain: bool = False  # a proxy's answer, not the API server's
    message: str = "etcdserver: it went wrong"


@dataclass
class ApiServer:
    """The objects by (resource, namespace, name), and what was asked."""

    GROUPS: ClassVar[Mapping[str, tuple[str, ...]]]  # the resources that it knows, by API group
    KINDS: ClassVar[Mapping[str, str]]

    things: dict[Key, Thing] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (verb, resource/subresource)
    heard: list[tuple[str, Any]] = field(default_factory=list)  # (verb, body) of what changes
    timeouts: list[str | None] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)  # "patch deployments/scale"
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, resource: str, namespace: str, name: str, **parts: Any) -> Thing:
        """An object, as if somebody had made it."""
        number = next(self.numbers)
        metadata = {"name": name, "uid": f"uid-{number}", "resourceVersion": str(number), "generation": 1}
        if namespace:
            metadata["namespace"] = namespace
        thing = {"kind": self.KINDS.get(resource, ""), "metadata": metadata | parts.pop("metadata", {}), **parts}
        self.things[resource, namespace, name] = thing
        return thing

    def touch(self, thing: Thing) -> None:
        """Its status, or something else that matters to nobody, changes."""
        thing["metadata"]["resourceVersion"] = str(next(self.numbers))

    def edit(self, thing: Thing, **spec: Any) -> None:
        """Somebody else changes its spec."""
        thing["spec"] |= spec
        thing["metadata"]["generation"] += 1
        self.touch(thing)

    @abstractmethod
    def answer(self, verb: str, key: Key, sub: str, request: web.Request, body: Any) -> web.Response:
        """What it says where nothing goes wrong."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        found = request.match_info
        group, resource, namespace, name, sub = (found.get(key, "") for key in ("group", "res", "ns", "name", "sub"))
        verb = "list" if request.method == "GET" and not name else VERBS[request.method]
        self.asked.append((verb, f"{resource}/{sub}" if sub else resource))
        self.timeouts.append(request.query.get("timeout"))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return status(401, f"Unauthorized: {request.headers.get('Authorization')}")  # no real one would tell
        if resource not in self.GROUPS[group] or f"{verb} {self.asked[-1][1]}" in self.forbidden:
            return status(
                403, f'{resource} "{name}" is forbidden: User "system:serviceaccount:a:b" cannot {verb} resource'
            )
        body = await request.json() if request.can_read_body else None
        if verb not in ("get", "list"):
            self.heard.append((verb, body))
        fault = next((one for one in self.faults if one.verb == verb), None)
        if fault is None:
            return self.answer(verb, (resource, namespace, name), sub, request, body)
        self.faults.remove(fault)
        if fault.before:
            fault.before()
        real = fault.doing or (fault.ends == "answer" and not fault.status)
        answer = self.answer(verb, (resource, namespace, name), sub, request, body) if real else None
        return await self._spoilt(fault, request, answer)

    async def _spoilt(self, fault: Fault, request: web.Request, answer: web.Response | None) -> web.StreamResponse:
        assert request.transport is not None
        match fault.ends:
            case "silence":
                await self.silent.wait()
            case "break":
                request.transport.close()
            case "truncated":
                return web.Response(text='{"kind": "Deployment", "metadata": {"na', content_type="application/json")
            case "answer":
                if not fault.status:
                    assert answer is not None
                    return answer
                headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                if fault.plain:
                    return web.Response(status=fault.status, text="<html>upstream</html>", headers=headers)
                return status(fault.status, fault.message, headers=headers)
        return web.Response(status=500)


def status(
    code: int, message: str, cause: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """What the API server says when it says no."""
    details = {"causes": [cause]} if cause else {}
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message, "details": details}
    return web.json_response(body, status=code, headers=headers)


def answered(thing: Thing) -> web.Response:
    return web.json_response(text=json.dumps(thing))


@asynccontextmanager
async def running(fake: ApiServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The server's address."""
    app = web.Application()
    for front in ("/api/v1", "/apis/{group}/v1"):
        for path in ("/namespaces/{ns}/{res}", "/{res}"):
            for rest in ("", "/{name}", "/{name}/{sub}"):
                app.router.add_route("*", front + path + rest, fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        fake.silent.set()
        await runner.cleanup()


def kubeconfig(folder: Path, server: str, token: str = TOKEN, **cluster: Any) -> Path:
    """A kubeconfig file for it."""
    file = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "fake", "user": "tocsin"}}],
        "clusters": [{"name": "fake", "cluster": {"server": server} | cluster}],
        "users": [{"name": "tocsin", "user": {"token": token}}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.fixture
def no_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's certificate authorities, which take OpenSSL a tenth of a second to read, are none."""
    file = tmp_path / "none.pem"
    file.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
