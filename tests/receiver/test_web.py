"""The receiver's HTTP: what it takes in, what it refuses and in which words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, receiver
from tocsin.errors import StoreUnavailable


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "the body is empty"), (b"hello", "not JSON"), (b'{"alerts": [', "not JSON"), (b"{}x", "not JSON")],
)
async def test_not_json(tmp_path: Path, content: bytes, says: str) -> None:
    """Only what is not JSON is refused with 400, and the answer says what is wrong."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.post(HOOK, data=content)
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"
        assert says in (await answer.json())["detail"]


async def test_deep_nesting(tmp_path: Path) -> None:
    """A body nested a hundred thousand deep is refused, and the receiver goes on."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.post(HOOK, data=b"[" * 100_000)
        assert answer.status == 400
        assert await tocsin.post(body(alert())) == 200


async def test_too_large(tmp_path: Path) -> None:
    """A body beyond the bound is refused with 413 and the name of the setting; one below it is taken."""
    async with receiver(tmp_path, ReceiverConfig(max_body_bytes=4096)) as tocsin:
        answer = await tocsin.client.post(HOOK, data=b" " * 5000)
        assert answer.status == 413
        assert "max_body_bytes" in (await answer.json())["detail"]
        assert await tocsin.post(body(alert()).ljust(4000)) == 200


async def test_huge_group(tmp_path: Path) -> None:
    """A group of 5,000 alerts is one incident with every one of them."""
    async with receiver(tmp_path) as tocsin:
        assert await tocsin.post(body(*(alert(instance=str(number)) for number in range(5000)))) == 200
        (incident,) = await tocsin.incidents()
        assert incident["alerts"] == 5000


async def test_version_3(tmp_path: Path) -> None:
    """A v3 body (numeric groupKey, no fingerprint) is understood."""
    old = alert()
    del old["fingerprint"]
    async with receiver(tmp_path) as tocsin:
        assert await tocsin.post(body(old, version="3", groupKey=4711)) == 200
        (seen,) = await tocsin.alerts()
        assert seen["fingerprint"]
        assert seen["incident"]


async def test_unknown_missing_and_null_keys(tmp_path: Path) -> None:
    """Unknown keys are passed over, missing and null ones have a meaning."""
    bare = json.dumps(
        {"alerts": [{"labels": {"alertname": "X"}, "annotations": None, "valueString": "[ ]"}], "orgId": 1}
    )
    async with receiver(tmp_path) as tocsin:
        assert await tocsin.post(bare.encode()) == 200
        (seen,) = await tocsin.alerts()
        assert (seen["status"], seen["labels"]) == ("firing", {"alertname": "X"})


async def test_label_names_and_values_of_every_kind(tmp_path: Path) -> None:
    """UTF-8 names, quotes, newlines, braces and template syntax come out as they went in."""
    labels = {"größe": "ü", 'quo"te': 'a"b', "line": "a\nb", "brace": "{{ 7*7 }}{% raw %}", "zero": "\x00"}
    async with receiver(tmp_path) as tocsin:
        assert await tocsin.post(body(alert() | {"labels": labels})) == 200
        (seen,) = await tocsin.alerts()
        assert seen["labels"] == labels


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """A file of the store with somebody else's write lock on it."""
    connection = sqlite3.connect(folder / name, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


async def test_inbox_locked(tmp_path: Path) -> None:
    """While the inbox cannot commit the answer is 503 and nothing is kept; afterwards the same body is taken."""
    async with receiver(tmp_path) as tocsin:
        with locked(tmp_path, "inbox.db"):
            answer = await tocsin.client.post(HOOK, data=body(alert()))
            assert answer.status == 503
            assert "locked" in (await answer.json())["detail"]
        assert await tocsin.post(body(alert())) == 200
        assert len(await tocsin.incidents()) == 1


async def test_store_locked(tmp_path: Path) -> None:
    """While only the engine's part of the store cannot commit, bodies are taken in; it catches up afterwards."""
    async with receiver(tmp_path) as tocsin:
        with locked(tmp_path, "tocsin.db"):
            assert (await tocsin.client.post(HOOK, data=body(alert()))).status == 200
            with pytest.raises(StoreUnavailable):
                await tocsin.receiver.loop.run_once()
        await tocsin.settle()
        assert len(await tocsin.incidents()) == 1


async def test_inbox_limit(tmp_path: Path) -> None:
    """An inbox at its bound answers 503 until the engine has caught up."""
    async with receiver(tmp_path, ReceiverConfig(inbox_limit=2)) as tocsin:
        answers = [(await tocsin.client.post(HOOK, data=body(alert(n=str(n))))).status for n in range(3)]
        assert answers == [200, 200, 503]
        assert await tocsin.post(body(alert(n="2"))) == 503
        assert await tocsin.post(body(alert(n="2"))) == 200


async def test_committed_before_answered(tmp_path: Path) -> None:
    """What was answered 200 and not yet processed is processed by the next start."""
    async with receiver(tmp_path) as tocsin:
        assert (await tocsin.client.post(HOOK, data=body(alert()))).status == 200
    async with receiver(tmp_path) as tocsin:
        assert tocsin.receiver.inbox.depth == 1
        await tocsin.settle()
        assert len(await tocsin.incidents()) == 1
        assert tocsin.receiver.inbox.depth == 0


async def test_pages(tmp_path: Path) -> None:
    """Pages of a list hold each row once, newest first, also when rows come in between."""
    async with receiver(tmp_path) as tocsin:
        for number in range(5):
            await tocsin.post(body(alert(f"A{number}", start=number), group=f"A{number}"))
            tocsin.clock.advance(seconds=1)
        first = await tocsin.get("/api/v1/incidents?limit=2")
        await tocsin.post(body(alert("Late"), group="Late"))
        second = await tocsin.get(f"/api/v1/incidents?limit=2&cursor={first['next']}")
        third = await tocsin.get(f"/api/v1/incidents?limit=2&cursor={second['next']}")
        titles = [item["title"] for page in (first, second, third) for item in page["items"]]
        assert titles == [f"A{number} is up" for number in (4, 3, 2, 1, 0)]
        assert third["next"] is None
        alerts = await tocsin.get("/api/v1/alerts?limit=3")
        more = await tocsin.get(f"/api/v1/alerts?limit=1000&cursor={alerts['next']}")
        assert len({item["id"] for item in alerts["items"] + more["items"]}) == 6


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/v1/incidents?limit=0", 400, "1 to 1000"),
        ("/api/v1/incidents?limit=1001", 400, "1 to 1000"),
        ("/api/v1/incidents?limit=²", 400, "1 to 1000"),
        ("/api/v1/incidents?cursor=@@@", 400, "cursor"),
        ("/api/v1/alerts?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuYQ", 400, "cursor"),
        ("/api/v1/incidents?status=broken", 400, "acknowledged, open, resolved"),
        ("/api/v1/incidents/nosuch", 404, "no incident nosuch"),
        ("/api/v1/nothing", 404, "/api/v2/hooks/alertmanager"),
        (HOOK, 405, "POST"),
    ],
)
async def test_refusals(tmp_path: Path, path: str, status: int, says: str) -> None:
    """What cannot be answered is refused as problem+json that says how to ask."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.get(path)
        assert answer.status == status
        assert says in (await answer.json())["detail"]


async def test_source_names(tmp_path: Path) -> None:
    """A source's name is checked before anything is kept."""
    async with receiver(tmp_path) as tocsin:
        assert await tocsin.post(body(alert()), source="a b") == 404
        assert await tocsin.alerts() == []


async def test_action_without_a_name(tmp_path: Path) -> None:
    """An action needs no body; one that is not understood is refused."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        path = f"/api/v1/incidents/{incident['id']}/acknowledge"
        assert (await tocsin.client.post(path, data=b"[]")).status == 400
        answer = await tocsin.client.post(path)
        assert (await answer.json())["acknowledged_by"] == "somebody"


async def test_another_sites_page(tmp_path: Path) -> None:
    """A browser cannot be made to change anything by another site's page."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        path = f"/api/v1/incidents/{incident['id']}/resolve"
        assert (await tocsin.client.post(path, headers={"Sec-Fetch-Site": "cross-site"})).status == 403


async def test_probes_and_metrics(tmp_path: Path) -> None:
    """Probes answer; received and processed count every alert of every accepted body, repeats included."""
    async with receiver(tmp_path) as tocsin:
        for path in ("/-/healthy", "/-/ready"):
            assert (await tocsin.client.get(path)).status == 200
        assert (await tocsin.client.post("/-/reload")).status == 403
        for _ in range(2):
            await tocsin.post(body(alert(instance="a"), alert(instance="b")))
        text = await (await tocsin.client.get("/metrics")).text()
        for line in (
            "tocsin_receiver_alerts_received_total 4.0",
            "tocsin_receiver_alerts_processed_total 4.0",
            "tocsin_receiver_inbox_depth 0.0",
            'tocsin_receiver_incidents{severity="critical",status="open"} 1.0',
            'tocsin_receiver_unresolved_incidents{severity="critical",status="open",tenant="default"} 1.0',
            'tocsin_receiver_alerts_suppressed_total{reason="repeat"} 2.0',
        ):
            assert line in text.splitlines()
