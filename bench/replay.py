"""How much quicker a recorded storm is replayed than the same traffic goes over HTTP into a real receiver.

    python -m bench.replay [--bodies 2000] [--config.file F]

Both get the same bodies in one run, one after the other. Over HTTP each body waits for the answer to the one before,
which is what keeps the storm in its order; beside it, without an order, eight senders at once. A replay is timed from
the file to the written result, best of three, and once as a command, start included.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec

from bench.intake.alerts import for_receiver
from bench.intake.servers import JSON, post_all, receiver
from bench.intake.verdict import Figure
from demo.processes import TOCSIN
from receiver.config import ReceiverConfig
from receiver.onsets.files import holds_in
from receiver.prepared import rules_of
from receiver.replay.play import play
from receiver.replay.storm import Storm
from tocsin.config import load

Post = Callable[[aiohttp.ClientSession, str, list[bytes]], Awaitable[object]]
Took = tuple[float, float]

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SERVICES = 100


def storm(count: int, seed: int) -> Iterator[tuple[datetime, bytes]]:
    """Bodies of one to five alerts of a service; half of them were told before."""
    chance = random.Random(seed)
    fired: list[dict[str, object]] = []
    for number in range(count):
        at = START + number * timedelta(seconds=0.2)
        batch = []
        for _ in range(chance.randint(1, 5)):
            if fired and chance.random() < 0.5:
                batch.append(fired[chance.randrange(max(0, len(fired) - 200), len(fired))])
            else:
                batch.append(_alert(chance, at))
                fired.append(batch[-1])
        yield at, for_receiver(batch)


def _alert(chance: random.Random, at: datetime) -> dict[str, object]:
    service = f"service-{chance.randrange(SERVICES)}"
    return {
        "labels": {
            "alertname": f"Bench{chance.randrange(50)}",
            "severity": "warning",
            "service": service,
            "instance": f"{service}-{chance.randrange(10_000)}:8080",
        },
        "annotations": {"summary": f"{service} is unwell", "description": "It was well a minute ago."},
        "startsAt": (at - chance.random() * timedelta(minutes=1)).isoformat(),
        "fingerprint": f"{chance.getrandbits(64):016x}",
    }


def replayed(file: Path, config_file: Path | None) -> tuple[float, float]:
    """The seconds that reading, playing and writing take, and the processor's."""
    config = load(config_file, ReceiverConfig) if config_file else ReceiverConfig()
    holds = holds_in(config.rule_files)
    began, used = time.perf_counter(), time.process_time()
    played = play(Storm(file, config.max_body_bytes).bodies, lambda: rules_of(config, holds))
    file.with_suffix(".out").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in played.objects()))
    return time.perf_counter() - began, time.process_time() - used


def command(file: Path, config_file: Path | None) -> float:
    """The seconds that the whole command takes, its start included."""
    began = time.perf_counter()
    asked = [str(TOCSIN), "incidents", "replay", str(file), "--format", "json", "--output", f"{file}.out"]
    subprocess.run([*asked, *(["--config.file", str(config_file)] if config_file else [])], check=True)
    return time.perf_counter() - began


async def in_order(http: aiohttp.ClientSession, url: str, contents: list[bytes]) -> float:
    """The seconds that it takes to post bodies, each after the answer to the one before."""
    began = time.perf_counter()
    for content in contents:
        async with http.post(url, data=content, headers=JSON) as answer:
            answer.raise_for_status()
    return time.perf_counter() - began


async def over_http(folder: Path, post: Post, contents: list[bytes], alerts: int, config: Path | None) -> Took:
    """What a real receiver takes for it, until everything is processed: seconds, and its processor's."""
    async with aiohttp.ClientSession() as http, receiver(http, folder, config) as tocsin:
        began, used = time.perf_counter(), tocsin.cpu_seconds()
        await post(http, tocsin.hook, contents)
        await tocsin.until_processed(alerts)
        return time.perf_counter() - began, tocsin.cpu_seconds() - used


async def main(arguments: argparse.Namespace) -> None:
    """Prints the figures."""
    bodies = list(storm(arguments.bodies, arguments.seed))
    contents, config = [content for _, content in bodies], arguments.config_file
    alerts = sum(len(msgspec.json.decode(content)["alerts"]) for content in contents)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder, file = Path(name), Path(name) / "storm.jsonl"
        lines = [msgspec.json.encode({"at": at, "body": msgspec.Raw(content)}) for at, content in bodies]
        file.write_bytes(b"\n".join(lines))
        for way in ("ordered", "eight"):
            (folder / way).mkdir()
        ordered = await over_http(folder / "ordered", in_order, contents, alerts, config)
        eight = await over_http(folder / "eight", post_all, contents, alerts, config)
        played = min(replayed(file, config) for _ in range(3))
        whole = command(file, config)
    recorded = (bodies[-1][0] - START).total_seconds()
    print(f"{len(bodies):,} bodies with {alerts:,} alerts, recorded over {recorded:,.0f} s")
    print(
        Figure("HTTP, one after the other", ordered[0], "s"),
        Figure("HTTP, eight senders", eight[0], "s"),
        Figure("replay", played[0], "s"),
        Figure("replay, the whole command", whole, "s"),
        Figure("HTTP one after the other / replay", ordered[0] / played[0], "×", "at least", 20),
        Figure("HTTP eight senders / replay", eight[0] / played[0], "×"),
        Figure("processor: the receiver, one after the other / replay", ordered[1] / played[1], "×"),
        Figure("as long as it was recorded / whole command", recorded / whole, "×"),
        sep="\n",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--config.file", type=Path, dest="config_file", help="the receiver's configuration")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
