"""An explanation as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from exporter.explaining.numbers import Figures
from exporter.models.hearing import DEFAULT
from exporter.names import key_of, show
from exporter.plotting.units import Unit, scaled, unit_of

LEAST_PART = 0.01  # smaller parts are not told
MILLION = 1e6
ARROWS = {"up": "↑", "down": "↓", "": " "}


def words(found: Figures, zone: str) -> str:
    """The whole text, times in a time zone."""
    unit = scaled(unit_of(found["expr"]), max(abs(found["value"] or 0.0), abs(found["expected"] or 0.0)))
    parts = [_head(found, ZoneInfo(zone), unit)]
    for name, part in (("evidence", _evidence(found)), ("views", _views(found, unit)), ("learning", _learning(found))):
        parts += [part] if name in found else []
    parts += [_models(found, unit), _feedback(found)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def _head(found: Figures, zone: ZoneInfo, unit: Unit) -> Iterator[str]:
    when = datetime.fromisoformat(found["at"]).astimezone(zone)
    yield f"{found['query']}: {show(key_of(found['labels']))} at {when:%Y-%m-%d %H:%M:%S} ({zone.key})"
    yield ""
    if found["expected"] is None:
        why = "the first value, so that nothing was" if found["model"] == DEFAULT else "its model has nothing"
        yield f"{_value(found['value'], unit)}: {why} expected."
    else:
        side = "above" if found["deviation"] >= 0 else "below"
        far = "" if found.get("deviations") is None else f", {abs(found['deviations']):.1f} usual deviations"
        off = _value(abs(found["deviation"]), unit)
        yield f"{_value(found['value'], unit)} where {_value(found['expected'], unit)} was expected: {off} {side}{far}."
        yield f"Alone, any value from {_value(found['lower'], unit)} to {_value(found['upper'], unit)} would be normal."
    word = "anomalous" if found["anomalous"] else "not anomalous"
    reported = "; a new event is reported here" if found["event"] else ""
    if found["score"] is None:
        yield "It has no score: its model did not answer in time."
        return
    yield f"Score {found['score']:.2f}: {word} (the bar is 1){reported}."
    plain = found.get("score_without_feedback")
    if plain is not None and abs(plain - found["score"]) > 0.005:
        yield f"Without what people said it would be {plain:.2f}."


def _evidence(found: Figures) -> Iterator[str]:
    told = [one for one in found["evidence"] if one["part"] >= LEAST_PART]
    if not told:
        return
    yield "Evidence (part in the score; in how many points this series shows as much, or its tail makes likely)"
    for one in told:
        rare = "over a million" if one["once_in_points"] > MILLION else f"{one['once_in_points']:,.0f}"
        yield f"  {ARROWS[one['direction']]} {one['piece']:<9} {one['part']:>4.0%}  1 in {rare:<14}  {one['meaning']}"


def _views(found: Figures, unit: Unit) -> Iterator[str]:
    told = [one for one in found["views"] if one["part"] >= LEAST_PART]
    if not told:
        return
    yield "Expected by (weighed by how little each erred lately)"
    for one in told:
        yield f"  {one['view']:<9} {one['part']:>4.0%}  {_value(one['expected'], unit):<12}  {one['meaning']}"


def _learning(found: Figures) -> Iterator[str]:
    learning = found["learning"]
    yield "Learning"
    if learning["suspect_steps"]:
        steps = "1 step" if learning["suspect_steps"] == 1 else f"{learning['suspect_steps']} steps in a row"
        yield f"  unusual for {steps}: it teaches what is usual here {learning['tail_teaching']:.0%} as much as others"
    else:
        yield "  this point teaches like any other"
    if learning["new_normal"]:
        yield f"  it has lasted: {learning['new_normal']:.0%} on the way to being taken for the new normal"
    if learning["borrowed_from"]:
        kin = f"{learning['borrowed_from']} series that share most of its labels"
        yield f"  new: its day, scale and tails began as the median of {kin}, and give way to its own"
    if learning["caution"] >= 1.01:
        seen = learning["values_seen"]
        yield f"  only {seen} values were seen: {learning['caution'] - 1:.0%} more is asked than of a series long known"


def _models(found: Figures, unit: Unit) -> Iterator[str]:
    if len(found["models"]) < 2:
        return
    yield "Models (the champion's word counts; the mean error of each in the trial that goes on)"
    for one in found["models"]:
        role = "champion" if one["champion"] else "challenger"
        error = "" if one["mean_error"] is None else f", mean error {_value(one['mean_error'], unit)}"
        said = f"expected {_value(one['expected'], unit)}, score {one['score'] or 0.0:.2f}"
        yield f"  {role:<10} {one['model']}: {said}{error}"


def _feedback(found: Figures) -> Iterator[str]:
    if not found.get("feedback"):
        return
    yield "Said by people about this series"
    for one in found["feedback"]:
        effect = f"changes this score by {one['changes']:+.2f}" if one["changes"] else "does not touch this point"
        note = f": {one['note']}" if one["note"] else ""
        yield f"  {one['id']}  {one['verdict']} at {one['at']} ({one['by'] or 'unknown'}{note}); {effect}"


def _value(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    sign = f" {unit.sign}" if unit.sign else ""
    return f"{value / unit.scale:.4g}{sign}"
