"""How many alerts a second the receiver takes in durably, and processes, beside Alertmanager's own intake.

    python -m bench.receiver_intake [--alerts 100000] [--sizes 1,20,100,1000] [--postgresql] [--config.file F]
    python -m bench.receiver_intake --steady 5000 [--seconds 10]
    python -m bench.receiver_intake --open 200000

Both take the same alerts over real HTTP in one run, one after the other; what counts are the ratios. Alertmanager keeps
alerts in memory; the receiver answers only after a durable commit. Alerts are sent from this machine, too, whose cores
the sender shares. `--postgresql` keeps them in PostgreSQL, with fsync, on the same machine. `--steady` measures
latencies instead, `--open` what many open alerts cost.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp

from bench.intake import many_open, side_by_side, steady
from bench.intake.verdict import Figure
from tests import postgres


async def compare(http: aiohttp.ClientSession, arguments: argparse.Namespace, folder: Path) -> None:
    """Prints a line for each body size."""
    print(f"{arguments.alerts:,} alerts; ratios to Alertmanager's intake")
    print(side_by_side.HEADING)
    asked: list[Figure] = []
    for size in arguments.sizes:
        count = arguments.alerts if size > 1 else arguments.alerts // 10
        with tempfile.TemporaryDirectory(dir=folder) as own:
            line = await side_by_side.measure(http, count, size, arguments.binaries, Path(own), arguments.config_file)
        print(line, flush=True)
        asked += line.figures(accepted=0.8 if arguments.postgresql else 1.5) if size == side_by_side.ASKED_SIZE else []
    if asked:
        print(f"At bodies of {side_by_side.ASKED_SIZE}:", *asked, sep="\n")


@contextmanager
def postgresql(folder: Path) -> Iterator[Path]:
    """A configuration of the receiver with a PostgreSQL of its own, which keeps what it has committed."""
    with postgres.server(durable=True) as server:
        config = folder / "postgresql.yml"
        config.write_text(f"database: {{url: {server.url}}}\n")
        yield config


async def main(arguments: argparse.Namespace) -> None:
    """Measures what was asked for."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        if arguments.postgresql:
            arguments.config_file = stack.enter_context(postgresql(folder))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            if arguments.steady:
                print(
                    f"{arguments.steady:,} new alerts a second for {arguments.seconds:g} s, {steady.BODY_SIZE} a body:"
                )
                found = await steady.measure(http, arguments.steady, arguments.seconds, folder, arguments.config_file)
                print(*found, sep="\n")
            elif arguments.open:
                print(f"{arguments.open:,} open alerts:")
                print(*await many_open.measure(http, arguments.open, folder, arguments.config_file), sep="\n")
            else:
                await compare(http, arguments, folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument(
        "--sizes", type=lambda text: [int(part) for part in text.split(",")], default=side_by_side.BODY_SIZES
    )
    parser.add_argument("--steady", type=int, metavar="ALERTS_PER_SECOND")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--open", type=int, metavar="ALERTS")
    parser.add_argument("--binaries", type=Path, default=Path(__file__).resolve().parents[1] / ".tools/bin")
    parser.add_argument("--postgresql", action="store_true", help="keep the receiver's store in PostgreSQL")
    parser.add_argument("--config.file", type=Path, dest="config_file", help="the receiver's configuration")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
