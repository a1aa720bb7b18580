"""How many alerts a second the receiver takes in durably, and processes, beside Alertmanager's own intake.

    python -m bench.receiver_intake [--alerts 30000] [--binaries .tools/bin]

Both take the same alerts over real HTTP in one run, one after the other; what counts are the ratios. Alertmanager keeps
alerts in memory; the receiver answers only after a durable commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from demo.processes import TOCSIN, free_port, running

SENDERS = 8
BODY_SIZES = (1, 20, 100, 1000)
START = datetime.now(UTC).isoformat()
QUIET = "route: {receiver: nobody, group_wait: 1h}\nreceivers: [{name: nobody}]\n"


def alerts(count: int) -> list[dict[str, Any]]:
    """Alerts that differ in every way that real ones do."""
    return [
        {
            "labels": {
                "alertname": f"Bench{n % 50}",
                "severity": "warning",
                "instance": f"host-{n}:9100",
                "job": "node",
            },
            "annotations": {"summary": f"host-{n} is unwell", "description": "It was well a minute ago."},
            "startsAt": START,
        }
        for n in range(count)
    ]


def bodies(wanted: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    return (list(wanted[start : start + size]) for start in range(0, len(wanted), size))


def for_receiver(batch: list[dict[str, Any]]) -> bytes:
    firing = [alert | {"status": "firing", "endsAt": "0001-01-01T00:00:00Z"} for alert in batch]
    return json.dumps({"version": "4", "groupKey": batch[0]["labels"]["instance"], "alerts": firing}).encode()


def for_alertmanager(batch: list[dict[str, Any]]) -> bytes:
    return json.dumps(batch).encode()


async def post_all(http: aiohttp.ClientSession, url: str, contents: list[bytes]) -> float:
    """Posts every body, a few senders at a time; gives the seconds it took."""
    left = iter(contents)

    async def send() -> None:
        for content in left:
            async with http.post(url, data=content, headers={"Content-Type": "application/json"}) as answer:
                answer.raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return time.perf_counter() - began


async def processed(http: aiohttp.ClientSession, url: str, wanted: int) -> None:
    """Returns when the engine has taken in so many alerts for good."""
    while True:
        async with http.get(f"{url}/metrics") as answer:
            lines = (line.rpartition(" ") for line in (await answer.text()).splitlines())
            done = next(float(value) for name, _, value in lines if name == "tocsin_receiver_alerts_processed_total")
        if done >= wanted:
            return
        await asyncio.sleep(0.02)


async def measure(http: aiohttp.ClientSession, count: int, size: int, binaries: Path, folder: Path) -> str:
    """One line of the table: Alertmanager's rate, and the receiver's as multiples of it."""
    parts = list(bodies(alerts(count), size))
    (folder / "alertmanager.yml").write_text(QUIET)
    port, data = free_port(), folder / f"{size}"
    data.mkdir()
    alertmanager: list[str | Path] = [
        binaries / "alertmanager",
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={data}/am",
    ]
    flags = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    async with running("alertmanager", [*alertmanager, *flags], data) as peer:
        url = f"http://127.0.0.1:{port}"
        await peer.ready(http, f"{url}/-/ready")
        theirs = count / await post_all(http, f"{url}/api/v2/alerts", [for_alertmanager(part) for part in parts])
    port = free_port()
    receiver: list[str | Path] = [TOCSIN, "receiver", "run", f"--web.listen-address=127.0.0.1:{port}"]
    receiver += ["--storage.path", data / "tocsin"]
    ours = [for_receiver(part) for part in parts]
    async with running("receiver", receiver, data) as tocsin:
        url = f"http://127.0.0.1:{port}"
        hook = f"{url}/api/v2/hooks/alertmanager"
        await tocsin.ready(http, f"{url}/-/ready")
        rates = []
        for already in (0, count):  # all new, then all repeated
            began = time.perf_counter()
            accepted = count / await post_all(http, hook, ours)
            await processed(http, url, already + count)
            rates += [accepted / theirs, count / (time.perf_counter() - began) / theirs]
    return f"{size:6}  {theirs:12,.0f}  " + "  ".join(f"{rate:9.2f} ×" for rate in rates)


async def main(count: int, binaries: Path) -> None:
    """Prints the table."""
    print(f"{count:,} alerts; ratios to Alertmanager's intake")
    print("  body  Alertmanager    new: accepted, processed   repeated: accepted, processed")
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        async with aiohttp.ClientSession() as http:
            for size in BODY_SIZES:
                line = await measure(http, count if size > 1 else count // 10, size, binaries, Path(folder))
                print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=30_000)
    parser.add_argument("--binaries", type=Path, default=Path(__file__).resolve().parents[1] / ".tools/bin")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.alerts, arguments.binaries))
