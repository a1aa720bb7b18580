"""A server that answers range queries like Prometheus, from bytes made once: `python -m bench.exporter_server serve`.

The query is the number of series. It prints its port, and ends when its standard input does. Values are the same in
every answer of one shape; the times are those that were asked for.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import lru_cache

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

TIME = b"#" * 10
SHOWN = 3  # different answers of one column, in turns


@lru_cache(maxsize=2 * SHOWN)
def template(series: int, columns: int, seed: int) -> tuple[Bytes, NDArray[np.intp]]:
    """An answer's bytes with places for times, and where these places are."""
    rng = np.random.default_rng(seed)
    mark, parts = TIME.decode(), []
    for row in range(series):
        values = (10.0 + row % 97) * rng.normal(1.0, 0.05, columns)
        points = ",".join([f'[{mark},"{value!r}"]' for value in values.tolist()])
        parts.append('{"metric":' + json.dumps(labels(row), separators=(",", ":")) + f',"values":[{points}]}}')
    text = '{"status":"success","data":{"resultType":"matrix","result":[' + ",".join(parts) + "]}}"
    letters = np.frombuffer(text.encode(), dtype=np.uint8)
    return letters, np.flatnonzero(letters == TIME[0])[:: len(TIME)]


def labels(row: int) -> dict[str, str]:
    """What a series is called: six labels, about 130 bytes."""
    return {
        "__name__": "http_requests",
        "instance": f"10.{row >> 16}.{row >> 8 & 255}.{row & 255}:9100",
        "job": "node",
        "pod": f"checkout-{row:06d}",
        "region": f"eu-{row % 7}",
        "service": f"service-{row % 500}",
    }


def answer(series: int, start: int, end: int, step: int) -> bytes:
    """The body for a range; all times in whole seconds."""
    times = np.arange(start, end + 1, step)
    letters, places = template(series, len(times), start // step % SHOWN if len(times) == 1 else 0)
    filled = letters.copy()
    figures = np.array([list(str(when).encode()) for when in times], dtype=np.uint8)
    for figure in range(len(TIME)):
        filled[places + figure] = np.tile(figures[:, figure], series)
    return filled.tobytes()


async def query_range(request: web.Request) -> web.Response:
    form = await request.post()
    start, end, step = (round(float(str(form[name]))) for name in ("start", "end", "step"))
    body = await asyncio.to_thread(answer, int(str(form["query"])), start, end, step)
    return web.Response(body=body, content_type="application/json")


async def main() -> None:
    application = web.Application()
    application.add_routes([web.post("/api/v1/query_range", query_range)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    asyncio.run(main())
