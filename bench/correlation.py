"""How well storms of alerts become incidents, beside simpler ways: on simulated storms whose truth nobody is told.

    python -m bench.correlation [--seeds 30] [--seed N] [--settings short,defaults,storm] [--world drawn|plain]
                                [--command 'COMMAND {jsonl} {config}'] [--baselines] [--each] [--keep DIR]

Each seed is a world (bench/storm): services, dependencies, nodes, names, rates, lags; `--world plain` keeps to one.
Seeds come from the clock unless `--seed` names the first. *short*: no alert has a `for`, groups are told within
seconds; *defaults*: alerts have a `for` of 0 to 5 minutes, Alertmanager groups by name and waits as it does by default;
*storm*: many faults at once amid much noise. What is measured sees what a user has: bodies with their times, the
topology, rule files. Each line: adjusted Rand index (mean and lowest), how often the true cause of a fault with two
alerts or more is among the first three of the incident that has most of the fault, incidents per fault, and processor
seconds per 1,000 alerts (repeats counted, the command's start included).
`--seed N --seeds 1 --keep DIR` leaves a storm and its truth to be looked at.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench.correlating.baselines import BASELINES, Graph
from bench.correlating.command import REPLAY, assign
from bench.correlating.score import Score, score
from bench.correlating.told import read
from bench.storm.storm import SETTINGS, Setting, Truth, storm, write

MEASURED = "tocsin"
WANTED = {"short": 0.95, "defaults": 0.85}  # the mean adjusted Rand index that is asked for
WANTED_CAUSES = 0.9


@dataclass(frozen=True, slots=True)
class Run:
    """One way's score on one storm; `seconds` of processor time, `alerts` in all bodies."""

    seed: int
    score: Score
    faults: int
    alerts: int
    seconds: float


def runs(setting: Setting, seed: int, arguments: argparse.Namespace) -> Iterator[tuple[str, Run]]:
    """The score of each way on the storm of a seed."""
    made = storm(seed, setting, arguments.world)
    faults = len(set(made.truth.faults.values()))
    if not faults:
        return
    with _folder(arguments.keep, f"{setting.name}-{seed}") as folder:
        jsonl, config = write(made, folder)
        alerts, count = read(jsonl)
        if not arguments.baselines:
            answered = assign(jsonl, config, arguments.command)
            yield MEASURED, Run(seed, score(made.truth, answered.assigned), faults, count, answered.seconds)
        if arguments.keep:
            _keep(folder, made.truth)
    graph = Graph.of(made.world.nature.label, made.world.edges)
    for name, way in BASELINES.items():
        begun = time.process_time()
        assigned = way(alerts, graph)
        yield name, Run(seed, score(made.truth, assigned), faults, count, time.process_time() - begun)


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    if keep:
        (keep / name).mkdir(parents=True, exist_ok=True)
        yield keep / name
        return
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        yield Path(folder)


def _keep(folder: Path, truth: Truth) -> None:
    """The truth, for whoever looks a storm over; written when the command has ended."""
    with (folder / "truth.jsonl").open("w", encoding="utf-8") as stream:
        for (fingerprint, starts_at), fault in truth.faults.items():
            cause = (fingerprint, starts_at) in truth.causes
            line = {"fingerprint": fingerprint, "startsAt": starts_at, "fault": fault, "cause": cause}
            stream.write(json.dumps(line) + "\n")


HEADING = f"{'':22}{'ARI':>7}{'lowest':>8}{'seed of it':>12}{'cause ≤ 3':>11}{'incidents':>11}{'s/1,000':>9}"


def line(name: str, found: Sequence[Run]) -> str:
    """A way's figures over all seeds; causes, incidents and times are counted over all storms together."""
    worst = min(found, key=lambda run: run.score.rand)
    causes = sum(run.score.causes for run in found)
    shares = sum(run.score.found for run in found) / causes if causes else 1.0
    incidents = sum(run.score.incidents for run in found) / sum(run.faults for run in found)
    seconds = 1000 * sum(run.seconds for run in found) / sum(run.alerts for run in found)
    missing = sum(run.score.missing for run in found)
    return (
        f"{name:22}{fmean(run.score.rand for run in found):7.3f}{worst.score.rand:8.3f}{worst.seed:12}"
        f"{shares:11.1%}{incidents:11.2f}{seconds:9.3f}" + (f"  {missing} not answered for" if missing else "")
    )


def verdict(setting: str, found: Sequence[Run]) -> str:
    """Whether a setting reaches what is asked of it."""
    rand, causes = fmean(run.score.rand for run in found), sum(run.score.causes for run in found)
    share = sum(run.score.found for run in found) / causes if causes else 1.0
    met = rand >= WANTED[setting] and share >= WANTED_CAUSES
    return (
        f"{'met' if met else 'NOT MET'}: ARI {rand:.3f} (wanted {WANTED[setting]}), "
        f"cause among the first three {share:.1%} (wanted {WANTED_CAUSES:.0%})"
    )


def main(arguments: argparse.Namespace) -> None:
    """Prints a table for each setting."""
    first = arguments.seed if arguments.seed is not None else time.time_ns() // 1_000_000 % 10**9
    seeds = range(first, first + arguments.seeds)
    print(f"{len(seeds)} seeds from {first}, {arguments.world} worlds")
    for name in arguments.settings:
        found: defaultdict[str, list[Run]] = defaultdict(list)
        for seed in seeds:
            for way, run in runs(SETTINGS[name], seed, arguments):
                found[way].append(run)
                if arguments.each and way == MEASURED:
                    print(f"  {name} {seed}: ARI {run.score.rand:.3f}, causes {run.score.found}/{run.score.causes}")
        some = next(iter(found.values()))
        per_storm = sum(run.faults for run in some) / len(some), sum(run.alerts for run in some) / len(some)
        print(f"\n{name}: {per_storm[0]:.0f} faults (noise counted) and {per_storm[1]:,.0f} alerts a storm")
        print(HEADING, *(line(way, told) for way, told in found.items()), sep="\n", flush=True)
        if MEASURED in found and name in WANTED:
            print(verdict(name, found[MEASURED]))


def _settings(text: str) -> list[str]:
    names = text.split(",")
    unknown = sorted(set(names) - set(SETTINGS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(SETTINGS)}")
    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30, help="how many storms of each setting")
    parser.add_argument("--seed", type=int, help="the first; from the clock by default")
    parser.add_argument("--settings", type=_settings, default=list(SETTINGS))
    parser.add_argument("--world", choices=("drawn", "plain"), default="drawn")
    parser.add_argument("--command", default=REPLAY, help="what is measured, with {jsonl} and {config}")
    parser.add_argument("--baselines", action="store_true", help="only the simpler ways")
    parser.add_argument("--each", action="store_true", help="a line for each storm, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the storms there, with their truth")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
