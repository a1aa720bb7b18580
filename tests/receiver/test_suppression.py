"""What is held back: told to nobody, listed with its reason, and told when what held it back is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, receiver
from tests.receiver.holding import DB, OVER, PAGE, WINDOW, config, held, timeline, told


async def test_window(tmp_path: Path) -> None:
    """An alert in a window tells nobody and is listed with the window; when the window ends it is told, once."""
    async with receiver(tmp_path, config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(alert(**DB)))
        await tocsin.post(body(alert("Other", service="web"), group="Other"))
        assert told(tocsin) == [PAGE]  # of the other one
        (one,) = await held(tocsin)
        assert (one["incident"], one["status"], one["suppressed"]["kind"]) == (None, "firing", "maintenance")
        assert one["suppressed"]["reason"] == "maintenance window 'upgrade', until 2026-11-21 04:00 UTC"
        await tocsin.post(body(alert(**DB)))  # repeats change nothing
        await tocsin.advance(minutes=59, seconds=59)
        assert len(told(tocsin)) == 1
        await tocsin.advance(seconds=1)
        await tocsin.advance(hours=5)
        assert told(tocsin) == [PAGE, PAGE]
        assert await held(tocsin) == []
        (incident,) = [i for i in await tocsin.incidents() if i["title"] == "PlayerErrors is up"]
        reason = (await timeline(tocsin, incident["id"]))[1]["reason"]
        assert "held back since 03:00 UTC (maintenance: maintenance window 'upgrade'" in reason
        assert "and still firing" in reason


async def test_window_and_resolve(tmp_path: Path) -> None:
    """What ends inside the window tells nobody ever, and stays listed with its reason."""
    async with receiver(tmp_path, config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(alert(**DB)))
        await tocsin.post(body(alert(**DB, end=60)))
        await tocsin.advance(hours=3)
        assert told(tocsin) == []
        assert [(a["status"], a["suppressed"]["kind"]) for a in await held(tocsin)] == [("resolved", "maintenance")]
        assert await tocsin.incidents() == []


async def test_window_that_begins_later(tmp_path: Path) -> None:
    """A window that begins while an alert's incident is open takes nothing back."""
    later = WINDOW | {"from": "2026-11-21T03:30:00"}
    async with receiver(tmp_path, config(maintenance=[later])) as tocsin:
        await tocsin.post(body(alert(**DB)))
        await tocsin.advance(minutes=45)
        await tocsin.post(body(alert(**DB), alert(instance="b", **DB)))
        await tocsin.post(body(alert(**DB, end=3000)))
        assert told(tocsin) == [PAGE, OVER]
        assert [a["labels"].get("instance") for a in await held(tocsin)] == ["b"]


async def test_restart_in_a_window(tmp_path: Path) -> None:
    """A window that ends while nothing runs is looked at by the next start; one that left the configuration, too."""
    async with receiver(tmp_path / "a", config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(alert(**DB)))
        clock = tocsin.clock
    async with receiver(tmp_path / "b", config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(alert(**DB)))
    async with receiver(tmp_path / "b", config()) as tocsin:
        await tocsin.settle()
        assert told(tocsin) == [PAGE]
    clock.advance(hours=2)
    async with receiver(tmp_path / "a", config(maintenance=[WINDOW]), clock=clock) as tocsin:
        await tocsin.settle()
        assert told(tocsin) == [PAGE]


async def test_window_at_run_time(tmp_path: Path) -> None:
    """A window that a person adds holds from then on; ended before its time, it lets go at once, and once."""
    async with receiver(tmp_path, config()) as tocsin:
        answer = await tocsin.client.post(
            "/api/v1/maintenance",
            json={
                "name": "disk swap",
                "matchers": "service=db",
                "from": "2026-11-21T03:00",
                "duration": "2h",
                "by": "bob",
            },
        )
        assert answer.status == 201, await answer.text()
        window = await answer.json()
        assert (window["status"], window["created_by"], window["origin"]) == ("active", "bob", "runtime")
        await tocsin.post(body(alert(**DB)))
        assert told(tocsin) == []
        assert (await held(tocsin))[0]["suppressed"]["by"] == window["id"]
        first = await tocsin.client.post(f"/api/v1/maintenance/{window['id'][:5]}/end", json={"by": "eve"})
        second = await tocsin.client.post(f"/api/v1/maintenance/{window['id']}/end", json={})
        assert [(await one.json())["changed"] for one in (first, second)] == [True, False]
        await tocsin.settle()
        await tocsin.post(body(alert("Next", **DB), group="Next"))
        await tocsin.advance(hours=3)
        assert told(tocsin) == [PAGE, PAGE]
        (listed,) = (await tocsin.get("/api/v1/maintenance"))["items"]
        assert (listed["status"], listed["ended_by"]) == ("ended", "eve")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("[]", "JSON object"),
        ("{", "JSON object"),
        ('{"name": "x"}', "matchers is missing"),
        ('{"name": "x", "matchers": "a=b"}', "needs 'from'"),
        ('{"name": "x", "matchers": "a=~\\".*\\"", "from": "2026-11-21T04:00", "duration": "1h"}', "every alert"),
        ('{"name": "x", "matchers": "a=b", "from": "2026-11-21T04:00", "to": "2026-11-21T03:00"}', "before it begins"),
        ('{"name": "x", "matchers": "a=b", "from": "2026-11-20T04:00", "duration": "1h"}', "is over"),
        ('{"name": "x", "matchers": "a=b", "cron": "* *", "duration": "1h"}', "five fields"),
        ('{"name": "x", "matchers": "a=b", "cron": "0 2 * * *", "duration": "1h", "timezone": "Mars"}', "no time zone"),
        ('{"name": "x", "matchers": "a=b", "rrule": "FREQ=DAILY", "duration": "1h"}', "DTSTART"),
        ('{"name": "x", "matchers": "a=b", "cron": "0 2 * * *", "duration": "99d"}', "up to 31d"),
        ('{"name": "x", "matchers": "a=b", "form": "x"}', "form"),
    ],
)
async def test_window_that_is_refused(tmp_path: Path, said: str, says: str) -> None:
    """What cannot be a window is refused with 400 and what is wrong."""
    async with receiver(tmp_path, config()) as tocsin:
        answer = await tocsin.client.post("/api/v1/maintenance", data=said)
        assert answer.status == 400
        assert says in (await answer.json())["detail"]


async def test_window_of_one_tenant(tmp_path: Path) -> None:
    """A window of a tenant holds back no other tenant's alerts."""
    async with receiver(tmp_path, config(maintenance=[WINDOW | {"tenant": "acme"}])) as tocsin:
        await tocsin.post(body(alert(**DB), alert(tenant="acme", **DB)))
        assert [a["labels"]["tenant"] for a in await held(tocsin)] == ["acme"]


async def test_many_in_a_window(tmp_path: Path) -> None:
    """Two and a half thousand alerts that a window held back are one incident at its end, every one of them."""
    async with receiver(tmp_path, config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(*(alert(instance=str(number), **DB) for number in range(2500))))
        await tocsin.advance(hours=1)
        (incident,) = await tocsin.incidents()
        assert (incident["alerts"], told(tocsin)) == (2500, [PAGE])


AGE = {"matchers": 'severity="warning"', "age": "5m"}
TIMES = {"matchers": 'alertname="PlayerErrors"', "occurrences": 3, "within": "30m"}


async def test_minimum_age(tmp_path: Path) -> None:
    """An alert below its minimum age tells nobody; at that age it opens its incident, not a second earlier."""
    async with receiver(tmp_path, config(minimum=[AGE])) as tocsin:
        await tocsin.post(body(alert(severity="warning")))
        await tocsin.post(body(alert("Short", severity="warning"), group="Short"))
        assert [a["suppressed"]["kind"] for a in await held(tocsin)] == ["minimum", "minimum"]
        await tocsin.post(body(alert("Short", severity="warning", end=60), group="Short"))
        await tocsin.advance(minutes=4, seconds=59)
        assert told(tocsin) == []
        await tocsin.advance(seconds=1)
        assert told(tocsin) == [PAGE]
        assert [i["title"] for i in await tocsin.incidents()] == ["PlayerErrors is up"]


async def test_minimum_occurrences(tmp_path: Path) -> None:
    """The third firing within half an hour opens the incident; the first two stay listed, each with its reason."""
    async with receiver(tmp_path, config(minimum=[TIMES])) as tocsin:
        for start in (0, 120, 240):
            await tocsin.post(body(alert(start=start)))
            if start < 240:
                assert told(tocsin) == []
                await tocsin.post(body(alert(start=start, end=start + 60)))
            await tocsin.advance(minutes=2)
        assert told(tocsin) == [PAGE]
        assert len(await held(tocsin)) == 2


async def test_minimum_occurrences_of_one_that_stays(tmp_path: Path) -> None:
    """An alert that fires once and goes on is not held for ever: after an hour it opens its incident."""
    async with receiver(tmp_path, config(minimum=[TIMES])) as tocsin:
        await tocsin.post(body(alert()))
        await tocsin.advance(minutes=59)
        assert told(tocsin) == []
        await tocsin.advance(minutes=1)
        assert told(tocsin) == [PAGE]


FLAPPING = {"changes": 3, "within": "30m", "calm": "15m"}


async def flap(tocsin: Harness, times: int, *, first: int = 0, ends: bool = True) -> int:
    """Fires and resolves so often, a change a minute; gives the next minute."""
    minute = first
    for number in range(times):
        await tocsin.post(body(alert(start=minute * 60)))
        await tocsin.advance(minutes=1)
        minute += 1
        if ends or number < times - 1:
            await tocsin.post(body(alert(start=(minute - 1) * 60, end=minute * 60)))
            await tocsin.advance(minutes=1)
            minute += 1
    return minute


async def test_flapping(tmp_path: Path) -> None:
    """An alert that comes and goes pages until it flaps, then not; calm again, its end is told once."""
    async with receiver(tmp_path, config(flapping=FLAPPING)) as tocsin:
        await flap(tocsin, 20)
        # Firing, end, firing, end, firing: five changes are more than three, and the incident of that firing stays.
        before = told(tocsin)
        assert before.count(PAGE) == 3
        newest = (await tocsin.incidents())[0]
        assert newest["status"] == "open"
        kinds = await tocsin.story(newest["id"])
        assert kinds.count("flapping_began") == 1
        assert {a["suppressed"]["incident"] for a in await held(tocsin)} == {newest["id"]}
        await tocsin.advance(minutes=15)
        assert told(tocsin) == [*before, OVER]
        newest = (await tocsin.incidents())[0]
        assert (newest["status"], newest["firing"]) == ("resolved", 0)
        assert (await tocsin.story(newest["id"])).count("flapping_ended") == 1


async def test_flapping_that_ends_firing(tmp_path: Path) -> None:
    """An alert that stops flapping and fires on is in the incident; its end then ends the incident."""
    async with receiver(tmp_path, config(flapping=FLAPPING)) as tocsin:
        minute = await flap(tocsin, 6, ends=False)
        await tocsin.advance(minutes=20)
        newest = (await tocsin.incidents())[0]
        assert (newest["status"], newest["firing"]) == ("open", 1)
        before = told(tocsin)
        await tocsin.post(body(alert(start=(minute - 1) * 60, end=(minute + 20) * 60)))
        newest = (await tocsin.incidents())[0]
        assert (newest["status"], newest["firing"], newest["alerts"]) == ("resolved", 0, 4)
        assert told(tocsin) == [*before, OVER]


async def test_flapping_and_closed_by_hand(tmp_path: Path) -> None:
    """When a person closes the incident of a flapping alert, its next firing pages: nothing is swallowed."""
    async with receiver(tmp_path, config(flapping=FLAPPING)) as tocsin:
        minute = await flap(tocsin, 4)
        before = told(tocsin).count(PAGE)
        await tocsin.act((await tocsin.incidents())[0]["id"], "resolve")
        await tocsin.post(body(alert(start=minute * 60)))
        assert told(tocsin).count(PAGE) == before + 1
        await tocsin.advance(hours=1)
        assert (await tocsin.incidents())[0]["status"] == "open"


async def test_flapping_is_off(tmp_path: Path) -> None:
    """Without the setting every firing pages and every end is told."""
    async with receiver(tmp_path, config()) as tocsin:
        await flap(tocsin, 8)
        assert told(tocsin) == [PAGE, OVER] * 8


async def test_never_fired_is_listed(tmp_path: Path) -> None:
    """An alert whose end is the first that we hear of it is listed with that reason."""
    async with receiver(tmp_path, config()) as tocsin:
        await tocsin.post(body(alert(end=60)))
        assert [a["suppressed"]["kind"] for a in await held(tocsin)] == ["never fired"]


async def test_counted_by_reason(tmp_path: Path) -> None:
    """Each kind of reason is counted, from zero."""
    async with receiver(tmp_path, config(maintenance=[WINDOW])) as tocsin:
        await tocsin.post(body(alert(**DB)))
        text = await (await tocsin.client.get("/metrics")).text()
        assert 'tocsin_receiver_alerts_suppressed_total{reason="maintenance"} 1.0' in text
        assert 'tocsin_receiver_alerts_suppressed_total{reason="inhibited"} 0.0' in text
