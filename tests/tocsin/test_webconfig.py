"""`--web.config.file`: TLS, basic authentication and headers, as Prometheus's exporter-toolkit has them."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.tls import Authority
from tocsin import passwords
from tocsin.config import load
from tocsin.errors import InputError
from tocsin.guard import Guard, certificate_names
from tocsin.passwords import Passwords, basic_credentials
from tocsin.serving import Listen, serve
from tocsin.webconfig import WebConfig, openssl_name

HASH = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key"


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[str]:
    """A server behind a guard; it answers with the names of the certificate that it was shown."""
    guard = Guard(file)
    application = web.Application(
        middlewares=[guard.middleware(lambda r: r.path == "/exempt", lambda r: r.path == "/patient")]
    )

    async def names(request: web.Request) -> web.Response:
        return web.json_response(sorted(certificate_names(request)))

    application.add_routes([web.get("/", names), web.get("/exempt", names), web.get("/patient", names)])
    runner = web.AppRunner(application)
    try:
        yield await serve(runner, Listen("127.0.0.1", 0), guard.ssl_context())
    finally:
        await runner.cleanup()


def touch(file: Path, text: str) -> None:
    """Writes a file so that its time differs, however coarse the clock of the file system."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("tls_server_config: {cert_file: server.pem}", 1, "'key_file' is missing"),
        ("tls_server_config: {cert_file: nosuch.pem, key_file: server.key}", 1, "nosuch.pem: No such file"),
        (TLS + ", client_ca_file: ca.pem}", 1, "belong together"),
        (TLS + ", client_auth_type: RequireAndVerifyClientCert}", 1, "belong together"),
        (TLS + ", client_auth_type: RequireAnyClientCert, client_ca_file: ca.pem}", 1, "without verifying"),
        (TLS + ", client_allowed_sans: [a]}", 1, "needs verified clients"),
        (TLS + ", min_version: TLS14}", 1, "TLS10"),
        (TLS + ", cipher_suites: [TLS_NO_WITH_SUCH]}", 1, "cannot be set up"),
        (TLS + ", curve_preferences: [X25519, CurveP256]}", 1, "one curve"),
        ("tls_server_config: {cert_file: server.pem, key_file: ca.pem}", 1, "cannot be set up"),
        ("basic_auth_users:\n  alice: s3cret", 2, "no bcrypt hash"),
        ("http_server_config: {headers: {X-Other: a}}", 1, "X-Other cannot be set"),
        ("tls_config: {}", 1, "unknown key"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, text: str, line: int, says: str) -> None:
    """What is wrong in a web configuration is a problem with its place and the way out."""
    Authority(tmp_path).server()
    (tmp_path / "web.yml").write_text(text)
    with pytest.raises(InputError) as caught:
        load(tmp_path / "web.yml", WebConfig)
    (problem,) = caught.value.problems
    assert says in problem.message
    assert problem.at.line == line
    assert problem.hint
    assert "s3cret" not in problem.message


@pytest.mark.parametrize(
    ("go", "openssl"),
    [
        ("TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ],
)
def test_cipher_suites(go: str, openssl: str) -> None:
    """Suites are written as Go names them, which is what exporter-toolkit's format says."""
    assert openssl_name(go) == openssl


async def test_everything_at_once(tmp_path: Path) -> None:
    """A configuration with every setting works, and speaks no TLS older than it says."""
    authority = Authority(tmp_path)
    authority.server()
    (tmp_path / "web.yml").write_text(
        TLS + ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem, min_version: TLS13,\n"
        "  max_version: TLS13, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256],\n"
        "  prefer_server_cipher_suites: true, curve_preferences: [CurveP256]}\n"
        "http_server_config: {http2: true, headers: {X-Frame-Options: deny}}\n"
        f"basic_auth_users: {{alice: '{HASH}'}}\n"
    )
    async with serving(tmp_path / "web.yml") as url, aiohttp.ClientSession() as http, aiohttp.ClientSession() as older:
        context = authority.client()
        async with http.get(url, ssl=context, headers=login("alice", "s3cret")) as answer:
            assert (answer.status, answer.headers["X-Frame-Options"]) == (200, "deny")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(aiohttp.ClientConnectorError):
            await older.get(url, ssl=context)


async def test_users(tmp_path: Path) -> None:
    """Who proves nothing gets 401 and the headers all the same; changed users count from the next request on."""
    file = tmp_path / "web.yml"
    file.write_text(
        f"basic_auth_users: {{alice: '{HASH}'}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}"
    )
    async with serving(file) as url, aiohttp.ClientSession() as http:

        async def status(path: str = "/", **headers: str) -> int:
            async with http.get(url + path, headers=headers) as answer:
                assert answer.headers["X-Frame-Options"] == "deny"
                assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)
                return answer.status

        assert await status() == 401
        assert await status(**login("alice", "wrong")) == 401
        assert await status(**login("bob", "s3cret")) == 401
        assert await status(**login("alice", "s3cret")) == 200
        assert await status("/nothing") == 401
        assert await status("/nothing", **login("alice", "s3cret")) == 404
        assert await status("/exempt") == 200
        touch(file, file.read_text().replace("alice", "carol"))
        assert await status(**login("alice", "s3cret")) == 401
        assert await status(**login("carol", "s3cret")) == 200


async def test_wrong_passwords_wait(tmp_path: Path) -> None:
    """After ten wrong passwords one that was not seen to be right waits, unless the request would not come again."""
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{HASH}', bob: '{HASH}'}}")
    async with serving(file) as url, aiohttp.ClientSession() as http:

        async def status(path: str = "/", **headers: str) -> int:
            async with http.get(url + path, headers=headers) as answer:
                assert ("Retry-After" in answer.headers) == (answer.status == 429)
                return answer.status

        assert await status(**login("alice", "s3cret")) == 200
        with capture_logs() as logs:
            assert [await status(**login("bob", "wrong")) for _ in range(10)] == [401] * 10
        assert len(logs) == 1
        assert await status(**login("bob", "s3cret")) == 429
        assert await status(**login("alice", "wrong")) == 429
        assert await status(**login("alice", "s3cret")) == 200
        assert await status() == 401
        assert await status("/patient", **login("bob", "wrong")) == 401
        assert await status("/patient", **login("bob", "s3cret")) == 200
        assert await status("/exempt") == 200


async def test_a_file_that_became_wrong(tmp_path: Path) -> None:
    """A wrong file is told once, and what was in force stays, TLS above all."""
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{HASH}'}}")
    guard = Guard(file)
    Authority(tmp_path).server()
    with capture_logs() as logs:
        for text in ("basic_auth_users: {alice: oops}", TLS + "}"):
            touch(file, text)
            assert list(guard.config.basic_auth_users) == ["alice"]
            assert list(guard.config.basic_auth_users) == ["alice"]
        file.unlink()
        assert list(guard.config.basic_auth_users) == ["alice"]
    assert [line["log_level"] for line in logs] == ["error"] * 3
    assert "by a restart only" in logs[1]["event"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_certificates_are_rotated(tmp_path: Path, host: str) -> None:
    """A handshake shows the certificate, and trusts the authority, that lie there then, with SNI or without."""
    authority = Authority(tmp_path)
    authority.server()
    file = tmp_path / "web.yml"
    file.write_text(TLS + ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: clients.pem}")
    clients = Authority(tmp_path, "clients")
    mine = clients.client("mine.example.org", common_name="mine")
    async with serving(file) as address, aiohttp.ClientSession() as http:
        url = address.replace("127.0.0.1", host)

        async def shown(context: ssl.SSLContext) -> list[str]:
            headers = {"Connection": "close"}
            async with http.get(url, ssl=context, headers=headers) as answer:
                names: list[str] = await answer.json()
                return names

        mine.load_verify_locations(authority.file)
        assert await shown(mine) == ["mine", "mine.example.org"]
        newer = Authority(tmp_path, "newer")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await shown(newer.client())
        newer.server()
        assert await shown(newer.client()) == []
        others = Authority(tmp_path, "clients").client("others.example.org")
        others.load_verify_locations(newer.file)
        assert await shown(others) == ["others.example.org"]
        mine.load_verify_locations(newer.file)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await shown(mine)


async def test_allowed_names(tmp_path: Path) -> None:
    """With client_allowed_sans a certificate needs one of those names, its signature alone is not enough."""
    authority = Authority(tmp_path)
    authority.server()
    (tmp_path / "web.yml").write_text(
        TLS + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [a.org]}"
    )
    async with serving(tmp_path / "web.yml") as url, aiohttp.ClientSession() as http:
        for name, status in (("a.org", 200), ("b.org", 403)):
            async with http.get(url, ssl=authority.client(name, common_name="a.org")) as answer:
                assert answer.status == status
        with pytest.raises((aiohttp.ClientError, OSError)):
            await http.get(url, ssl=authority.client())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Basic YTpi"], ("a", "b")),
        (["basic   YTpiOmM="], ("a", "b:c")),
        (["Basic YTo="], ("a", "")),
        (["Basic YQ=="], None),
        (["Basic ?"], None),
        (["Basic /w=="], None),
        (["Bearer YTpi"], None),
        ([""], None),
        ([], None),
        (["Basic YTpi", "Basic YTpi"], None),
    ],
)
def test_basic_credentials(headers: list[str], expected: tuple[str, str] | None) -> None:
    """User and password stand in one header, in base64, with a colon between them."""
    assert basic_credentials(headers) == expected


async def test_right_passwords_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right password is checked by bcrypt once, a wrong one each time; an unknown user costs a check, too."""
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def check(password: bytes, hashed: bytes) -> bool:
        checked.append(password)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    monkeypatch.setattr(passwords, "REMEMBERED", 1)
    users = {"alice": HASH, "bob": HASH}
    known = Passwords()
    for user, password, right, checks in (
        ("alice", "s3cret", True, 1),
        ("alice", "s3cret", True, 1),
        ("alice", "wrong", False, 2),
        ("alice", "wrong", False, 3),
        ("nobody", "s3cret", False, 4),
        ("alice", "s3cret" * 20, False, 5),
        ("alice", "s3cret", True, 5),
        ("bob", "s3cret", True, 6),
        ("alice", "s3cret", True, 7),
    ):
        assert await known.fits(users, user, password) is right
        assert len(checked) == checks
