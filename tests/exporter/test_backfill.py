"""What would have been published over stored time: as a live exporter says it, in OpenMetrics that promtool takes."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.assembly import Assembly
from exporter.backfilling import command, openmetrics, sheet
from exporter.backfilling.command import scrapes_between
from exporter.backfilling.openmetrics import HEAD, Scrapes
from exporter.backfilling.run import Playing, backfill
from exporter.backfilling.sheet import Sheet
from exporter.config import QuerySettings
from exporter.fitting import Here
from exporter.metrics import Metrics
from exporter.names import Key, key_of
from tests import real
from tests.exporter.fake import Fake, Value, prometheus
from tests.exporter.test_config import TOCSIN
from tests.exporter.test_end_to_end import eventually, free_port, get, running
from tests.exporter.test_watch import NOW, START, daily, query, two, until
from tests.exporter.test_watch import exporter as live
from tocsin.clock import SystemClock
from tocsin.errors import UsageError

Told = Mapping[float, Mapping[Key, float]]

MINUTES = 25
FIRST = int(NOW) + 60


def no_progress(what: str, share: float) -> None:
    """Shows none."""


def told(text: str) -> Told:
    """What is said of each time; a strict parser reads it."""
    found: dict[float, dict[Key, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            found[float(sample.timestamp)][key_of(sample.labels | {"__name__": sample.name})] = sample.value
    return found


async def filled(
    fake: Fake, queries: list[dict[str, Any]], scrapes: Scrapes, folder: Path
) -> tuple[str, list[Playing]]:
    """What a backfill writes."""
    assembly = Assembly(Metrics(), SystemClock(), Here(), measured=False)
    played, file = list[Playing](), folder / "scores.om"
    with ExitStack() as stack:
        sheets = [stack.enter_context(Sheet(scrapes.count, folder)) for _ in queries]
        async with prometheus(fake) as server:
            for settings, into in zip(queries, sheets, strict=True):
                scoring = assembly.scoring(QuerySettings.model_validate(settings))
                played.append(await backfill(scoring, server, scrapes, into, no_progress))
        with file.open("wb") as stream:
            openmetrics.write(stream, sheets, scrapes)
    return file.read_text(), played


def but(value: Value, *gone: tuple[float, float]) -> Value:
    """A series that is not there from minute to minute after `FIRST`."""
    return lambda when: None if any(a * 60 <= when - FIRST < b * 60 for a, b in gone) else value(when)


def since(begin: float) -> Value:
    return lambda when: daily(when) if when >= begin else None


def spiked(when: float) -> float:
    return daily(when) * (4 if 600 <= when - FIRST < 900 else 1)


OUTAGE = (5, 12)  # minutes in which no series is there: longer than a score is fresh
Series = list[tuple[Mapping[str, str], Value]]
SERIES: Series = [
    ({"__name__": "x", "shop": "a"}, but(daily, OUTAGE)),
    ({"__name__": "x", "shop": "b", "query": "its own"}, but(spiked, OUTAGE)),
    ({"__name__": "x", "shop": "goes"}, until(FIRST + 180)),
    ({"__name__": "x", "shop": "comes"}, since(FIRST + 15 * 60)),
    ({"__name__": "x", "shop": "late"}, but(since(FIRST - 3600), OUTAGE, (15, 17))),
]


@pytest.mark.parametrize(
    "settings",
    [
        {"horizons": ["1h", "1d"], "thresholds": [{"name": "full", "above": 150}]},
        {"step": "5m", "horizons": ["1h"]},
        {"step": "30s", "publish": ["score", "band"]},
        {"step": "2m", "model": {"sktime": "NaiveForecaster", "params": {"sp": 30}, "window": "1h", "refit": "10m"}},
    ],
    ids=["all", "longer steps", "shorter steps", "a model of sktime"],
)
async def test_it_says_what_a_live_exporter_says(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Each scrape finds the same samples as in a live exporter at that moment: through an outage, with new series."""
    fake = Fake({"q": SERIES})
    asked = query(history="5h", **settings)
    found = told((await filled(fake, [asked], Scrapes(FIRST, 60, MINUTES), tmp_path))[0])
    published = 0
    async with live(fake, queries=[asked]) as harness:
        if "model" in settings:
            harness.exporter.workers.submit = Here().submit  # type: ignore[method-assign]
        harness.clock.advance(seconds=FIRST - START.timestamp())
        for scrape in range(FIRST, FIRST + MINUTES * 60, 60):
            await harness.step()
            assert found.get(scrape, {}) == await harness.metrics(), (scrape - FIRST) / 60
            published += len(found.get(scrape, {}))
            for _ in range(6):
                harness.clock.advance(seconds=10)
                await harness.step()
    assert published > 50


async def test_what_is_there_is_told(tmp_path: Path) -> None:
    """The file is ours by its first line, each family stands there once, and times are those of the scrapes."""
    queries = [query("q", history="3h", horizons=["1h"]), query("r", history="3h")]
    text, _ = await filled(Fake({"q": two(), "r": two()}), queries, Scrapes(FIRST, 120, 5), tmp_path)
    assert text.startswith(HEAD.decode())
    assert text.count("# TYPE tocsin_anomaly_score gauge\n") == 1
    assert sorted(told(text)) == [FIRST + 120 * number for number in range(5)]
    scores = [line for line in text.splitlines() if line.startswith("tocsin_anomaly_score{")]
    assert len(scores) == 2 * 2 * 5
    assert [line.split("} ")[0] for line in scores] == sorted(line.split("} ")[0] for line in scores)


async def test_groups_are_told(tmp_path: Path) -> None:
    """Series that are judged together have a score of their group, from forests that grow at once."""
    series: Series = [({"shop": f"{number}", "region": "eu"}, daily) for number in range(3)]
    asked = query(history="10m", group={"by": ["region"]})
    text, _ = await filled(Fake({"q": series}), [asked], Scrapes(FIRST, 60, 300), tmp_path)
    found = told(text)[FIRST + 299 * 60]
    assert key_of({"__name__": "tocsin_group_anomaly_score", "region": "eu", "query": "q"}) in found


async def test_no_score_knows_what_comes(tmp_path: Path) -> None:
    """What is told of a time does not depend on how far the backfill goes."""
    short = (
        await filled(Fake({"q": SERIES}), [query(history="3h", horizons=["1h"])], Scrapes(FIRST, 60, 8), tmp_path)
    )[0]
    long = (
        await filled(Fake({"q": SERIES}), [query(history="3h", horizons=["1h"])], Scrapes(FIRST, 60, 20), tmp_path)
    )[0]
    assert told(short) == {when: found for when, found in told(long).items() if when < FIRST + 8 * 60}


async def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    """Names that old formats cannot write, and two series of one name, are left out as in a scrape of them."""
    series: Series = [
        ({"shop.id": "a"}, daily),
        ({"__name__": "x", "b": "1"}, daily),
        ({"__name__": "y", "b": "1"}, daily),
    ]
    text, (played,) = await filled(
        Fake({"q": [*series, *two()]}), [query(history="1h")], Scrapes(FIRST, 60, 2), tmp_path
    )
    assert {dict(key)["shop"] for found in told(text).values() for key in found} == {"a", "b"}
    assert {reason: count for reason, count in played.left_out.items() if count} == {"label_name": 1, "collision": 2}


async def test_nothing_before_the_first_value(tmp_path: Path) -> None:
    """Where series begin later than the time, so do the scores; where none comes, none is told."""
    fake = Fake({"q": [({"shop": "a"}, since(FIRST + 600))], "none": []})
    text, (played, none) = await filled(fake, [query(history="1h"), query("none")], Scrapes(FIRST, 60, 20), tmp_path)
    assert min(told(text)) == FIRST + 660  # read when it is older than the delay
    assert played.learned is not None
    assert none.learned is None


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.lists(st.integers(0, 30), max_size=6)), max_size=12),
    st.integers(1, 300),
)
def test_a_sheet_gives_back_what_was_put(puts: list[tuple[int, int, list[int]]], held: int) -> None:
    """Whatever comes when: values lie where they were put, and nowhere else."""
    columns = sum(gap + length for gap, length, _ in puts) + 1
    expected: dict[bytes, np.ndarray[Any, Any]] = {}
    with pytest.MonkeyPatch.context() as patch, Sheet(columns) as into:
        patch.setattr(sheet, "HELD_VALUES", held)
        into._begin(0)
        first = 0
        for number, (gap, length, rows) in enumerate(puts):
            names = [b"%d" % row for row in dict.fromkeys(rows)]
            first += gap
            into.put(
                first,
                first + length,
                [(into.rows("f", names), np.arange(len(names), dtype=np.float64) + 100.0 * number)],
            )
            for at, name in enumerate(names):
                expected.setdefault(name, np.full(columns, np.nan))[first : first + length] = at + 100.0 * number
            first += length
        into.written()
        for name, row in into.names.get("f", {}).items():
            np.testing.assert_array_equal(into.values(row), expected[name])


@pytest.mark.parametrize(
    ("start", "end", "every", "said"),
    [
        (600, 540, 60, "--end is not after --start"),
        (601, 659, 60, "there is no multiple of --every"),
        (0, 6e9, 60, "are too many"),
        (0, 600, 0.5, "whole seconds"),
    ],
)
def test_times_that_cannot_be(start: float, end: float, every: float, said: str) -> None:
    """They are refused before anything is read."""
    with pytest.raises(UsageError, match=said):
        scrapes_between(start, end, every)


def test_scrapes_stand_at_whole_multiples() -> None:
    """So that two backfills of neighbouring times fit together."""
    assert scrapes_between(601, 800, 60) == Scrapes(660, 60, 3)
    assert [Scrapes(660, 60, 3).at(when) for when in (0, 660, 661, 720, 781, 9999)] == [0, 0, 1, 1, 3, 3]


def write_history(file: Path, minutes: int, end: int) -> None:
    lines = ["# TYPE shop_requests gauge"]
    for shop in range(3):
        lines += [
            f'shop_requests{{shop="{shop}"}} {daily(when) + shop} {when}' for when in range(end - minutes * 60, end, 60)
        ]
    file.write_text("\n".join([*lines, "# EOF\n"]))


def blocks(promtool: Path, source: Path, data: Path) -> None:
    command: list[str | Path] = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=384h",
        source,
        data,
    ]
    subprocess.run(command, check=True, capture_output=True)


def result(port: int, expr: str, when: float) -> dict[str, float]:
    """The value of each shop."""
    asked = urllib.parse.urlencode({"query": expr, "time": when})
    answer = get(port, f"/api/v1/query?{asked}")
    found = json.loads(answer)["data"]["result"] if answer else []
    return {sample["metric"]["shop"]: float(sample["value"][1]) for sample in found}


@pytest.mark.slow
@pytest.mark.real
def test_blocks_of_scores(tmp_path: Path, binaries: real.Binaries) -> None:
    """Stored series become scores in blocks beside them, made by promtool; Prometheus answers with both."""
    end, port = int(NOW), free_port()
    write_history(tmp_path / "history.om", 1440, end)
    blocks(binaries.promtool, tmp_path / "history.om", tmp_path / "data")
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    config = f"prometheus: {{url: http://127.0.0.1:{port}}}\n"
    config += "queries: [{name: shops, expr: shop_requests, history: 12h, delay: 0s, horizons: [1h]}]\n"
    (tmp_path / "exporter.yml").write_text(config + "query_files: [more.yml]\n")
    (tmp_path / "more.yml").write_text("queries: [{name: nothing, expr: nothing_is_called_so}]\n")
    server: list[str | Path] = [binaries.prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    server += ["--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}"]
    fill: list[str | Path] = [TOCSIN, "exporter", "backfill", "--config.file", "exporter.yml", "-o", "scores.om"]
    times = ["--start", str(end - 6 * 3600), "--end", str(end - 60)]
    with running(tmp_path, "prometheus", *server):
        eventually("it answers", lambda: bool(get(port, "/-/ready")))
        ran = subprocess.run([*fill, *times], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.startswith("scores.om: 7,560 samples of 21 series from 1 query, 2026-01-15T06:00:00Z to")
    assert "nothing: brings no series in that time" in ran.stderr
    blocks(binaries.promtool, tmp_path / "scores.om", tmp_path / "data")
    with running(tmp_path, "prometheus", *server):
        eventually("it answers", lambda: bool(get(port, "/-/ready")))
        scores = result(port, 'tocsin_anomaly_score{query="shops"}', end - 60)
        assert scores.keys() == {"0", "1", "2"}
        assert max(scores.values()) < 1
        upper, lower = (f"on (shop) tocsin_forecast_{end}{{horizon='0s'}}" for end in ("upper", "lower"))
        inside = f"shop_requests < {upper} > {lower}"
        assert len(result(port, inside, end - 60)) == 3
        counted = f"count_over_time(tocsin_anomaly_score[{6 * 3600}s])"
        assert set(result(port, counted, end - 60).values()) == {360.0}


async def test_a_file_of_others_is_left_alone(tmp_path: Path) -> None:
    """What this command did not write is not written over; its own is, and an empty one, and what is no file."""
    (tmp_path / "exporter.yml").write_text("prometheus: {url: http://127.0.0.1:1}\nqueries: [{name: a, expr: up}]\n")
    (file := tmp_path / "scores.om").write_text("# somebody's own\n")
    with pytest.raises(UsageError, match="was not written by tocsin exporter backfill"):
        await command.filled(tmp_path / "exporter.yml", Scrapes(FIRST, 60, 1), (), file)
    assert file.read_text() == "# somebody's own\n"
    with pytest.raises(UsageError, match="there is no query 'x'; there are a"):
        await command.filled(tmp_path / "exporter.yml", Scrapes(FIRST, 60, 1), ("a", "x"), file)
    for content in (HEAD, b"", None):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        openmetrics.refuse_others(file)
    openmetrics.refuse_others(Path("/dev/null"))
