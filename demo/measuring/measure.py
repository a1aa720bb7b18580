"""From packs to a verdict: a world, what rules record of it, what the exporter says of it, when alerts fire."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from demo.measuring import history, recording, scoring
from demo.measuring.judging import Judged, judged
from demo.measuring.plan import DAY, NORMAL, PLAYS, Plan, Play, planned
from demo.measuring.rulefiles import alerts, needed, query, reached, read
from demo.measuring.server import serving
from demo.measuring.verdict import Verdict, verdict
from demo.packs import extended, packs
from demo.processes import TOCSIN, run
from demo.stack import Tell

LEARNING = 8 * DAY  # history that the exporter has before it scores


def query_files() -> list[Path]:
    """What the packs ask the exporter for."""
    return [file for pack in packs() for file in sorted(pack.glob("queries.yml"))]


@dataclass(frozen=True, slots=True)
class Measured:
    """A plan and what came of it, by recording rules alone and by the exporter."""

    plan: Plan
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class Measuring:
    """Where it is done, with what, and who hears how it goes."""

    binaries: Path
    folder: Path
    tell: Tell
    scored: timedelta = NORMAL  # how much of the normal weeks the exporter is measured over: it goes step by step

    async def measured(self, plays: Sequence[Play] = PLAYS) -> Measured:
        """Everything from the beginning.

        Raises:
            CommandFailed, Died: one of the programs did not do its part.
        """
        ours, theirs = self.folder / "rules-promql", self.folder / "rules-exporter"
        with self._timed("rules"):
            await run(TOCSIN, "rules", "build", *packs(), "-o", ours)
            await run(
                TOCSIN,
                "rules",
                "build",
                *extended(self.folder / "packs", {"engine": "exporter"}, only_with="engine"),
                "-o",
                theirs,
            )
            rules, other = read(ours), _differing(ours, theirs)
            reach = reached(rules, alerts(rules))
            records = needed(rules, reach)
            self.tell(f"{len(alerts(rules))} alerts, {len(other)} of them by either engine", end="")
        plan = planned(plays, back=max(reach.values()))
        since = plan.normal_end - min(self.scored, plan.normal_end - plan.normal_begin)
        queries = [query(expr, LEARNING) for expr in scoring.queries(query_files())]
        with self._timed("history"):
            everything = reached(rules, [*alerts(rules), *queries])
            self.tell(await history.write(plan, everything, self.binaries, self.folder), end="")
        with self._timed("recording rules"):
            await recording.record(plan, records, self.binaries, self.folder)
            self.tell(f"{len(records)} back-filled", end="")
        with self._timed("alerts"):
            by_promql = await self._judged(plan, plan.normal_begin, ours, [one.name for one in alerts(rules)])
        with self._timed("scores"):
            self.tell(await scoring.score(since, plan.end, query_files(), self.binaries, self.folder), end="")
        with self._timed("alerts"):
            by_exporter = by_promql.without(other) + await self._judged(plan, since, theirs, sorted(other))
        by_both = verdict(plan, by_promql, "promql"), verdict(plan, by_exporter, "exporter", plan.normal_end - since)
        return Measured(plan, by_both)

    async def _judged(self, plan: Plan, since: datetime, rules: Path, names: Sequence[str]) -> Judged:
        async with serving(self.binaries, self.folder) as url:
            found = await judged(since, plan.end, rules, names, url)
        self.tell(f"{found.alerts} judged", end="")
        return found

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        self.tell(f"  {what:<16} ", end="")
        begun = time.monotonic()
        yield
        self.tell(f" ({time.monotonic() - begun:.0f} s)")


def _differing(one: Path, other: Path) -> set[str]:
    """The alerts of both folders that do not say the same in both."""
    exprs = {alert.name: alert.expr for alert in alerts(read(one))}
    return {alert.name for alert in alerts(read(other)) if alert.expr != exprs.get(alert.name)}
