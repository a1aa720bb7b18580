"""One `slo` of a pack, compiled: read, looked at, and made into rules under the names that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.about import written_twice
from generator.lifecycle import State
from generator.reading import Reading
from generator.rule import Origin, Rule
from generator.schema import Metadata
from generator.slo import own, sloth
from generator.slo.indicator import Indicator, indicator
from generator.slo.naming import Naming
from generator.slo.objective import Objective
from generator.slo.schema import SLIS, Slo
from generator.slo.tiers import Burn, burns, days
from tocsin import duration
from tocsin.problem import Problem
from tocsin.promql import PromQLError
from tocsin.yamltree import YamlPath


def compile_slo(
    item: Mapping[str, Any], path: YamlPath, reading: Reading, pack: Metadata, naming: Naming
) -> tuple[Rule, ...]:
    """The rules of the SLO; nothing where it has problems, which are noted."""
    name = str(item["slo"])
    slo = reading.model(Slo, item, path, name)
    for where, part in _sayings(item):
        for problem in written_twice(part, (*path, *where), reading, name, own.OWN_LABELS, verbatim=pack.verbatim):
            reading.note(problem)
    if slo is None or slo.state == State.DISABLED:
        return ()
    tiers = burns(slo, naming, path, reading)
    sli = _indicator(slo, path, reading)
    if sli is None:
        return ()
    if naming is Naming.TOCSIN or not sloth.asks_each_window(slo):
        tiers = [tier for tier in tiers if _fits(tier, sli, slo, path, reading)]
    objective = Objective(slo, sli, tuple(tiers), pack, Origin(reading.document, path))
    if naming is Naming.TOCSIN:
        return tuple(own.rules(objective))
    problems = list(sloth.amiss(objective))
    for problem in problems:
        reading.note(problem)
    return () if problems else tuple(sloth.rules(objective))


def _sayings(item: Mapping[str, Any]) -> Iterator[tuple[YamlPath, Mapping[str, Any]]]:
    """The mappings of the item that may have labels and annotations."""
    yield (), item
    tiers = item.get("tiers")
    parts: Mapping[YamlPath, Any] = {(kind,): item.get(kind) for kind in ("page", "ticket")}
    parts = {**parts, **{("tiers", name): tier for name, tier in (tiers if isinstance(tiers, dict) else {}).items()}}
    yield from ((where, part) for where, part in parts.items() if isinstance(part, dict))


def _indicator(slo: Slo, path: YamlPath, reading: Reading) -> Indicator | None:
    try:
        return indicator(slo)
    except PromQLError as error:
        key = next(key for key in SLIS if getattr(slo, key))
        hint = "each part needs one number a series, not a range and not a fixed number"
        at = reading.document.at(*path, key)
        reading.note(Problem("promql-syntax", f"PromQL: {error}", at, hint, slo.slo))
        return None


def _fits(tier: Burn, sli: Indicator, slo: Slo, path: YamlPath, reading: Reading) -> bool:
    """Whether the tier's windows are no shorter than what a sample covers; told of one that alerts."""
    if tier.short >= sli.looks_back:
        return True
    if not tier.enabled:
        return False
    short, back = days(tier.short), duration.show(sli.looks_back)
    message = f"tier {tier.name!r} cannot look at {short}: each sample of the SLI covers {back} already"
    hint = f"shorten the range in its expression to {short} or less, or take a longer window"
    at = reading.document.at(*path, *sli.errors_path)
    reading.note(Problem("slo", message, at, hint, slo.slo))
    return False
