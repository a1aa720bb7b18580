"""Who may send webhooks: each source proves itself, or nothing of its body is read."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.web.authentication import MAX_LOGGED, Authentication, Refusal, RefusalLog
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, receiver

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
        ("alertmanager", [], "no_token"),
        ("alertmanager", [""], "no_token"),
        ("alertmanager", ["Bearer"], "no_token"),
        ("alertmanager", ["Bearer "], "no_token"),
        ("alertmanager", [OLD], "no_token"),
        ("alertmanager", [f"Bearer{OLD}"], "no_token"),
        ("alertmanager", [f"Bearer {OLD} {OLD}"], "no_token"),
        ("alertmanager", [f"Basic {OLD}"], "no_token"),
        ("alertmanager", ["Bearer tökén"], "no_token"),
        ("alertmanager", ["Bearer \udcff"], "no_token"),
        ("alertmanager", [f"Bearer {OLD}", f"Bearer {OLD}"], "no_token"),
        ("alertmanager", [f"Bearer {OLD}x"], "wrong_token"),
        ("alertmanager", [f"Bearer {OLD.upper()}"], "wrong_token"),
        ("alertmanager", ["Bearer eu"], "wrong_token"),
        ("europe", [f"Bearer {OLD}"], "wrong_token"),
        ("asia", [f"Bearer {OLD}"], "unknown_source"),
        ("asia", [], "unknown_source"),
    ],
)
def test_headers(config: ReceiverConfig, source: str, headers: Sequence[str], expected: str | None) -> None:
    """A source needs one header with one of its own tokens; a 401 says so, and no refusal repeats what was sent."""
    refusal = Authentication.read(config.sources).refusal(source, headers)
    assert (refusal and refusal.reason) == expected
    if refusal:
        assert refusal.status == (403 if expected == "unknown_source" else 401)
        assert ("WWW-Authenticate" in refusal.headers) == (refusal.status == 401)
        assert OLD not in refusal.detail


def test_nothing_configured() -> None:
    """Without sources everybody may send, whatever the headers say."""
    assert Authentication({}).refusal("anybody", ["Basic x", "y"]) is None


def test_every_token_is_compared(config: ReceiverConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token is compared in constant time, also behind one that matched."""
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return real(given, token)

    authentication = Authentication.read(config.sources)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert authentication.refusal("alertmanager", [f"Bearer {OLD}"]) is None
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
        for reason, count in {"no_token": 1, "wrong_token": 2, "unknown_source": 1}.items():
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
        refusals.refused("europe", Refusal(401, "no_token", "needs a token"), None)
    assert len(logs) == MAX_LOGGED + 1
    assert logs[-1]["source"] == "europe"
