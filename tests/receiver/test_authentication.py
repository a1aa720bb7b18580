"""Who may send webhooks: each source proves itself, or nothing of its body is read."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.web.authentication import MAX_LOGGED, Accepted, Authentication, Given, Refusal, RefusalLog
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, receiver
from tests.tls import Authority
from tocsin.client import Client
from tocsin.config import load
from tocsin.errors import TocsinError
from tocsin.guard import Guard

OLD, NEW = "old-t0ken", "new/t0ken+=="
RIGHT = {"Authorization": f"Bearer {OLD}"}


@pytest.fixture
def config(tmp_path: Path) -> ReceiverConfig:
    """Two sources: `alertmanager` while it changes its token, and `europe`."""
    return ReceiverConfig.model_validate(
        {
            "sources": {
                "alertmanager": {"bearer_token_files": [token(tmp_path, OLD), token(tmp_path, NEW)]},
                "europe": {"bearer_token_files": [token(tmp_path, "eu")]},
            }
        }
    )


def token(folder: Path, text: str) -> Path:
    file = folder / f"token-{text[:2]}"
    file.write_text(f"{text}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("source", "headers", "expected"),
    [
        ("alertmanager", [f"Bearer {OLD}"], None),
        ("alertmanager", [f"Bearer {NEW}"], None),
        ("alertmanager", [f"bearer   {OLD} "], None),
        ("europe", ["Bearer eu"], None),
        ("alertmanager", [], "no_proof"),
        ("alertmanager", [""], "no_proof"),
        ("alertmanager", ["Bearer"], "no_proof"),
        ("alertmanager", ["Bearer "], "no_proof"),
        ("alertmanager", [OLD], "no_proof"),
        ("alertmanager", [f"Bearer{OLD}"], "no_proof"),
        ("alertmanager", [f"Bearer {OLD} {OLD}"], "no_proof"),
        ("alertmanager", [f"Basic {OLD}"], "no_proof"),
        ("alertmanager", ["Bearer tökén"], "no_proof"),
        ("alertmanager", ["Bearer \udcff"], "no_proof"),
        ("alertmanager", [f"Bearer {OLD}", f"Bearer {OLD}"], "no_proof"),
        ("alertmanager", [f"Bearer {OLD}x"], "wrong_proof"),
        ("alertmanager", [f"Bearer {OLD.upper()}"], "wrong_proof"),
        ("alertmanager", ["Bearer eu"], "wrong_proof"),
        ("europe", [f"Bearer {OLD}"], "wrong_proof"),
        ("asia", [f"Bearer {OLD}"], "unknown_source"),
        ("asia", [], "unknown_source"),
    ],
)
def test_headers(config: ReceiverConfig, source: str, headers: Sequence[str], expected: str | None) -> None:
    """A source needs one header with one of its own tokens; a 401 says so, and no refusal repeats what was sent."""
    refusal = Authentication.read(config.sources).check(source, Given(headers))
    assert getattr(refusal, "reason", None) == expected
    if isinstance(refusal, Refusal):
        assert refusal.status == (403 if expected == "unknown_source" else 401)
        assert ("WWW-Authenticate" in refusal.headers) == (refusal.status == 401)
        assert OLD not in refusal.detail


def test_nothing_configured() -> None:
    """Without sources everybody may send, whatever the headers say."""
    assert Authentication({}).check("anybody", Given(["Basic x", "y"])) == Accepted()


def test_every_token_is_compared(config: ReceiverConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token is compared in constant time, also behind one that matched."""
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return real(given, token)

    authentication = Authentication.read(config.sources)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert authentication.check("alertmanager", Given([f"Bearer {OLD}"])) == Accepted()
    assert compared == [OLD.encode(), NEW.encode()]


async def test_refused_and_accepted(tmp_path: Path, config: ReceiverConfig) -> None:
    """Refusals are problems that are counted, and nothing of them is kept; what proves itself is taken."""
    async with receiver(tmp_path, config) as tocsin:
        for path, headers, status in (
            (HOOK, {}, 401),
            (HOOK, {"Authorization": "Bearer wrong"}, 401),
            (f"{HOOK}/europe", RIGHT, 401),
            (f"{HOOK}/asia", RIGHT, 403),
            (f"{HOOK}/a b", RIGHT, 404),
        ):
            answer = await tocsin.client.post(path, data=body(alert()), headers=headers)
            assert answer.status == status
            assert answer.content_type == "application/problem+json"
            assert answer.headers.get("WWW-Authenticate") == ('Bearer realm="tocsin"' if status == 401 else None)
        await tocsin.settle()
        assert await tocsin.alerts() == []
        assert (await tocsin.client.post(HOOK, data=body(alert()), headers=RIGHT)).status == 200
        await tocsin.settle()
        assert len(await tocsin.alerts()) == 1
        text = await (await tocsin.client.get("/metrics")).text()
        for reason, count in {"no_proof": 1, "wrong_proof": 2, "unknown_source": 1}.items():
            assert f'tocsin_receiver_bodies_refused_total{{reason="{reason}"}} {count}.0' in text.splitlines()


async def test_the_body_is_not_awaited(tmp_path: Path, config: ReceiverConfig) -> None:
    """The answer comes while not a byte of the body has been sent."""
    async with receiver(tmp_path, config) as tocsin:
        reader, writer = await asyncio.open_connection(tocsin.client.host, tocsin.client.port)
        writer.write(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode())
        async with asyncio.timeout(10):
            assert b"401" in await reader.readline()
        writer.close()


async def test_logged_once_and_never_the_token(tmp_path: Path, config: ReceiverConfig) -> None:
    """A source that is refused again and again is one line of the log, and one when it works again; no token in it."""
    wrong = {"Authorization": "Bearer s3cret-of-others"}
    async with receiver(tmp_path, config) as tocsin:
        with capture_logs() as logs:
            for headers in (wrong, wrong, wrong, RIGHT, RIGHT, wrong):
                await tocsin.client.post(HOOK, data=body(alert()), headers=headers)
    told = [line["event"] for line in logs if "source" in line]
    assert told == ["a source is refused", "a source is accepted again", "a source is refused"]
    assert not [secret for secret in (OLD, NEW, "s3cret") if secret in str(logs)]


def test_made_up_sources_do_not_fill_the_log() -> None:
    """Names that anybody can make up are bounded in log and memory; a known source is still told of."""
    refusals = RefusalLog()
    with capture_logs() as logs:
        for number in range(MAX_LOGGED * 2):
            refusals.refused(f"made-up-{number}", Refusal(403, "unknown_source", "not configured"), None)
        refusals.refused("europe", Refusal(401, "no_proof", "needs a token"), None)
    assert len(logs) == MAX_LOGGED + 1
    assert logs[-1]["source"] == "europe"


MANY = {
    "basic": {"basic_auth": [{"username": "am", "password_file": "p1"}, {"username": "am", "password_file": "p2"}]},
    "certificate": {"client_certificates": [{"name": "am.example.org"}]},
    "all": {
        "bearer_token_files": ["t1", {"token_file": "t2", "tenants": ["two"]}],
        "basic_auth": [{"username": "am", "password_file": "p1", "tenants": ["three"]}],
        "client_certificates": [{"name": "am.example.org", "tenants": ["four"]}],
        "tenants": ["one"],
    },
}


def login(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("source", "headers", "certificate", "expected"),
    [
        ("basic", [login("am", "pässword 1")], [], None),
        ("basic", [login("am", "password 2")], [], None),
        ("basic", [login("am", "password 3")], [], "wrong_proof"),
        ("basic", [login("other", "password 2")], [], "wrong_proof"),
        ("basic", ["Basic ???"], [], "no_proof"),
        ("basic", ["Bearer token1"], [], "no_proof"),
        ("basic", [], ["am.example.org"], "no_proof"),
        ("certificate", [], ["x", "am.example.org"], None),
        ("certificate", ["Bearer token1"], ["am.example.org"], None),
        ("certificate", [], ["x"], "wrong_proof"),
        ("certificate", [], [], "no_proof"),
        ("all", ["Bearer token1"], [], "one"),
        ("all", ["Bearer token2"], [], "two"),
        ("all", [login("am", "pässword 1")], [], "three"),
        ("all", [], ["am.example.org"], "four"),
        ("all", ["Bearer token2"], ["am.example.org"], "four,two"),
        ("all", ["Bearer wrong"], ["am.example.org"], "four"),
        ("all", ["Bearer wrong"], ["x"], "wrong_proof"),
        ("all", [], [], "no_proof"),
    ],
)
def test_every_kind_of_proof(
    tmp_path: Path, source: str, headers: list[str], certificate: list[str], expected: str | None
) -> None:
    """Any one of a source's proofs is enough, and each speaks for its own tenants, else for the source's."""
    for name, text in {"p1": "pässword 1", "p2": "password 2", "t1": "token1", "t2": "token2"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "receiver.yml").write_text(json.dumps({"sources": MANY}))
    authentication = Authentication.read(load(tmp_path / "receiver.yml", ReceiverConfig).sources)
    checked = authentication.check(source, Given(headers, frozenset(certificate)))
    if isinstance(checked, Refusal):
        assert checked.reason == expected
        assert checked.status == (403 if source == "certificate" else 401)
        assert bool(checked.headers) == (checked.status == 401)
    else:
        assert checked.tenants == (None if expected is None else frozenset(expected.split(",")))
    assert "token1" not in repr(authentication._proofs)
    assert "password" not in repr(authentication._proofs)


async def test_a_client_certificate(tmp_path: Path) -> None:
    """Over TLS a source is known by the certificate it shows, and one without it is refused."""
    authority = Authority(tmp_path)
    authority.server()
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem,"
        " client_auth_type: VerifyClientCertIfGiven}"
    )
    config = ReceiverConfig.model_validate({"sources": {"alertmanager": MANY["certificate"]}})
    guard = Guard(tmp_path / "web.yml")
    async with receiver(tmp_path / "store", config, guard=guard) as tocsin:
        url = f"https://127.0.0.1:{tocsin.client.port}{HOOK}"
        for name, status in (("am.example.org", 200), ("other.example.org", 403), (None, 403)):
            context = authority.client(*([name] if name else []))
            async with aiohttp.ClientSession() as http, http.post(url, data=body(alert()), ssl=context) as answer:
                assert answer.status == status


async def test_users_of_the_web_and_proofs_of_sources(tmp_path: Path, config: ReceiverConfig) -> None:
    """With users in --web.config.file everything needs one of them, but for what proves itself to its source."""
    hashed = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: '{hashed}'}}")
    alice = {"Authorization": login("alice", "s3cret")}
    for sources, hook_needs in ((config, RIGHT), (None, alice)):
        async with receiver(tmp_path / "store", sources, guard=Guard(tmp_path / "web.yml")) as tocsin:
            for headers in (RIGHT, alice):
                answer = await tocsin.client.post(HOOK, data=body(alert()), headers=headers)
                assert answer.status == (200 if headers is hook_needs else 401)
            for path in ("/-/healthy", "/-/ready", "/metrics", "/api/v1/incidents"):
                assert (await tocsin.client.get(path)).status == 401
                assert (await tocsin.client.get(path, headers=alice)).status == 200
            url = f"http://alice:s3cret@127.0.0.1:{tocsin.client.port}"
            client = Client.from_environment(url, {})
            assert "s3cret" not in repr(client)
            assert await asyncio.to_thread(list, client.alerts()) == []
            nobody = Client.from_environment(url.replace("alice:s3cret@", ""), {})
            with pytest.raises(
                TocsinError, match="wants to know who asks: name the file of a token in TOCSIN_TOKEN_FILE"
            ):
                await asyncio.to_thread(list, nobody.alerts())
