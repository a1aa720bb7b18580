"""What an SLO becomes under sloth's names: its three groups of rules, as sloth 0.11 and younger write them.

Source: slok/sloth, internal/plugin/slo/core: sli_rules_v1, metadata_rules_v1, alert_rules_v1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from generator.about import annotations_of, labels_of
from generator.rule import Rule
from generator.slo import own
from generator.slo.objective import Objective
from generator.slo.query import Query
from generator.slo.schema import Kind, Slo
from generator.slo.tiers import Burn
from tocsin import duration, promql
from tocsin.model import Labels
from tocsin.problem import Problem
from tocsin.promql import Expression

HOUR = timedelta(hours=1)
SPEC = "prometheus/v1"

# How sloth was called for a specification of each kind.
MODES = {SPEC: "cli-gen-prom", "sloth.slok.dev/v1": "cli-gen-k8s", "openslo/v1alpha": "cli-gen-openslo"}
NO_RELEASE = "dev"  # what a sloth says of itself that is none of its releases

KINDS: Sequence[Kind] = ("page", "ticket")

# What sloth's one alert for all tiers of a kind can say but once.
COMMON = ("alert", "summary", "hold", "keep_firing_for", "labels", "annotations")


def asks_each_window(slo: Slo) -> bool:
    """Whether each window is a query over the raw series, and not a sum over what was recorded of them."""
    return bool((slo.requests and slo.requests.windowed) or (slo.error_ratio and slo.error_ratio.expr.windowed))


def amiss(objective: Objective) -> Iterator[Problem]:
    """What the tiers say that one alert for all of a kind cannot."""
    for kind, tiers in _alerting(objective).items():
        first, *others = tiers
        for other in others:
            differ = [key for key in COMMON if getattr(first, key) != getattr(other, key)]
            if differ:
                named = ", ".join("for" if key == "hold" else key for key in differ)
                message = f"sloth has one alert for the tiers {first.name!r} and {other.name!r}: they differ in {named}"
                hint = f"say it once, under {kind}: {{…}}, or build without --slo-naming sloth"
                at = objective.origin.at("tiers", other.name)
                yield Problem("slo", message, at, hint, objective.slo.slo)


def rules(objective: Objective) -> Iterator[Rule]:
    """The recordings of the SLI, those of the SLO and the alerts, each for a group of its own."""
    parts: Mapping[str, Iterator[Rule]] = {
        "sli-recordings": _windows(objective),
        "meta-recordings": _about(objective),
        "alerts": _alerts(objective),
    }
    for part, found in parts.items():
        group = f"sloth-slo-{part}-{_identity(objective)['sloth_id']}"
        yield from (replace(rule, group=group) for rule in found)


def _identity(objective: Objective) -> Labels:
    slo, service = objective.slo, objective.slo.service or objective.pack.name
    return {"sloth_id": f"{service}-{slo.slo}", "sloth_service": service, "sloth_slo": slo.slo}


def _labels(objective: Objective) -> Labels:
    return {**_identity(objective), **objective.slo.series_labels}


def _shortest(objective: Objective) -> timedelta:
    period = objective.slo.period
    return min((window for tier in objective.tiers for window in (*tier.windows, period)), default=period)


def _series(objective: Objective, window: timedelta) -> str:
    return f"slo:sli_error:ratio_rate{duration.show(window)}{_selector(objective)}"


def _selector(objective: Objective) -> str:
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in _identity(objective).items()) + "}"


def _windows(objective: Objective) -> Iterator[Rule]:
    """Each window of a tier, whether it alerts or not, and the period."""
    slo, sli = objective.slo, objective.sli
    windows = sorted({window for tier in objective.tiers for window in tier.windows if window < slo.period})
    if asks_each_window(slo):
        yield from (_window(objective, window, _asked(slo, window)) for window in windows)
        yield _window(objective, slo.period, _averaged(objective) if windows else _asked(slo, slo.period))
    else:
        yield from own.measured(objective)
        yield from (_window(objective, window, sli.ratio(window)) for window in windows)
        yield _window(objective, slo.period, sli.spent(slo.period))


def _window(objective: Objective, window: timedelta, expr: Expression) -> Rule:
    shown = duration.show(window)
    labels = {**_identity(objective), "sloth_window": shown, **objective.slo.series_labels}
    return objective.record(f"slo:sli_error:ratio_rate{shown}", expr, labels, objective.sli.errors_path)


def _asked(slo: Slo, window: timedelta) -> Expression:
    if slo.error_ratio:
        return promql.parse(f"({slo.error_ratio.expr.over(window).text})")
    assert slo.requests, "others are not asked over each window"
    part, total = _over(slo.requests.part, window), _over(slo.requests.total, window)
    return promql.parse(f"{part} / {total}" if slo.requests.errors else f"(1 - ({part} / {total}))")


def _over(query: Query, window: timedelta) -> str:
    return f"({query.over(window).text})"


def _averaged(objective: Objective) -> Expression:
    """The period, as the mean of the shortest window."""
    shortest, period = _series(objective, _shortest(objective)), duration.show(objective.slo.period)
    over = f"{shortest}[{period}]"
    return promql.parse(f"sum_over_time({over}) / ignoring (sloth_window) count_over_time({over})")


def _about(objective: Objective) -> Iterator[Rule]:
    slo, labels, selector = objective.slo, _labels(objective), _selector(objective)
    objective_ratio = promql.number(slo.objective / 100)
    spec = slo.info_labels.get("sloth_spec", SPEC)
    info = {
        "sloth_version": NO_RELEASE,
        "sloth_mode": MODES.get(spec, MODES[SPEC]),
        "sloth_spec": spec,
        "sloth_objective": promql.number(slo.objective),
        **slo.info_labels,
    }
    burn_rate = "{} / on (sloth_id, sloth_slo, sloth_service) group_left () slo:error_budget:ratio{}"
    yield _known(objective, "slo:objective:ratio", f"vector({objective_ratio})", labels)
    yield _known(objective, "slo:error_budget:ratio", f"vector(1 - {objective_ratio})", labels)
    yield _known(objective, "slo:time_period:days", f"vector({promql.number(slo.period / timedelta(days=1))})", labels)
    now, spent = (burn_rate.format(_series(objective, of), selector) for of in (_shortest(objective), slo.period))
    yield _known(objective, "slo:current_burn_rate:ratio", now, labels)
    yield _known(objective, "slo:period_burn_rate:ratio", spent, labels)
    left = f"1 - slo:period_burn_rate:ratio{selector}"
    yield _known(objective, "slo:period_error_budget_remaining:ratio", left, labels)
    yield _known(objective, "sloth_slo_info", "vector(1)", {**labels, **info})


def _known(objective: Objective, name: str, expr: str, labels: Labels) -> Rule:
    return objective.record(name, promql.parse(expr), labels)


def _alerting(objective: Objective) -> Mapping[Kind, Sequence[Burn]]:
    kinds = {kind: [tier for tier in objective.enabled if tier.kind == kind] for kind in KINDS}
    return {kind: tiers for kind, tiers in kinds.items() if tiers}


def _alerts(objective: Objective) -> Iterator[Rule]:
    """One for all tiers of a kind; the labels of the series come with them."""
    pack = objective.pack
    for kind, tiers in _alerting(objective).items():
        first = tiers[0]
        about = objective.said_of(first)
        severity = first.said if pack.verbatim else first.severity  # sloth itself writes none
        burning = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is"
        summary = first.summary or f"{burning} over expected."
        yield objective.alert(
            first.alert or own.alert_name(objective.slo.slo, kind),
            promql.parse(" or ".join(f"({_burning(objective, tier)})" for tier in tiers)),
            first,
            labels_of(about, severity, pack, {"sloth_severity": kind}),
            {
                "title": f"({kind}) {burning} too fast.",
                **annotations_of(about, severity, pack, summary=summary, hold=first.hold),
            },
        )


def _burning(objective: Objective, tier: Burn) -> str:
    slo = objective.slo
    pace = f"({promql.number(_factor(slo, tier))} * {promql.number((100 - slo.objective) / 100)})"
    windows = (_series(objective, window) for window in reversed(tier.windows))
    both = " and ".join(f"max({series} > {pace}) without (sloth_window)" for series in windows)
    return both if slo.minimum is None else f"{both} and {_enough(objective, tier, slo.minimum)}"


def _factor(slo: Slo, tier: Burn) -> float:
    """In floating point, and in sloth's order: the bits of a threshold are part of its meaning."""
    if tier.share is None:
        return float(tier.factor)
    return tier.share * (slo.period / HOUR) / 100 / (tier.long / HOUR)


def _enough(objective: Objective, tier: Burn, minimum: float) -> str:
    """What is measured has none of the labels that the SLO's series were given."""
    slo = objective.slo
    asked = slo.requests if asks_each_window(slo) else None
    traffic = asked.total.over(tier.long).term if asked else objective.sli.traffic(tier.long)
    enough = promql.binary(traffic, ">=", promql.literal(minimum))
    return f"ignoring ({', '.join([*_labels(objective), 'tocsin_sli'])}) ({enough.text})"
