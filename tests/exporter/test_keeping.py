"""State on the disk: a restart reads only what is missing, and a file that cannot be used is never a traceback."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter import keeping
from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.keeping import Unusable
from exporter.metrics import Metrics
from exporter.models.seasonal import Seasonal
from exporter.rows import Register
from exporter.storage import warn_if_unwritable
from tests.exporter.fake import Fake, prometheus
from tests.exporter.series import DAY, PER_DAY, STEP, frame, make, times
from tocsin.clock import ManualClock

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()
LABELS = ({"shop": "a", "note": 'quote " \u2713 \ud800'}, {"shop": "b"})
MODEL = Seasonal()


@cache
def whole_file() -> bytes:
    state, layout = MODEL.fit(frame(make("weekly", times(1), series=2, seed=1))), keeping.layout_of(MODEL, STEP)
    register = Register(tuple(tuple(sorted(labels.items())) for labels in LABELS), np.array([NOW, NOW - STEP]))
    stream = io.BytesIO()
    kept = keeping.Kept(state, register, NOW, {"more": np.arange(3.0)})
    keeping.write(stream, kept, MODEL.arrays(state), layout, keeping.digest_of({}, MODEL, layout))
    return stream.getvalue()


def read(content: bytes, **said: Any) -> keeping.Kept[Any]:
    layout = keeping.layout_of(MODEL, STEP)
    return keeping.read(io.BytesIO(content), MODEL, layout, keeping.digest_of(said, MODEL, layout))


def as_written(kept: keeping.Kept[Any]) -> bytes:
    stream = io.BytesIO()
    layout = keeping.layout_of(MODEL, STEP)
    digest = keeping.digest_of({}, MODEL, layout)
    keeping.write(stream, kept, MODEL.arrays(kept.state), layout, digest)
    return stream.getvalue()


def test_there_and_back() -> None:
    """What is read is what was written: every array, every label, every time."""
    kept = read(whole_file())
    assert [dict(key) for key in kept.register.keys] == list(LABELS)
    assert kept.register.seen.tolist() == [NOW, NOW - STEP]
    assert kept.last == NOW
    assert kept.beside["more"].tolist() == [0, 1, 2]
    assert len(as_written(kept)) == len(whole_file())
    again = MODEL.arrays(read(as_written(kept)).state)
    for name, array in MODEL.arrays(kept.state).items():
        np.testing.assert_array_equal(array, again[name])


def test_compact() -> None:
    """A file is hardly larger than the state itself."""
    size = sum(array.nbytes for array in MODEL.arrays(read(whole_file()).state).values())
    assert size < len(whole_file()) < size + 20_000


@settings(max_examples=300, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_wrong_bit(where: float, bit: int) -> None:
    """Whichever bit is turned over: the state is refused, or is what it was (a bit that says nothing)."""
    content = bytearray(whole_file())
    content[int(where * len(content))] ^= 1 << bit
    try:
        kept = read(bytes(content))
    except Unusable:
        return
    before = MODEL.arrays(read(whole_file()).state)
    for name, array in MODEL.arrays(kept.state).items():
        np.testing.assert_array_equal(array, before[name])


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_cut_off(share: float) -> None:
    """A file that ends too soon is damaged, wherever it ends."""
    with pytest.raises(Unusable) as refused:
        read(whole_file()[: int(share * len(whole_file()))])
    assert refused.value.reason == "corrupt"


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04cposix\nsystem\n", b"x" * 10_000])
def test_something_else(content: bytes) -> None:
    """What is no state at all is refused, a pickle among them."""
    with pytest.raises(Unusable):
        read(content)


def test_other_settings() -> None:
    """A state that other settings have taught is not taken."""
    with pytest.raises(Unusable) as refused:
        read(whole_file(), step="5m")
    assert refused.value.reason == "changed"


def test_other_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format of the future is told as such."""
    content = whole_file()
    monkeypatch.setattr(keeping, "FORMAT", keeping.FORMAT - 1)
    with pytest.raises(Unusable) as refused:
        read(content)
    assert refused.value.reason == "version"


@asynccontextmanager
async def running(folder: Path, fake: Fake, clock: ManualClock, **changed: Any) -> AsyncIterator[Exporter]:
    """An exporter on this storage, stopped in good order."""
    query = {"name": "q", "expr": "q", "step": "5m", "history": "2d", "delay": "0s"} | changed
    config = ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": [query]})
    async with prometheus(fake) as api:
        exporter = Exporter.build(config, api, clock, storage=folder)
        yield exporter
        await exporter.roster.save()


def shops() -> Fake:
    values = make("daily", times(4, start=int(NOW - 2 * DAY)), series=2, seed=3)

    def value(row: int) -> Callable[[float], float | None]:
        return lambda when: float(values[row, round((when - NOW) / STEP) + 2 * PER_DAY])

    return Fake({"q": [({"shop": shop}, value(row)) for row, shop in enumerate("ab")]})


def own(exporter: Exporter, name: str, **labels: str) -> float:
    metrics: Metrics = exporter.watches[0]._metrics
    return metrics.registry.get_sample_value(name, {"query": "q"} | labels) or 0.0


async def test_a_restart_reads_what_is_missing(tmp_path: Path) -> None:
    """After a restart only the columns since are read, and what is published is what would have been without it."""
    one, other, clock = shops(), shops(), ManualClock(datetime.fromtimestamp(NOW, UTC))
    async with running(tmp_path / "kept", one, clock) as exporter:
        await exporter.watches[0].step()
    async with running(tmp_path / "alone", other, clock) as unbroken:
        await unbroken.watches[0].step()
        clock.advance(minutes=15)
        async with running(tmp_path / "kept", one, clock) as exporter:
            await exporter.watches[0].step()
            await unbroken.watches[0].step()
            assert [(float(ask["start"]), float(ask["end"])) for ask in one.asked] == [
                (NOW, NOW),
                (NOW - 2 * DAY, NOW - STEP),
                (NOW + STEP, NOW + 3 * STEP),
            ]
            assert exporter.watches[0].snapshot.blocks == unbroken.watches[0].snapshot.blocks
            assert exporter.watches[0].snapshot.series == 2


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def put_a_folder_there(file: Path) -> None:
    file.unlink()
    file.mkdir()


def move_to_tomorrow(file: Path) -> None:
    layout = keeping.layout_of(MODEL, STEP)
    with file.open("rb") as stream:
        digest = json.loads(zipfile.ZipFile(stream).read(keeping.ABOUT))["digest"]
        kept = keeping.read(stream, MODEL, layout, digest)
    with file.open("wb") as stream:
        later = replace(kept, last=kept.last + DAY)
        keeping.write(stream, later, MODEL.arrays(kept.state), layout, digest)


@pytest.mark.parametrize(
    ("spoil", "changed", "reason", "level"),
    [
        (damage, {}, "corrupt", "warning"),
        (put_a_folder_there, {}, "unreadable", "warning"),
        (move_to_tomorrow, {}, "future", "warning"),
        (lambda file: None, {"holidays": ["2026-01-01"]}, "changed", "info"),
    ],
)
async def test_a_state_that_cannot_be_used(
    tmp_path: Path, spoil: Callable[[Path], None], changed: dict[str, Any], reason: str, level: str
) -> None:
    """It is told once and counted, and the query begins from its history."""
    fake, clock = shops(), ManualClock(datetime.fromtimestamp(NOW, UTC))
    async with running(tmp_path, fake, clock) as exporter:
        await exporter.watches[0].step()
    spoil(tmp_path / "q.state")
    clock.advance(minutes=5)
    with capture_logs() as logs:
        async with running(tmp_path, fake, clock, **changed) as exporter:
            for _ in range(3):
                await exporter.watches[0].step()
                clock.advance(minutes=5)
            assert own(exporter, "tocsin_exporter_state_problems_total", reason=reason) == 1
    assert float(fake.asked[3]["start"]) == NOW + STEP - 2 * DAY
    assert [entry["log_level"] for entry in logs if entry.get("reason") == reason] == [level]


def test_nowhere_to_write_is_told_at_the_start(tmp_path: Path) -> None:
    """A folder that cannot be made is named with the way out; one that can be is made, and stays empty."""
    (tmp_path / "file").write_text("in the way")
    with capture_logs() as logs:
        warn_if_unwritable(tmp_path / "file")
        warn_if_unwritable(tmp_path / "file/below")
    assert [entry["storage"] for entry in logs] == [str(tmp_path / "file"), str(tmp_path / "file/below")]
    assert all("make --storage.path writable" in entry["consequence"] for entry in logs)
    with capture_logs() as logs:
        warn_if_unwritable(tmp_path / "new/folder")
    assert (logs, list((tmp_path / "new/folder").iterdir())) == ([], [])


async def test_nowhere_to_write(tmp_path: Path) -> None:
    """Where nothing can be written, scores go on; it is told once however often it is tried."""
    (tmp_path / "file").write_text("in the way")
    clock = ManualClock(datetime.fromtimestamp(NOW, UTC))
    with capture_logs() as logs:
        async with running(tmp_path / "file", shops(), clock) as exporter:
            for _ in range(3):
                await exporter.watches[0].step()
                await exporter.watches[0].end()
                clock.advance(minutes=5)
            assert exporter.watches[0].snapshot.series == 2
            assert own(exporter, "tocsin_exporter_state_problems_total", reason="unwritable") == 3
    assert sum(entry.get("reason") == "unwritable" for entry in logs) == 1


async def test_an_interrupted_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks off in the middle of a write leaves the old file whole, and nothing beside it."""
    fake, clock = shops(), ManualClock(datetime.fromtimestamp(NOW, UTC))
    async with running(tmp_path, fake, clock) as exporter:
        await exporter.watches[0].step()
        await exporter.watches[0].end()
        before = (tmp_path / "q.state").read_bytes()
        clock.advance(minutes=5)
        await exporter.watches[0].step()

        def full_disk(stream: io.BufferedWriter, *rest: Any) -> None:
            stream.write(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(keeping, "write", full_disk)
    assert (tmp_path / "q.state").read_bytes() == before
    assert os.listdir(tmp_path) == ["q.state"]


async def test_what_stands_in_the_metrics(tmp_path: Path) -> None:
    """Size and age of a kept state are told, and a step without news writes nothing anew."""
    clock = ManualClock(datetime.fromtimestamp(NOW, UTC))
    async with running(tmp_path, shops(), clock) as exporter:
        await exporter.watches[0].step()
        for _ in range(2):
            await exporter.watches[0].end()
        assert own(exporter, "tocsin_exporter_state_bytes") == (tmp_path / "q.state").stat().st_size
        assert own(exporter, "tocsin_exporter_state_timestamp_seconds") == NOW
        assert own(exporter, "tocsin_exporter_state_save_seconds_count") == 1
