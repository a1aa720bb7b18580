"""Limits of remediation under fire: many incidents that one runbook is for, two workers, kill -9 at random moments.

    python -m bench.remediation [--incidents 1000] [--seconds 60] [--most 50] [--kills 6] [--seed 1]

Example:
    python -m bench.remediation --incidents 200 --seconds 12 --most 20 --kills 2

A receiver and two workers run as processes on a PostgreSQL of their own, with fsync. Each incident is about a target of
its own, and the runbook's program writes a line into a file: what stands there was really done. The limit is one of
runs of the runbook within an hour, so that never more than `--most` may be done. A decision is timed from the moment at
which its run was proposed to the one at which it was admitted or refused, both as the database has them: waiting for a
worker, the guard's question and the commit are part of it. Runs that a killed worker held are decided by the other one
once the claim has lapsed, after 10 s; they are told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench.intake.verdict import Figure
from receiver.store.database import Database
from receiver.store.jobs import REMEDIATION_LANE
from receiver.store.schema import jobs, remediations
from tests import postgres
from tests.receiver.bodies import START, alert, body
from tests.receiver.remediate.healing import runbook, step
from tests.receiver.remediate.programs import Folder
from tests.receiver.remediate.workshop import Workshop, workshop

WORKERS = ("first", "second")
SETTLES_SECONDS = 180.0
LOST_AFTER = timedelta(seconds=8)  # later than that only what a killed worker held is decided
POOL = 16  # senders


@dataclass(frozen=True, slots=True)
class Decided:
    """A run: how long it was waited for, and whether it may begin."""

    waited: timedelta
    admitted: bool
    outcome: str | None


def book(program: Path, most: int) -> dict[str, object]:
    """The one runbook, which is for every alert."""
    limits = {"per_runbook": {"most": most, "within": "1h"}, "at_once": most, "cool_down": "0s"}
    target = {"is": "$(service)", "allow_matching": ["target-[0-9]+"]}
    command = [str(program), "$(service)"]
    guards = [{"expr": "replicas", "at_most": 0}]
    return runbook(step("mend", command=command), target=target, limits=limits, guards=guards)


async def post_all(made: Workshop, incidents: int, seconds: float) -> None:
    """Every incident's alert at its time, evenly over the seconds."""
    begun, line = time.monotonic(), asyncio.Queue[int]()
    for number in range(incidents):
        line.put_nowait(number)

    async def send() -> None:
        while not line.empty():
            number = line.get_nowait()
            await asyncio.sleep(max(0.0, begun + seconds * number / incidents - time.monotonic()))
            since = (datetime.now(UTC) - START).total_seconds()
            group = f"g{number}"
            await made.post(body(alert(service=f"target-{number}", start=since, group=group), group=group))

    await asyncio.gather(*(send() for _ in range(POOL)))


async def kill_some(made: Workshop, kills: int, seconds: float, chance: random.Random) -> None:
    """Kills one worker after the other, each at a random moment of its share of the time, and starts it again."""
    for _ in range(kills):
        before = chance.uniform(0, seconds / kills)
        await asyncio.sleep(before)
        name = chance.choice(WORKERS)
        await made.workers[name].kill()
        await made.start(name)
        await asyncio.sleep(max(0.0, seconds / kills - before))


async def settled(database: Database, incidents: int) -> list[Decided]:
    """All runs, when each incident has had one and all are over.

    After a death an incident is considered again, and a run that was refused may be proposed once more.
    """
    waiting = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.lane == REMEDIATION_LANE)
    async with asyncio.timeout(SETTLES_SECONDS):
        while True:
            async with database.read() as connection:
                left = (await connection.execute(waiting)).scalar_one()
                rows = (await connection.execute(sa.select(remediations))).all()
            if not left and len({one.incident for one in rows}) == incidents and all(one.outcome for one in rows):
                break
            await asyncio.sleep(0.5)
    return [
        Decided((one.admitted_at or one.ended_at) - one.proposed_at, one.admitted_at is not None, one.outcome)
        for one in rows
    ]


def figures(found: Sequence[Decided], done: Sequence[str], most: int) -> list[Figure]:
    """What was found beside what was asked for."""
    held = [one for one in found if one.waited > LOST_AFTER]
    waited = sorted(one.waited / timedelta(milliseconds=1) for one in found if one.waited <= LOST_AFTER)
    admitted = sum(one.admitted for one in found)
    in_doubt = sum(one.outcome == "succeeded" for one in found if one.admitted)
    return [
        Figure("runs admitted", admitted, "", "at most", most),
        Figure("runs admitted, where more wanted to", admitted, "", "at least", min(most, len(found))),
        Figure("actions really done", len(done), "", "at most", most),
        Figure("actions done twice", len(done) - len(set(done)), "", "at most", 0),
        Figure("runs admitted and verified", in_doubt, ""),
        Figure("decisions that a killed worker held", len(held), ""),
        Figure("decision, median", waited[len(waited) // 2], "ms"),
        Figure("decision, p99", waited[len(waited) * 99 // 100], "ms", "at most", 200),
    ]


async def main(arguments: argparse.Namespace) -> None:
    """Measures it."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name, postgres.server(durable=True) as server:
        folder, chance = Path(name), random.Random(arguments.seed)
        done = folder / "done"
        program = Folder(folder / "programs").program(f'echo "$1" >>{done}')
        remediation = {"everything": {"most": 10 * arguments.incidents}}
        async with (
            postgres.database(server.url) as url,
            workshop(folder, url, [book(program, arguments.most)], remediation, *WORKERS) as made,
        ):
            said = f"{arguments.incidents:,} incidents within {arguments.seconds:g} s, {len(WORKERS)} workers"
            print(f"{said}, {arguments.kills} times kill -9, at most {arguments.most} runs:", flush=True)
            await asyncio.gather(
                post_all(made, arguments.incidents, arguments.seconds),
                kill_some(made, arguments.kills, arguments.seconds, chance),
            )
            database = await Database.connect(url)
            try:
                found = await settled(database, arguments.incidents)
            finally:
                await database.close()
            print(*figures(found, done.read_text().split(), arguments.most), sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--incidents", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60, help="within which the incidents open")
    parser.add_argument("--most", type=int, default=50, help="how many runs the runbook's limit allows")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which workers are killed")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
