"""`tocsin exporter plot`, `explain`, `backtest` and `feedback`, of Prometheus and of a running exporter."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.feedback.book import Book
from exporter.replaying.asking import show_time
from tests import commands
from tests.exporter.fake import Fake, prometheus
from tocsin.clock import SystemClock

TOCSIN = Path(sys.executable).with_name("tocsin")
HOUR = 3_600
NOW = time.time() // HOUR * HOUR
SERIES = [{"shop": "a"}, {"shop": "b"}]


def value(when: float) -> float | None:
    """A pattern of hours; nine times as high five hours ago."""
    return (20.0 + when / HOUR % 7) * (9.0 if when == NOW - 5 * HOUR else 1.0)


@asynccontextmanager
async def server() -> AsyncIterator[tuple[Fake, str]]:
    series: list[Any] = [(labels, value) for labels in SERIES]
    fake = Fake({"x": series, 'x{shop="a"}': series[:1], 'x{shop="b"}': series[1:]})
    application = web.Application()
    application.add_routes([web.post("/api/v1/query_range", fake.answer)])
    listening = TestServer(application)
    await listening.start_server()
    try:
        yield fake, str(listening.make_url("")).rstrip("/")
    finally:
        await listening.close()


async def tocsin(*arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    ran = await asyncio.to_thread(commands.tocsin, "exporter", *(str(word) for word in arguments))
    return ran.returncode, ran.stdout, ran.stderr


async def process(*arguments: object) -> tuple[int, str, str]:
    """The same, of a process of its own."""
    words = [str(word) for word in arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(TOCSIN, "exporter", *words, stdout=pipe, stderr=pipe)
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


def config(folder: Path, url: str) -> Path:
    file = folder / "exporter.yml"
    file.write_text(f"prometheus: {{url: '{url}'}}\nqueries:\n  - {{name: q, expr: x, step: 1h, history: 6d}}\n")
    return file


@pytest.mark.slow
async def test_of_prometheus(tmp_path: Path) -> None:
    """With a configuration and Prometheus alone: a picture, a report in each format, reasons, and feedback kept."""
    at, storage = show_time(NOW - 5 * HOUR), tmp_path / "storage"
    async with server() as (_, url):
        asked: tuple[object, ...] = ("--config.file", config(tmp_path, url), "--labels", "shop=a")
        assert await process("plot", *asked, "-o", tmp_path / "a.svg") == (0, "", "")
        assert b"<svg" in (tmp_path / "a.svg").read_bytes()
        assert (await tocsin("plot", *asked, "-o", tmp_path / "a.gif"))[::2] == (
            2,
            f"tocsin: -o {tmp_path / 'a.gif'}: name a file that ends in .svg or .png\n",
        )
        code, text, _ = await tocsin("backtest", *asked, "--since", "3d")
        assert (code, "1 event would have been reported" in text) == (0, True), text
        code, text, _ = await tocsin("backtest", *asked, "--since", "3d", "--format", "json")
        assert [event["start"] for event in json.loads(text)["events"]] == [at]
        assert (await tocsin("backtest", *asked, "--since", "3d", "--format", "html", "-o", tmp_path / "r.html"))[
            0
        ] == 0
        assert "<h1>Backtest of q</h1>" in (tmp_path / "r.html").read_text()
        code, text, _ = await tocsin("explain", *asked, "--at", at)
        assert "a new event is reported here" in text
        assert "sudden" in text

        said = ("feedback", *asked, "--storage.path", storage, "--at", at, "--verdict", "normal", "--by", "alice")
        code, text, error = await tocsin(*said, "--note", "a sale", "--format", "json")
        assert code == 0, error
        verdict = json.loads(text)
        assert verdict["score_now"] < 1 < verdict["score"]
        assert Book(storage).verdicts()[0].id == verdict["id"]
        code, text, _ = await tocsin("feedback", "list", "--storage.path", storage)
        assert f'{verdict["id"]}  q {{shop="a"}} at {at} is normal  (alice, ' in text
        code, text, _ = await tocsin("explain", *asked, "--at", at, "--storage.path", storage)
        assert "not anomalous" in text
        code, text, _ = await tocsin("backtest", *asked, "--since", "3d", "--storage.path", storage)
        assert "0 events would have been reported" in text
        code, text, _ = await tocsin("feedback", "remove", verdict["id"][:6], "--storage.path", storage)
        assert "taken back" in text
        assert await tocsin("feedback", "list", "--storage.path", storage) == (0, "nothing was said\n", "")


@pytest.mark.slow
async def test_of_a_running_exporter(tmp_path: Path) -> None:
    """The same questions are answered by an exporter that runs."""
    async with server() as (fake, url), prometheus(fake) as api:
        queries = [{"name": "q", "expr": "x", "step": "1h", "history": "6d"}]
        settings = ExporterConfig.model_validate({"prometheus": {"url": url}, "queries": queries})
        built = Exporter.build(settings, api, SystemClock(), book=Book(tmp_path))
        running = TestServer(built.application)
        await running.start_server()
        ours = ("--url", str(running.make_url("")))
        asked = (*ours, "--labels", "shop=a")
        assert await tocsin("plot", *asked, "-o", tmp_path / "a.png") == (0, "", "")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
        code, text, _ = await process("explain", *asked, "--at", NOW - 5 * HOUR)
        assert "a new event is reported here" in text
        said = await tocsin("feedback", "add", *asked, "--at", NOW - 5 * HOUR, "--verdict", "normal")
        assert "such evidence now scores 0." in said[1], said
        (verdict,) = Book(tmp_path).verdicts()
        assert (await tocsin("feedback", "list", *ours))[1].startswith(f"{verdict.id}  q ")
        assert (await tocsin("feedback", "remove", verdict.id, *ours))[0] == 0
        code, _, error = await tocsin("explain", *ours, "--labels", "shop=z")
        assert (code, error) == (1, 'tocsin: no series of q matches; there are {shop="a"}, {shop="b"}\n')
        await running.close()


WRONG = [
    (["plot", "-o", "x.svg"], "name one of --config.file (asks Prometheus) and --url (asks a running exporter)"),
    (["feedback", "add", "--url", "http://127.0.0.1:1"], "say what it is: --verdict normal, or --verdict anomaly"),
    (["feedback", "list"], "name one of --url (a running exporter) and --storage.path (its storage)"),
    (["feedback", "--storage.path", "x", "--verdict", "normal"], "name the configuration, too (--config.file)"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
async def test_what_is_missing_is_told(arguments: list[str], message: str) -> None:
    """A command that lacks something says what, in one line, and exits 2."""
    code, _, error = await tocsin(*arguments)
    assert (code, message in error, "Traceback" in error) == (2, True, False), error
