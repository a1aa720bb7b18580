"""Inhibition by dependency: the cause pages, its consequences stand on its timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tests.receiver.holding import OVER, PAGE, WINDOW, config, held, timeline, told

EDGES = {"checkout": ["cart", "payments"], "cart": ["redis"], "redis": ["cart"]}
INHIBITION: dict[str, Any] = {
    "topology": {"edges": EDGES},
    "correlation": {"by": "group"},
    "inhibition": {"settle": "2m"},
}


def on(service: str, *, end: float | None = None, start: float = 0, severity: str = "critical") -> bytes:
    """A body of one alert on a service."""
    name = f"{service}-down"
    return body(alert(name, service=service, severity=severity, end=end, start=start), group=name)


async def test_inhibition(tmp_path: Path) -> None:
    """A caller's alert stands on its cause's timeline and pages nobody; if it fires on after the cause, it pages."""
    async with receiver(tmp_path, config(**INHIBITION)) as tocsin:
        await tocsin.post(on("redis"))
        await tocsin.post(on("checkout"))
        await tocsin.post(on("search"))
        assert told(tocsin) == [PAGE, PAGE]  # redis, search
        (one,) = await held(tocsin)
        cause = one["suppressed"]["incident"]
        reason = f"checkout depends on redis (by way of cart), which has the incident {cause}: redis-down is up"
        assert (one["suppressed"]["kind"], one["suppressed"]["reason"]) == ("inhibited", reason)
        (event,) = [e for e in await timeline(tocsin, cause) if e["kind"] == "alerts_held"]
        assert (event["alerts"][0]["name"], event["reason"]) == ("checkout-down", reason)
        await tocsin.post(on("redis", end=60))
        await tocsin.advance(minutes=1, seconds=59)
        assert told(tocsin).count(PAGE) == 2
        await tocsin.advance(seconds=1)
        await tocsin.advance(hours=1)
        assert told(tocsin).count(PAGE) == 3
        assert await held(tocsin) == []


async def test_inhibition_that_recovers(tmp_path: Path) -> None:
    """A consequence that ends within the settling time never pages anybody, nor does one closed with its cause."""
    async with receiver(tmp_path, config(**INHIBITION)) as tocsin:
        await tocsin.post(on("redis"))
        await tocsin.post(on("checkout"))
        await tocsin.post(on("redis", end=60))
        await tocsin.advance(minutes=1)
        await tocsin.post(on("checkout", end=90))
        await tocsin.advance(hours=1)
        assert told(tocsin) == [PAGE, OVER]


async def test_inhibition_and_closed_by_hand(tmp_path: Path) -> None:
    """A cause that a person closes lets its consequences go as well."""
    async with receiver(tmp_path, config(**INHIBITION)) as tocsin:
        await tocsin.post(on("redis"))
        await tocsin.post(on("checkout"))
        await tocsin.act((await tocsin.incidents())[0]["id"], "resolve")
        await tocsin.advance(minutes=2)
        assert told(tocsin).count(PAGE) == 2


@pytest.mark.parametrize(
    ("first", "second", "pages"),
    [
        (on("cart"), on("redis"), 1),  # a circle holds whoever comes second
        (on("redis"), on("cart"), 1),
        (on("checkout"), on("redis"), 2),  # a cause that comes later is not held by its caller
        (on("redis", severity="warning"), on("checkout"), 2),  # not bad enough
        (on("payments"), on("cart"), 2),  # siblings
        (on("redis"), on("nothing"), 2),
    ],
)
async def test_who_inhibits_whom(tmp_path: Path, first: bytes, second: bytes, pages: int) -> None:
    """Only what a node depends on holds it back."""
    async with receiver(tmp_path, config(**INHIBITION)) as tocsin:
        await tocsin.post(first)
        await tocsin.post(second)
        assert told(tocsin).count(PAGE) == pages


async def test_inhibition_within_one_batch(tmp_path: Path) -> None:
    """A cause that opened its incident a moment ago, in the same batch, holds back too."""
    async with receiver(tmp_path, config(**INHIBITION)) as tocsin:
        for content in (on("redis"), on("checkout")):
            await tocsin.client.post("/api/v2/hooks/alertmanager", data=content)
        await tocsin.settle()
        assert told(tocsin) == [PAGE]


async def test_window_before_inhibition(tmp_path: Path) -> None:
    """What a window lets go while its cause is still open is held by the cause then."""
    window = WINDOW | {"matchers": ["service=checkout"]}
    async with receiver(tmp_path, config(maintenance=[window], **INHIBITION)) as tocsin:
        await tocsin.post(on("checkout"))
        await tocsin.post(on("redis"))
        await tocsin.advance(hours=1)
        assert [a["suppressed"]["kind"] for a in await held(tocsin)] == ["inhibited"]
        cause = (await tocsin.incidents())[0]["id"]
        assert "alerts_held" in await tocsin.story(cause)
        await tocsin.act(cause, "resolve")
        await tocsin.advance(minutes=2)
        assert told(tocsin).count(PAGE) == 2
