"""Recording what a receiver takes in, for a replay."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from receiver.commands import incidents
from receiver.engine.notification import Body
from receiver.record_command import Taken, _new
from receiver.replay.lines import line_of, parse
from receiver.web.recording import MOST_AT_ONCE, PATH, Reader
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import receiver
from tocsin.clock import ManualClock
from tocsin.errors import TocsinError

BODY = Body("alertmanager", START, body(alert()))


async def _some(lines: asyncio.StreamReader, wanted: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < wanted:
        line = await lines.readline()
        assert line, "the stream has ended"
        found += [line] if line.strip() else []
    return found


async def test_a_recording_is_a_storm_that_can_be_replayed(tmp_path: Path) -> None:
    """What was taken in while somebody recorded becomes the same incidents once more; headers are not in it."""
    clock = ManualClock(START)
    async with receiver(tmp_path / "store", clock=clock) as tocsin:
        await tocsin.post(body(alert("Before")))
        answer = await tocsin.client.get(PATH)
        assert answer.status == 200
        await answer.content.readline()
        for name in ("One", "Two"):
            clock.advance(seconds=30)
            pretty = json.dumps(json.loads(body(alert(name), group=name)), indent=2).encode()
            sent = await tocsin.client.post(
                "/api/v2/hooks/alertmanager/eu", data=pretty, headers={"Authorization": "Bearer top-secret"}
            )
            assert sent.status == 200
        await tocsin.client.post("/api/v2/hooks/alertmanager", data=b"nonsense")
        lines = await _some(answer.content, 2)  # type: ignore[arg-type]
        answer.close()
        await tocsin.settle()
        lived = [one["title"] for one in await tocsin.incidents()]
    assert b"secret" not in b"".join(lines)
    (tmp_path / "storm.jsonl").write_bytes(b"".join(lines))
    told = CliRunner().invoke(incidents, ["replay", str(tmp_path / "storm.jsonl")])
    assert told.exit_code == 0, told.output
    assert [line.strip() for line in told.stdout.splitlines() if line.endswith("is up")] == ["One is up", "Two is up"]
    assert sorted(lived) == ["Before is up", "One is up", "Two is up"]
    assert [parse(line).source for line in lines] == ["eu", "eu"]


async def test_a_slow_reader_misses_lines_and_hears_of_it() -> None:
    """Intake never waits; one body finds room however large it is."""
    reader = Reader(most_bytes=2 * len(BODY.content))
    for _ in range(5):
        reader.offer(BODY)
    assert reader.dropped == 3
    assert [await reader.next(0) for _ in range(3)] == [BODY, BODY, None]
    reader.offer(replace(BODY, content=BODY.content * 10))
    assert await reader.next(0) is not None


async def test_recorded_times_do_not_go_back() -> None:
    """Two bodies that share a commit may come in another order than they were received."""
    reader = Reader()
    reader.offer(BODY)
    reader.offer(replace(BODY, received_at=START.replace(year=2025)))
    assert [one.received_at for one in (await reader.next(0), await reader.next(0)) if one] == [START, START]


async def test_the_receiver_stops(tmp_path: Path) -> None:
    """A recording ends with the receiver, and does not hold it up; there are not more than a few at once."""
    async with receiver(tmp_path) as tocsin:
        readers = [await tocsin.client.get(PATH) for _ in range(MOST_AT_ONCE)]
        assert (await tocsin.client.get(PATH)).status == 503
        async with asyncio.timeout(5):
            await tocsin.receiver.doors.application.shutdown()
            assert [(await one.content.read()).strip() for one in readers] == [b""] * MOST_AT_ONCE


LINE = line_of(BODY)


@pytest.mark.parametrize(
    ("lines", "most", "bodies", "dropped", "ended"),
    [
        ([b"\n", LINE, b"\n", LINE], None, 2, 0, True),
        ([LINE, b'{"dropped":7}\n', LINE], None, 2, 7, True),
        ([LINE, LINE, LINE], 2 * len(LINE), 2, 0, False),
        ([LINE], 1, 0, 0, False),
    ],
)
@pytest.mark.parametrize("name", ["storm.jsonl", "storm.jsonl.gz"])
def test_what_is_written(
    lines: list[bytes], most: int | None, bodies: int, dropped: int, *, ended: bool, name: str, tmp_path: Path
) -> None:
    """Whole lines, up to a bound; what the receiver dropped is counted and not in the file."""
    with _new(tmp_path / name) as sink:
        taken = Taken(sink, most_bytes=most)
        assert bool(taken.all(iter(lines))) is ended
    content = (tmp_path / name).read_bytes()
    text = gzip.decompress(content) if name.endswith(".gz") else content
    assert text == LINE * bodies
    assert (taken.bodies, taken.size, taken.dropped) == (bodies, len(text), dropped)


def test_it_ends_after_a_time(tmp_path: Path) -> None:
    """Also while nothing comes: the receiver says every second that it is there."""

    def silence() -> Iterator[bytes]:
        while True:
            yield b"\n"

    with _new(tmp_path / "storm.jsonl") as sink:
        assert Taken(sink, until=0.0).all(silence()) == ""


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Yesterday's storm is not written over; a new file is its owner's alone."""
    (tmp_path / "storm.jsonl").write_text("yesterday")
    with pytest.raises(TocsinError, match="is there already"), _new(tmp_path / "storm.jsonl"):
        pass
    assert (tmp_path / "storm.jsonl").read_text() == "yesterday"
    with _new(tmp_path / "new.jsonl"):
        assert (tmp_path / "new.jsonl").stat().st_mode & 0o077 == 0
