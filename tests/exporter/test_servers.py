"""Servers that want to know who asks: real ones, with passwords, tokens, headers and TLS, from the configuration."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from exporter.config import ExporterConfig, PrometheusSettings
from exporter.servers import Servers
from tests.tls import Authority
from tocsin.config import load
from tocsin.errors import InputError
from tocsin.promapi import NoAnswer, NotLetIn

EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
Check = Callable[[web.Request], bool]


def settings(folder: Path, url: str, text: str) -> PrometheusSettings:
    """The servers' settings out of a file in this folder."""
    file = folder / "exporter.yml"
    file.write_text(f"prometheus:\n  url: {url}\n{text}queries: [{{name: a, expr: up}}]\n")
    return load(file, ExporterConfig).prometheus


class Guarded:
    """Answers whoever passes the check, and gives tokens that hold for so many requests."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.tokens = 0
        self.asked: list[dict[str, str]] = []

    async def query(self, request: web.Request) -> web.Response:
        return web.json_response(EMPTY, status=200 if self.check(request) else 401)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        login = request.headers.get("Authorization", "")
        self.asked.append(form | {"login": login})
        if form.get("client_secret") != "s e:cret" and login != aiohttp.encode_basic_auth("me", "s+e%3Acret"):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens += 1
        return web.json_response({"access_token": f"t{self.tokens}", "token_type": "bearer", "expires_in": 3600})


@asynccontextmanager
async def serving(guarded: Guarded, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    application = web.Application()
    application.add_routes([web.post("/api/v1/query_range", guarded.query), web.post("/token", guarded.token)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(found: PrometheusSettings) -> None:
    async with AsyncExitStack() as stack:
        assert await Servers(stack).asked(found).query_range("up", 60, 60, 60) == []


def has(name: str, *values: str) -> Check:
    return lambda request: request.headers.getall(name, []) == list(values)


WAYS: dict[str, tuple[str, Check]] = {
    "basic": (
        "  basic_auth: {username: ann, password_file: secret}\n",
        has("Authorization", aiohttp.encode_basic_auth("ann", "s e:cret")),
    ),
    "bearer": ("  authorization: {credentials_file: secret}\n", has("Authorization", "Bearer s e:cret")),
    "another type": (
        "  authorization: {type: GenieKey, credentials_file: secret}\n",
        has("Authorization", "GenieKey s e:cret"),
    ),
    "headers": (
        "  http_headers: {X-Scope-OrgID: {values: [acme]}, X-Key: {files: [secret]}}\n",
        lambda request: has("X-Scope-OrgID", "acme")(request) and has("X-Key", "s e:cret")(request),
    ),
}


@pytest.mark.parametrize(("text", "check"), WAYS.values(), ids=WAYS)
async def test_who_asks(text: str, check: Check, tmp_path: Path) -> None:
    """Names, tokens and headers come from files beside the configuration; without them nobody is let in."""
    (tmp_path / "secret").write_text("s e:cret\n")
    async with serving(Guarded(check)) as url:
        await ask(settings(tmp_path, url, text))
        with pytest.raises(NotLetIn, match="does not let us in"):
            await ask(settings(tmp_path, url, ""))


async def test_a_secret_that_is_changed(tmp_path: Path) -> None:
    """A rotated secret counts from the next request on; one that is gone is said, and nobody is asked."""
    (tmp_path / "secret").write_text("old")
    guarded = Guarded(has("Authorization", "Bearer new"))
    async with serving(guarded) as url, AsyncExitStack() as stack:
        api = Servers(stack).asked(settings(tmp_path, url, "  authorization: {credentials_file: secret}\n"))
        with pytest.raises(NotLetIn):
            await api.query_range("up", 60, 60, 60)
        (tmp_path / "secret").write_text("new")
        assert await api.query_range("up", 60, 60, 60) == []
        (tmp_path / "secret").unlink()
        with pytest.raises(NotLetIn, match="secret cannot be read"):
            await api.query_range("up", 60, 60, 60)


OAUTH = "  oauth2: {{client_id: me, client_secret_file: secret, token_url: {url}/token, scopes: [read, more]}}\n"


async def test_tokens_by_oauth2(tmp_path: Path) -> None:
    """A token is asked for once; one that is refused is asked for anew."""
    (tmp_path / "secret").write_text("s e:cret")
    guarded = Guarded(lambda request: request.headers.get("Authorization") == f"Bearer t{good}")
    good = 1
    async with serving(guarded) as url, AsyncExitStack() as stack:
        api = Servers(stack).asked(settings(tmp_path, url, OAUTH.format(url=url)))
        for _ in range(3):
            await api.query_range("up", 60, 60, 60)
        good = 2
        with pytest.raises(NotLetIn):
            await api.query_range("up", 60, 60, 60)
        await api.query_range("up", 60, 60, 60)
    assert [(asked["grant_type"], asked["scope"]) for asked in guarded.asked] == [
        ("client_credentials", "read more")
    ] * 2
    assert guarded.tokens == 2


async def test_no_token(tmp_path: Path) -> None:
    """A wrong secret and a server of tokens that is away are told apart: only the second is tried again."""
    (tmp_path / "secret").write_text("wrong")
    async with serving(Guarded(lambda request: True)) as url:
        with pytest.raises(NotLetIn, match=r"/token gives us no token \(HTTP 401\): check oauth2"):
            await ask(settings(tmp_path, url, OAUTH.format(url=url)))
        with pytest.raises(NoAnswer, match="cannot be asked for a token"):
            await ask(settings(tmp_path, url, OAUTH.format(url="http://127.0.0.1:1")))


async def test_tls(tmp_path: Path) -> None:
    """A server's certificate is checked against ca_file, and ours is shown; without either nothing is read."""
    authority = Authority(tmp_path)
    authority.server()
    authority.server("client")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = "  tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}\n"
    async with serving(Guarded(lambda request: True), context) as url:
        await ask(settings(tmp_path, url, ours))
        for text in ("", "  tls_config: {ca_file: ca.pem}\n"):
            with pytest.raises(NoAnswer, match="cannot be reached"):
                await ask(settings(tmp_path, url, text))


async def test_the_same_settings_keep_their_session(tmp_path: Path) -> None:
    """A reload that changes nothing of the servers goes on with the same client."""
    async with AsyncExitStack() as stack:
        servers = Servers(stack)
        first = servers.asked(settings(tmp_path, "http://a", ""))
        assert servers.asked(settings(tmp_path, "http://a", "")) is first
        assert servers.asked(settings(tmp_path, "http://b", "")) is not first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  basic_auth: {username: ann, password: open}\n", "basic_auth.password stands in the file itself"),
        ("  authorization: {credentials: open}\n", "authorization.credentials stands in the file itself"),
        ("  http_headers: {X-Key: {secrets: [open]}}\n", "secrets stands in the file itself"),
        (
            "  oauth2: {client_id: a, client_secret: b, token_url: http://a/}\n",
            "oauth2.client_secret stands in the file itself",
        ),
        ("  oauth2: {client_id: a, token_url: http://a/}\n", "needs client_secret_file"),
        ("  authorization: {credentials_file: a}\n  basic_auth: {username: a}\n", "keep one of them"),
        ("  tls_config: {ca_file: nowhere.pem}\n", "cannot be read"),
    ],
)
def test_what_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """Secrets in plain sight, and what cannot work, are refused with the way out."""
    with pytest.raises(InputError) as refused:
        settings(tmp_path, "http://a", text)
    told = json.dumps([f"{problem.message} {problem.hint}" for problem in refused.value.problems])
    assert said in told
