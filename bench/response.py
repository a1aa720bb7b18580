"""The outbox: timers that wait, messages to a channel that fails, and the way from a webhook to the wire.

    python -m bench.response [--timers 100000] [--due 2000] [--messages 5000] [--rate 1000] [--seconds 20]

Messages are sent to a channel in the process, which takes 20 ms and fails for a fifth of the attempts; timers and the
way to the wire are measured on a receiver of its own, from outside, with its own generic webhook as the channel.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

import aiohttp
import structlog

from bench.responding import lateness, messages


async def main(arguments: argparse.Namespace) -> None:
    """Measures what was asked for."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        if arguments.messages:
            print(f"{arguments.messages:,} messages, {messages.FAILS:.0%} of the attempts fail:")
            print(*await messages.measure(arguments.messages, folder), sep="\n", flush=True)
        if arguments.timers:
            said = f"{arguments.due:,} come due while {arguments.rate:,} alerts a second come in"
            print(f"{arguments.timers:,} timers wait; {said} for {arguments.seconds:g} s:", flush=True)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
                found = await lateness.measure(
                    http, arguments.timers, arguments.due, arguments.rate, arguments.seconds, folder
                )
            print(*found, sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timers", type=int, default=100_000, help="0: leave this out")
    parser.add_argument("--due", type=int, default=2_000)
    parser.add_argument("--messages", type=int, default=5_000, help="0: leave this out")
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
