"""What an SLO becomes under Tocsin's own names: what is recorded of its SLI and of itself, and an alert a tier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from generator.about import annotations_of, labels_of
from generator.rule import Rule
from generator.slo.indicator import ERRORS, TOTAL
from generator.slo.objective import Objective
from generator.slo.tiers import Burn, budget, days, show
from tocsin import promql
from tocsin.model import Labels
from tocsin.promql import Expression, Term

# Labels by which the alerts of SLOs are told apart, and the keys that say what they hold.
OWN_LABELS = {"tocsin_slo": "slo", "tocsin_tier": "tiers", "tocsin_sli": "sli", "tocsin_service": "service"}


def rules(objective: Objective) -> Iterator[Rule]:
    """In the order in which they read one another: the SLI, its windows, what is known of the SLO, the alerts."""
    yield from measured(objective)
    sli, slo = objective.sli, objective.slo
    of_sli = {"tocsin_sli": sli.name}
    windows = {window for tier in objective.enabled for window in tier.windows} - {slo.period}
    for window in sorted(windows):
        yield objective.record(_ratio(window), sli.ratio(window), of_sli, sli.errors_path)
    yield objective.record(_ratio(slo.period), sli.spent(slo.period), of_sli, sli.errors_path)
    yield from _about(objective, min(windows, default=slo.period))
    yield from (_alert(objective, tier) for tier in objective.enabled)


def measured(objective: Objective) -> Iterator[Rule]:
    """The two series of which all windows consist."""
    sli = objective.sli
    of_sli = {"tocsin_sli": sli.name}
    yield objective.record(TOTAL, sli.total, of_sli, sli.total_path)
    yield objective.record(ERRORS, sli.errors, of_sli, sli.errors_path)


def _about(objective: Objective, shortest: timedelta) -> Iterator[Rule]:
    """Series of the same names for every SLO, so that one dashboard shows them all."""
    slo, share = objective.slo, budget(objective.slo)
    of_slo = {**slo.series_labels, **_of_slo(objective)}
    allowed = promql.literal(float(share))
    spent = promql.binary(_series(objective, slo.period), "/", allowed)
    left = promql.binary(promql.literal(1), "-", spent).parsed()
    now = promql.binary(_series(objective, shortest), "/", allowed).parsed()
    yield objective.record("tocsin:slo_objective:ratio", _constant(show(1 - share)), of_slo)
    yield objective.record("tocsin:slo_info", _constant("1"), {**of_slo, **_info(objective)})
    yield objective.record("tocsin:slo_burn_rate:ratio", now, of_slo)
    yield objective.record("tocsin:slo_error_budget_remaining:ratio", left, of_slo)


def _of_slo(objective: Objective) -> Labels:
    slo = objective.slo
    service = {"tocsin_service": slo.service} if slo.service else {}
    return {"tocsin_slo": slo.slo, **service}


def _info(objective: Objective) -> Labels:
    slo = objective.slo
    known = {
        "tocsin_sli": objective.sli.name,
        "objective": promql.number(slo.objective),
        "period": days(slo.period),
        "owner": slo.owner or slo.labels.get("owner") or slo.series_labels.get("owner") or objective.pack.owner,
        "category": slo.category and slo.category.value,
        "state": slo.state.value,
        "pack": objective.pack.name,
    }
    return {**slo.info_labels, **{name: value for name, value in known.items() if value}}


def _alert(objective: Objective, tier: Burn) -> Rule:
    """Both windows burn too fast: the long one has lasted, the short one goes on."""
    about, pack = objective.said_of(tier), objective.pack
    own = {**_of_slo(objective), "tocsin_tier": tier.name}
    summary = tier.summary or _summary(objective, tier)
    return objective.alert(
        tier.alert or alert_name(objective.slo.slo, tier.name),
        _burns(objective, tier),
        tier,
        {**objective.slo.series_labels, **labels_of(about, tier.severity, pack, own)},
        annotations_of(about, tier.severity, pack, summary=summary, hold=tier.hold),
    )


def alert_name(slo: str, suffix: str) -> str:
    """`ShopPageQuick` of the SLO Shop; one whose name has several words is written together: WebShopPageQuick."""
    words = re.split(r"[-.]+", slo)
    together = slo if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
    return together + "".join(word.capitalize() for word in suffix.split("-"))


def _burns(objective: Objective, tier: Burn) -> Expression:
    slo = objective.slo
    pace = promql.binary(promql.literal(float(tier.factor)), "*", promql.literal(float(budget(slo))))
    sides = [promql.binary(_series(objective, window), ">", pace) for window in tier.windows]
    if slo.minimum is not None:
        traffic = objective.sli.traffic(tier.long)
        sides.append(promql.binary(traffic, ">=", promql.literal(slo.minimum)))
    # `and` is associative: parentheses would only hide that all must hold.
    return promql.parse(" and ".join(side.text for side in sides))


def _series(objective: Objective, window: timedelta) -> Term:
    return objective.sli.series(_ratio(window))


def _ratio(window: timedelta) -> str:
    return f"tocsin:sli_errors:ratio_{days(window)}"


def _constant(value: str) -> Expression:
    return promql.parse(f"vector({value})")


def _summary(objective: Objective, tier: Burn) -> str:
    slo = objective.slo
    windows = " and ".join(map(days, tier.windows))
    times = "too fast" if tier.factor == 1 else f"more than {show(tier.factor)} times too fast"
    spends = f"{slo.slo} spends its error budget of {days(slo.period)} {times}"
    return f"{spends}: {{{{ $value | humanizePercentage }}}} bad, over {windows}"
