"""What correlation costs: alerts a second through a real receiver with correlation by causes, and by group alone.

    python -m bench.engine [--alerts 30000] [--rounds 3]

The same bodies go into a receiver of each kind, by turns, in one run: a flood of alerts of a hundred services that
depend on one another, every one of them new, a hundred in a body. The best round of each counts.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import yaml

from bench.intake.alerts import for_receiver
from bench.intake.servers import post_all, receiver
from bench.intake.verdict import Figure

SERVICES = 100
NAMES = ("HighLatency", "HighErrorRate", "ServiceDown")
A_BODY = 100


def bodies(alerts: int, seed: int) -> list[bytes]:
    """Bodies of new alerts; their trouble began within the last twenty seconds."""
    chance, now = random.Random(seed), datetime.now(UTC)
    return [
        for_receiver([_alert(chance, now + timedelta(milliseconds=20 * number)) for _ in range(A_BODY)])
        for number in range(alerts // A_BODY)
    ]


def _alert(chance: random.Random, at: datetime) -> dict[str, object]:
    service = f"service-{chance.randrange(SERVICES)}"
    labels = {
        "alertname": chance.choice(NAMES),
        "severity": "warning",
        "service": service,
        "pod": f"{service}-{chance.getrandbits(40):010x}",
        "instance": f"{service}:8080",
    }
    return {
        "labels": labels,
        "annotations": {"summary": f"{service} is unwell", "description": "It was well a minute ago."},
        "startsAt": (at - chance.random() * timedelta(seconds=20)).isoformat(),
        "fingerprint": f"{chance.getrandbits(64):016x}",
    }


def configuration(file: Path, by: str, seed: int) -> Path:
    """Each service depends on up to three others."""
    chance = random.Random(seed)
    names = [f"service-{number}" for number in range(SERVICES)]
    edges = {name: chance.sample(names[place + 1 :], min(3, SERVICES - place - 1)) for place, name in enumerate(names)}
    file.write_text(yaml.safe_dump({"topology": {"edges": edges}, "correlation": {"by": by}}))
    return file


async def took(folder: Path, config: Path, contents: list[bytes], alerts: int) -> tuple[float, float]:
    """Seconds until everything is processed, and the receiver's processor's."""
    async with aiohttp.ClientSession() as http, receiver(http, folder, config) as tocsin:
        began, used = time.perf_counter(), tocsin.cpu_seconds()
        await post_all(http, tocsin.hook, contents)
        await tocsin.until_processed(alerts)
        return time.perf_counter() - began, tocsin.cpu_seconds() - used


async def main(arguments: argparse.Namespace) -> None:
    """Prints the figures."""
    contents = bodies(arguments.alerts, arguments.seed)
    alerts = len(contents) * A_BODY
    found: dict[str, list[tuple[float, float]]] = {"group": [], "causes": []}
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        for round_ in range(arguments.rounds):
            for by, figures in found.items():
                config = configuration(folder / f"{by}.yml", by, arguments.seed)
                store = folder / f"{by}-{round_}"
                store.mkdir()
                figures.append(await took(store, config, contents, alerts))
    best = {by: (min(one[0] for one in figures), min(one[1] for one in figures)) for by, figures in found.items()}
    print(
        Figure("by group alone", alerts / best["group"][0], "alerts/s"),
        Figure("by causes", alerts / best["causes"][0], "alerts/s"),
        Figure("throughput, causes / group", best["group"][0] / best["causes"][0], "×", "at least", 0.8),
        Figure("processor time, group / causes", best["group"][1] / best["causes"][1], "×"),
        sep="\n",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
