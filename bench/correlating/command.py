"""The command that is measured: it reads a recorded storm and a configuration, and tells where each alert belongs."""

from __future__ import annotations

import json
import resource
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.correlating.score import Assignment, Placed
from bench.storm.storm import Occurrence

TOCSIN = Path(sys.executable).with_name("tocsin")  # of the environment that runs the benchmark
REPLAY = f"{shlex.quote(str(TOCSIN))} incidents replay {{jsonl}} --config.file {{config}} --format json"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the command told, and its processor time in seconds, start included."""

    assigned: Assignment
    seconds: float


def assign(jsonl: Path, config: Path, command: str = REPLAY) -> Answered:
    """Runs the command with the two files in place of `{jsonl}` and `{config}`; it prints what `replay` prints.

    Raises:
        SystemExit: it fails, or prints something else.
    """
    parts = [part.replace("{jsonl}", str(jsonl)).replace("{config}", str(config)) for part in shlex.split(command)]
    before = _used()
    done = subprocess.run(parts, check=False, capture_output=True, text=True)
    seconds = _used() - before
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(parts)}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    try:
        return Answered(parse(done.stdout), seconds)
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{shlex.join(parts)}: prints something else than replay does: {error!r}") from error


def parse(text: str) -> Assignment:
    """What `tocsin incidents replay --format json` prints: one object a line and occurrence."""
    found: dict[Occurrence, Placed] = {}
    for line in text.splitlines():
        one = json.loads(line)
        found[one["fingerprint"], one["startsAt"]] = Placed(one["incident"], one.get("cause_rank"))
    return found


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
