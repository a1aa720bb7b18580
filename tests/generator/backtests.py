"""What backtests are compared on: the shop's past as blocks of a real Prometheus, and rules over it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from demo.processes import free_port, running
from demo.shop.past import SAMPLES, Page, make, write
from demo.shop.targets import OFTEN, TARGETS
from tests.real import Binaries

# A target is away from this step of each sixty on, so many of them.
GAPS = {"player-us-1": (20, 9), "cache-1": (40, 5)}
TOLD = [one for one in TARGETS if one.service in ("gateway", "player", "database", "cache", "auth")]


@dataclass(frozen=True)
class History:
    """The shop from a Unix time on, one of its steps every `seconds`; two targets are away now and then."""

    start: int
    seconds: int
    past: Sequence[Page]

    @classmethod
    def of(cls, start: int, steps: int, seconds: int) -> History:
        past = make(float(start), days=steps * OFTEN / 86_400, step=OFTEN, targets=TOLD)
        return cls(start, seconds, [page for page in past if page.target])

    def write_blocks(self, folder: Path, promtool: Path, steps: int) -> None:
        """The first steps as blocks in the folder's `data`."""
        times = self.start + self.seconds * np.arange(steps, dtype=np.float64)
        write(folder, [replace(page.first(steps), times=times) for page in self.past])
        source = folder / SAMPLES
        with source.open() as lines:
            kept = "".join(line for line in lines if not self._is_away(line))
        source.write_text(kept)
        command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
        subprocess.run([*command, source, folder / "data"], check=True, capture_output=True)
        for meta in (folder / "data").glob("*/meta.json"):
            _leave_the_present_open(meta)

    def _is_away(self, line: str) -> bool:
        named = next((instance for instance in GAPS if f'instance="{instance}"' in line), "")
        return bool(named) and away(named, (int(line.rsplit(maxsplit=1)[1]) - self.start) // self.seconds)

    def played(self, folder: Path, steps: int) -> list[dict[str, str]]:
        """What `write_blocks` wrote, as promtool's tests have it."""
        rows: dict[str, list[str]] = {}
        for line in (folder / SAMPLES).read_text().splitlines():
            if not line.startswith("#"):
                series, value, when = line.rsplit(maxsplit=2)
                rows.setdefault(series, ["_"] * steps)[(int(when) - self.start) // self.seconds] = value
        return [{"series": series, "values": " ".join(values)} for series, values in rows.items()]


def _leave_the_present_open(meta: Path) -> None:
    """What a block may hold of times to come keeps no sample of now out, if it says so of itself (tsdb/db.go)."""
    block = json.loads(meta.read_text())
    block["compaction"]["hints"] = ["from-out-of-order"]
    meta.write_text(json.dumps(block))


def away(instance: str, step: int) -> bool:
    """Whether the target is away."""
    first, count = GAPS.get(instance, (0, 0))
    return (step - first) % 60 < count


@asynccontextmanager
async def serving(binaries: Binaries, folder: Path, config: str, *flags: str) -> AsyncIterator[str]:
    """The address of a Prometheus over the blocks in the folder's `data`, ready."""
    port = free_port()
    (folder / "prometheus.yml").write_text(config)
    command: list[str | Path] = [
        binaries.prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http, running("prometheus", command, folder) as process:
        await process.ready(http, f"{url}/-/ready")
        yield url


Record = tuple[str, tuple[tuple[str, str], ...]]  # an expression, and the labels it is given


@dataclass(frozen=True)
class Case:
    """One alert, the records it rests on, and its group's settings, in steps (`u`); `#` is its number.

    `apart` is how often a group of the records' own is evaluated; 0: they stand in the alert's, in front of it.
    """

    expr: str
    records: tuple[Record, ...] = ()
    hold: int = 0
    keep: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    interval: int = 1
    query_offset: int = 0
    apart: int = 0

    def groups(self, number: int, unit: int, *, query_offset: bool) -> list[dict[str, Any]]:
        """The groups of a rule file, each with an alert that always fires; `unit` is how many seconds a step has."""
        scaled = re.compile(r"\b(\d+)u\b")

        def expr(text: str) -> str:
            return scaled.sub(lambda found: f"{int(found[1]) * unit}s", text.replace("#", str(number)))

        records = [
            {"record": f"shop:record{place}_{number}", "expr": expr(text), "labels": dict(labels)}
            for place, (text, labels) in enumerate(self.records)
        ]
        alert = {
            "alert": f"Case{number}",
            "expr": expr(self.expr),
            "for": f"{self.hold * unit}s",
            "keep_firing_for": f"{self.keep * unit}s",
            "labels": dict(self.labels),
        }
        control = {"alert": f"Control{number}", "expr": "vector(1)"}
        offset = {"query_offset": f"{self.query_offset * unit}s"} if query_offset else {}
        own = {"name": f"group{number}", "interval": f"{self.interval * unit}s", **offset}
        if not self.apart:
            return [{**own, "rules": [control, *records, alert]}]
        before = {"alert": f"Recording{number}", "expr": "vector(1)"}
        other = {"name": f"records{number}", "interval": f"{self.apart * unit}s", "rules": [before, *records]}
        return [other, {**own, "rules": [control, alert]}]


NOISY = (
    "pg_stat_activity_count{state='active'}",
    "audio_bitrate_bits_per_second{codec='mp3'}",
    "audio_bitrate_bits_per_second{region='us',codec!~'opus|aac'}",
)
COUNTED = (
    "redis_keyspace_misses_total",
    "auth_logins_total{result!='success'}",
    "http_requests_total{code=~'4..'}",
    "pg_stat_database_xact_commit",
)


@st.composite
def _measured(draw: st.DrawFn) -> str:
    """What moves up and down, a step's noise or smoothed."""
    if draw(st.booleans()):
        return draw(st.sampled_from(NOISY))
    function, metric = draw(st.sampled_from(("rate", "increase", "irate"))), draw(st.sampled_from(COUNTED))
    return f"{function}({metric}[{draw(st.integers(3, 12))}u])"


@st.composite
def _above_its_past(draw: st.DrawFn, measured: str) -> str:
    """Compared with a quantile of its own last twenty steps, so that it is above in parts of the time."""
    share = draw(st.sampled_from((0.3, 0.6, 0.9)))
    return f"{measured} {draw(st.sampled_from(('>', '<')))} quantile_over_time({share}, ({measured})[20u:1u])"


@st.composite
def _recorded(draw: st.DrawFn) -> tuple[str, tuple[Record, ...]]:
    """An alert on records: now, over a range, matched by labels that the record puts on or has."""
    first = draw(_measured())
    labels = draw(st.sampled_from(((), (("kind", "a"),), (("kind", "b$1"),))))
    record = "shop:record0_#"
    read = draw(
        st.sampled_from(
            (
                record,
                f"avg_over_time({record}[4u])",
                f"max_over_time({record}{{cluster='demo'}}[3u])",
                f"{record}{{service!='player'}}",
                f"{record}{{kind=~'a|b.*'}}",
                f"sum without (instance) ({record})",
                f"count_over_time({record}[5u]) - 4 + {record}",
            )
        )
    )
    records: list[Record] = [(first, labels)]
    if draw(st.booleans()):
        records.append((f"avg_over_time({record}[3u])", ()))
        read = (
            read.replace("record0", "record1") if draw(st.booleans()) else f"{record} - ignoring (kind) shop:record1_#"
        )
    return draw(_above_its_past(read)), tuple(records)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Alerts of every kind that a backtest has to understand."""
    kind = draw(st.integers(0, 5))
    records: tuple[Record, ...] = ()
    if kind <= 1:
        expr = draw(_above_its_past(draw(_measured())))
    elif kind <= 3:
        expr, records = draw(_recorded())
    elif kind == 4:
        gone = "audio_streams{instance='player-us-1',codec='mp3'}"
        fewer = "count(audio_streams{codec='mp3'}) < 2"
        expr = draw(st.sampled_from((f"absent({gone})", f"absent_over_time({gone}[4u])", fewer)))
    else:
        joined = draw(st.sampled_from(("and on ()", "unless on ()")))
        expr = f"{draw(_above_its_past(draw(_measured())))} {joined} (pg_stat_activity_count{{state='active'}} > 4)"
    return Case(
        expr,
        records,
        draw(st.sampled_from((0, 0, 1, 2, 3, 6))),
        draw(st.sampled_from((0, 0, 0, 2, 3, 5))),
        draw(st.sampled_from(((), (("severity", "page"),), (("team", "{{ $labels.service }}-{{ $labels.none }}"),)))),
        draw(st.sampled_from((1, 1, 1, 2))),
        draw(st.sampled_from((0, 0, 1, 2))),
        draw(st.sampled_from((0, 0, 1, 2, 3))) if records else 0,
    )


def generated(count: int, *, where: Callable[[Case], bool] = lambda case: True) -> Sequence[Case]:
    """So many different cases, other ones in each run of the tests."""
    found: dict[Case, None] = {}

    @settings(
        max_examples=count * 6,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # how quick they are drawn does not matter
    )
    @given(cases().filter(where))
    def collect(case: Case) -> None:
        found[case] = None

    collect()
    assert len(found) >= count
    return list(found)[-count:]
