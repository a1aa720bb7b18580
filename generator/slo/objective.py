"""One SLO, read and complete: what either naming makes rules of."""

from __future__ import annotations

from dataclasses import dataclass

from generator.rule import Origin, Rule
from generator.schema import Metadata
from generator.slo.indicator import Indicator
from generator.slo.schema import Slo
from generator.slo.tiers import Burn
from tocsin.model import Labels
from tocsin.promql import Expression
from tocsin.yamltree import YamlPath


@dataclass(frozen=True, slots=True)
class Objective:
    """An SLO with what it measures and its tiers, those that are not enabled included."""

    slo: Slo
    sli: Indicator
    tiers: tuple[Burn, ...]
    pack: Metadata
    origin: Origin

    @property
    def enabled(self) -> tuple[Burn, ...]:
        """The tiers that alert."""
        return tuple(tier for tier in self.tiers if tier.enabled)

    def said_of(self, tier: Burn) -> Slo:
        """The SLO with the labels and annotations of a tier."""
        return self.slo.model_copy(update={"labels": tier.labels, "annotations": tier.annotations})

    def record(self, name: str, expr: Expression, labels: Labels, at: YamlPath = ("objective",)) -> Rule:
        """A recording rule."""
        slo = self.slo
        return Rule("record", name, expr, self.origin, at, labels, {}, recorded_for=slo.slo, state=slo.state)

    def alert(self, name: str, expr: Expression, tier: Burn, labels: Labels, annotations: Labels) -> Rule:
        """An alerting rule, for a tier or for all of its kind."""
        return Rule(
            kind="alert",
            name=name,
            expr=expr,
            origin=self.origin,
            expr_path=self.sli.errors_path,
            labels=labels,
            annotations=annotations,
            template="slo",
            severity=tier.severity,
            state=self.slo.state,
            hold=tier.hold,
            keep_firing_for=tier.keep_firing_for,
        )
