"""One `slo` of a pack, compiled: what is recorded of its SLI, what is known of the SLO, and an alert a tier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from generator.about import annotations_of, labels_of, written_twice
from generator.lifecycle import State
from generator.reading import Reading
from generator.rule import Origin, Rule
from generator.schema import Metadata
from generator.slo.indicator import ERRORS, TOTAL, Indicator, indicator
from generator.slo.schema import SLIS, Slo
from generator.slo.tiers import Burn, budget, burns, days, show
from tocsin import duration, promql
from tocsin.model import Labels
from tocsin.problem import Problem
from tocsin.promql import Expression, PromQLError, Term
from tocsin.yamltree import YamlPath

# Labels by which the alerts of SLOs are told apart, and the keys that say what they hold.
OWN_LABELS = {"tocsin_slo": "slo", "tocsin_tier": "tiers", "tocsin_sli": "sli"}


def compile_slo(item: Mapping[str, Any], path: YamlPath, reading: Reading, pack: Metadata) -> tuple[Rule, ...]:
    """The rules of the SLO; nothing where it has problems, which are noted."""
    name = str(item["slo"])
    slo = reading.model(Slo, item, path, name)
    for problem in written_twice(item, path, reading, name, OWN_LABELS):
        reading.note(problem)
    if slo is None or slo.state == State.DISABLED:
        return ()
    tiers = burns(slo, path, reading)
    measured = _indicator(slo, path, reading)
    if measured is None:
        return ()
    tiers = [tier for tier in tiers if not _too_short(tier, measured, slo, path, reading)]
    compiling = _Compiling(slo, measured, pack, Origin(reading.document, path))
    return (*compiling.recordings(tiers), *(compiling.alert(tier) for tier in tiers))


def _indicator(slo: Slo, path: YamlPath, reading: Reading) -> Indicator | None:
    try:
        return indicator(slo)
    except PromQLError as error:
        key = next(key for key in SLIS if getattr(slo, key))
        hint = "each part needs one number a series, not a range and not a fixed number"
        at = reading.document.at(*path, key)
        reading.note(Problem("promql-syntax", f"PromQL: {error}", at, hint, slo.slo))
        return None


def _too_short(tier: Burn, sli: Indicator, slo: Slo, path: YamlPath, reading: Reading) -> bool:
    if tier.short >= sli.looks_back:
        return False
    short, back = days(tier.short), duration.show(sli.looks_back)
    message = f"tier {tier.name!r} cannot look at {short}: each sample of the SLI covers {back} already"
    hint = f"shorten the range in its expression to {short} or less, or take a longer window"
    at = reading.document.at(*path, *sli.errors_path)
    reading.note(Problem("slo", message, at, hint, slo.slo))
    return True


@dataclass(frozen=True, slots=True)
class _Compiling:
    slo: Slo
    sli: Indicator
    pack: Metadata
    origin: Origin

    def recordings(self, tiers: Sequence[Burn]) -> Iterator[Rule]:
        """In the order in which they read one another: the SLI, its windows, what is known of the SLO."""
        sli, slo = self.sli, self.slo
        of_sli = {"tocsin_sli": sli.name}
        yield self._record(TOTAL, sli.total, of_sli, sli.total_path)
        yield self._record(ERRORS, sli.errors, of_sli, sli.errors_path)
        windows = {window for tier in tiers for window in (tier.short, tier.long)} - {slo.period}
        for window in sorted(windows):
            yield self._record(_ratio(window), sli.ratio(window), of_sli, sli.errors_path)
        yield self._record(_ratio(slo.period), sli.spent(slo.period), of_sli, sli.errors_path)
        yield from self._about(min(windows, default=slo.period))

    def _about(self, shortest: timedelta) -> Iterator[Rule]:
        """Series of the same names for every SLO, so that one dashboard shows them all."""
        slo, of_slo, share = self.slo, {"tocsin_slo": self.slo.slo}, budget(self.slo)
        allowed = promql.literal(float(share))
        spent = promql.binary(self._series(slo.period), "/", allowed)
        left = promql.binary(promql.literal(1), "-", spent).parsed()
        now = promql.binary(self._series(shortest), "/", allowed).parsed()
        yield self._record("tocsin:slo_objective:ratio", _constant(show(1 - share)), of_slo)
        yield self._record("tocsin:slo_info", _constant("1"), {**of_slo, **self._info()})
        yield self._record("tocsin:slo_burn_rate:ratio", now, of_slo)
        yield self._record("tocsin:slo_error_budget_remaining:ratio", left, of_slo)

    def _info(self) -> Labels:
        slo = self.slo
        known = {
            "tocsin_sli": self.sli.name,
            "objective": promql.number(slo.objective),
            "period": days(slo.period),
            "owner": slo.owner or slo.labels.get("owner") or self.pack.owner,
            "category": slo.category and slo.category.value,
            "state": slo.state.value,
            "pack": self.pack.name,
        }
        return {name: value for name, value in known.items() if value}

    def alert(self, tier: Burn) -> Rule:
        """Both windows burn too fast: the long one has lasted, the short one goes on."""
        slo, own = self.slo, {"tocsin_slo": self.slo.slo, "tocsin_tier": tier.name}
        summary = tier.summary or _summary(slo, tier)
        return Rule(
            kind="alert",
            name=tier.alert,
            expr=self._burns(tier),
            origin=self.origin,
            expr_path=self.sli.errors_path,
            labels=labels_of(slo, tier.severity, self.pack, own),
            annotations=annotations_of(slo, tier.severity, self.pack, summary=summary, hold=tier.hold),
            template="slo",
            severity=tier.severity,
            state=slo.state,
            hold=tier.hold,
            keep_firing_for=tier.keep_firing_for,
        )

    def _burns(self, tier: Burn) -> Expression:
        pace = promql.binary(promql.literal(float(tier.factor)), "*", promql.literal(float(budget(self.slo))))
        sides = [promql.binary(self._series(window), ">", pace) for window in (tier.long, tier.short)]
        if self.slo.minimum is not None:
            traffic = self.sli.traffic(tier.long)
            sides.append(promql.binary(traffic, ">=", promql.literal(self.slo.minimum)))
        # `and` is associative: parentheses would only hide that all must hold.
        return promql.parse(" and ".join(side.text for side in sides))

    def _series(self, window: timedelta) -> Term:
        return self.sli.series(_ratio(window))

    def _record(self, name: str, expr: Expression, own: Labels, at: YamlPath = ("objective",)) -> Rule:
        slo = self.slo
        return Rule("record", name, expr, self.origin, at, own, {}, recorded_for=slo.slo, state=slo.state)


def _ratio(window: timedelta) -> str:
    return f"tocsin:sli_errors:ratio_{days(window)}"


def _constant(value: str) -> Expression:
    return promql.parse(f"vector({value})")


def _summary(slo: Slo, tier: Burn) -> str:
    windows = f"{days(tier.long)} and {days(tier.short)}"
    times = "too fast" if tier.factor == 1 else f"more than {show(tier.factor)} times too fast"
    spends = f"{slo.slo} spends its error budget of {days(slo.period)} {times}"
    return f"{spends}: {{{{ $value | humanizePercentage }}}} bad, over {windows}"
