"""The tiers of an SLO: which burn, seen over which two windows, alerts whom.

Source of the four by default: Google, The Site Reliability Workbook, chapter 5, "Alerting on SLOs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from generator.foreign import SEVERITIES
from generator.reading import Reading
from generator.slo.naming import Naming
from generator.slo.schema import Kind, Manner, Slo, Tier
from tocsin import duration, promql
from tocsin.model import Labels, Severity
from tocsin.problem import Level, Problem
from tocsin.yamltree import YamlPath

HOUR = timedelta(hours=1)


def _default(budget_percent: float, long: timedelta, short: timedelta, severity: Severity) -> Tier:
    return Tier.model_construct(budget_percent=budget_percent, long=long, short=short, severity=severity)


DEFAULTS: Mapping[str, Tier] = {
    "page-quick": _default(2, HOUR, HOUR / 12, Severity.CRITICAL),
    "page-slow": _default(5, 6 * HOUR, HOUR / 2, Severity.CRITICAL),
    "ticket-quick": _default(10, 24 * HOUR, 2 * HOUR, Severity.WARNING),
    "ticket-slow": _default(10, 72 * HOUR, 6 * HOUR, Severity.WARNING),
}
KINDS: Mapping[str, Kind] = {name: "page" if name.startswith("page") else "ticket" for name in DEFAULTS}


@dataclass(frozen=True, slots=True)
class Burn:
    """A tier of one SLO, complete: it alerts when both windows burn faster than `factor` times the objective's pace.

    Where the long window decides alone, the short one is the same. `alert` is the name that was given, if one was.
    `share` is the percentage of the budget that the factor follows from; a factor that was given follows from none.
    `said` is the severity if the pack itself says it.
    """

    name: str
    kind: Kind
    enabled: bool
    alert: str | None
    long: timedelta
    short: timedelta
    long_only: bool
    factor: Decimal
    share: float | None
    severity: Severity
    said: Severity | None
    summary: str | None
    hold: timedelta
    keep_firing_for: timedelta
    labels: Labels
    annotations: Labels

    @property
    def windows(self) -> tuple[timedelta, ...]:
        """Those that must all burn, the long one first."""
        return (self.long,) if self.long_only else (self.long, self.short)


def budget(slo: Slo) -> Decimal:
    """The share that may be bad: 0.001 at 99.9 %, in decimal, where 1 - 0.999 is not 0.0010000000000000009."""
    return (100 - Decimal(str(slo.objective))) / 100


def burns(slo: Slo, naming: Naming, path: YamlPath, reading: Reading) -> list[Burn]:
    """The tiers of an SLO, those that are not enabled included; those that cannot work are problems."""
    found: list[Burn] = []
    defaults = DEFAULTS if slo.default_tiers else {}
    for name in (*defaults, *(name for name in slo.tiers if name not in defaults)):
        own = slo.tiers.get(name)
        kind = _kind(name, own)
        manner = slo.page if kind == "page" else slo.ticket
        tier = _merged(own, manner, defaults.get(name))
        missing = _missing(tier)
        if missing and tier.enabled is False:
            continue
        at: YamlPath = (*path, "tiers", name) if own else (*path, "objective")
        said = (own and own.severity) or manner.severity
        burn = _burn(name, kind, tier, said, slo) if not missing else None
        told = list(_amiss(burn, slo, naming)) if burn else [_incomplete(missing)]
        for key, message, hint, level in told:
            where = reading.document.at(*at, key) if own else reading.document.at(*at)
            reading.note(Problem("slo", f"tier {name!r} {message}", where, hint, slo.slo, level))
        if burn and not any(level == "error" for *_, level in told):
            found.append(burn)
    return found


# The key at which it stands, what is wrong with the tier, the way out, how bad.
Finding = tuple[str, str, str, Level]


def _kind(name: str, own: Tier | None) -> Kind:
    """A tier of one's own pages if it is critical."""
    return KINDS.get(name) or ("page" if own and _severity(own) is Severity.CRITICAL else "ticket")


def _severity(tier: Tier) -> Severity | None:
    """The severity, or what the label of that name means, where a verbatim pack has it so."""
    label = tier.labels.get("severity")
    return tier.severity or (SEVERITIES.get(label.lower(), Severity.WARNING) if label else None)


def _merged(own: Tier | None, manner: Manner, default: Tier | None) -> Tier:
    """The tier with what it takes over from its kind and from the default of its name.

    A factor and a share replace one another; labels and annotations come together.
    """
    layers = [layer for layer in (default, manner, own) if layer is not None]
    given = {key: getattr(layer, key) for layer in layers for key in layer.model_fields_set}
    for key in ("labels", "annotations"):
        given[key] = {name: value for layer in layers for name, value in getattr(layer, key).items()}
    if own and "factor" in own.model_fields_set:
        given["budget_percent"] = None
    tier = Tier().model_copy(update=given)
    return tier.model_copy(update={"severity": _severity(tier)})


def _missing(tier: Tier) -> list[str]:
    needed = ("long", "severity") if tier.long_only else ("long", "short", "severity")
    missing = [key for key in needed if getattr(tier, key) is None]
    return missing if tier.factor or tier.budget_percent else [*missing, "factor or budget_percent"]


def _incomplete(missing: list[str]) -> Finding:
    names = ", ".join(DEFAULTS)
    hint = f"add it; only the tiers by default ({names}) may be given in part"
    return "", f"has no {', no '.join(missing)}", hint, "error"


def _burn(name: str, kind: Kind, tier: Tier, said: Severity | None, slo: Slo) -> Burn:
    short = tier.long if tier.long_only else tier.short
    assert tier.long, "nothing is missing"
    assert short, "nothing is missing"
    assert tier.severity, "nothing is missing"
    return Burn(
        name=name,
        kind=kind,
        enabled=tier.enabled is not False,
        alert=tier.alert,
        long=tier.long,
        short=short,
        long_only=bool(tier.long_only),
        factor=_factor(name, tier, slo),
        share=None if tier.factor is not None else tier.budget_percent,
        severity=tier.severity,
        said=said,
        summary=tier.summary or slo.summary,
        hold=tier.hold or timedelta(),
        keep_firing_for=tier.keep_firing_for or timedelta(),
        labels={**slo.labels, **tier.labels},
        annotations={**slo.annotations, **tier.annotations},
    )


def _factor(name: str, tier: Tier, slo: Slo) -> Decimal:
    """How many times faster than allowed; a default never goes below 1, where the objective would be met."""
    if tier.factor is not None:
        return Decimal(str(tier.factor))
    assert tier.long, "nothing is missing"
    assert tier.budget_percent, "nothing is missing"
    exact = tier.budget_percent / 100 * (slo.period / tier.long)
    by_default = name in DEFAULTS and tier.budget_percent == DEFAULTS[name].budget_percent
    return Decimal(f"{max(exact, 1.0) if by_default else exact:.6g}")


def _amiss(burn: Burn, slo: Slo, naming: Naming) -> Iterator[Finding]:
    """What is wrong with a tier that is enabled. One that can never fire is half of an alert in sloth's naming."""
    if not burn.enabled:
        return
    share = budget(slo)
    if burn.factor * share >= 1:
        sum_ = f"{show(burn.factor)} × (1 - {show(1 - share)}) = {show(burn.factor * share)}"
        message = f"can never fire: {sum_}, and no more than all can be bad: factor × (1 - objective) must be below 1"
        hint = f"take a factor below {show(1 / share)}, or: tiers: {{{burn.name}: {{enabled: false}}}}"
        yield "factor", message, hint, "error" if naming is Naming.TOCSIN else "warning"
    if burn.factor < 1:
        message = f"alerts at a burn of {show(burn.factor)}: below 1, the objective is still met"
        yield "factor", message, "raise it to 1 or more", "warning"
    if burn.short >= burn.long and not burn.long_only:
        windows = f"{days(burn.short)} is not shorter than {days(burn.long)}"
        yield "short", f"has its windows the wrong way round: {windows}", "a twelfth of long is usual", "error"
    if burn.long > slo.period:
        windows = f"{days(burn.long)} is longer than the period, {days(slo.period)}"
        hint = f"shorten it, or: tiers: {{{burn.name}: {{enabled: false}}}}"
        yield "long", f"looks too far back: {windows}", hint, "error"


def show(value: Decimal) -> str:
    """A number as people write it: 14.4, 0.001, 1."""
    return promql.number(float(f"{value:.6g}"))


def days(window: timedelta) -> str:
    """A window as people call it: 7d and 28d, not 1w and 4w."""
    count, rest = divmod(window, timedelta(days=1))
    return duration.show(window) if rest or not count else f"{count}d"
