"""What Grafana calls a field: a series or a column, its name, and how it is to look by defaults and overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grafana.source.preview.asking import Answer, Curve
from grafana.source.preview.theme import CLASSIC, colour, shade
from grafana.source.preview.units import written


@dataclass(frozen=True, slots=True)
class Look:
    """The configuration of a field: the panel's defaults with what overrides say of its name."""

    values: Mapping[str, Any]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """A property by its path: `custom.lineWidth`."""
        return self.values.get(name, otherwise)

    def text(self, value: float) -> str:
        """A value as it is shown: in words where it is mapped to them, with its unit otherwise."""
        mapped = self._mapped(value)
        return (
            mapped["text"]
            if mapped and mapped.get("text")
            else written(value, self.get("unit", "none"), self._decimals)
        )

    def colour(self, value: float) -> str:
        """The colour of a value: as mapped, fixed, or by thresholds."""
        if (mapped := self._mapped(value)) and mapped.get("color"):
            return colour(mapped["color"])
        chosen = self.get("color") or {}
        if chosen.get("mode") == "fixed":
            return colour(chosen["fixedColor"])
        return colour(self.step_of(value))

    def step_of(self, value: float) -> str:
        """The colour of the highest threshold that is not above the value."""
        found = "green"
        for step in (self.get("thresholds") or {}).get("steps", ()):
            if step["value"] is None or value >= step["value"]:
                found = step["color"]
        return found

    @property
    def _decimals(self) -> int | None:
        decimals = self.get("decimals")
        return None if decimals is None else int(decimals)

    def _mapped(self, value: float) -> Mapping[str, Any] | None:
        for mapping in self.get("mappings") or ():
            if mapping["type"] == "value" and (found := mapping["options"].get(f"{value:g}")):
                return dict(found)
            if mapping["type"] == "special" and value != value:  # noqa: PLR0124 - NaN alone is not itself
                return dict(mapping["options"]["result"])
        return None


@dataclass(frozen=True, slots=True)
class Field:
    """A series under its name."""

    name: str
    curve: Curve
    look: Look
    colour: str = field(default="")


def fields(panel: Mapping[str, Any], answers: Iterable[Answer]) -> list[Field]:
    """Every series of a panel, named and coloured."""
    found = [
        (_named(answer.target["legendFormat"], curve.labels), curve) for answer in answers for curve in answer.curves
    ]
    return [
        Field(name, curve, look := look_of(panel, name), _colour(look, curve, place))
        for place, (name, curve) in enumerate(found)
    ]


def look_of(panel: Mapping[str, Any], name: str) -> Look:
    """How the field of this name is to look."""
    defaults = panel["fieldConfig"]["defaults"]
    values = {key: value for key, value in defaults.items() if key != "custom"}
    values |= {f"custom.{key}": value for key, value in defaults.get("custom", {}).items()}
    for override in panel["fieldConfig"]["overrides"]:
        if _matches(override["matcher"], name):
            values |= {one["id"]: one["value"] for one in override["properties"]}
    return Look(values)


def _matches(matcher: Mapping[str, Any], name: str) -> bool:
    if matcher["id"] == "byName":
        return bool(matcher["options"] == name)
    return re.fullmatch(matcher["options"], name) is not None


def _named(legend: str, labels: Mapping[str, str]) -> str:
    text = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)
    return " ".join(text.split()) or "Value"


def _colour(look: Look, curve: Curve, place: int) -> str:
    chosen = look.get("color") or {}
    match chosen.get("mode"):
        case "fixed":
            return colour(chosen["fixedColor"])
        case "shades":
            return shade(colour(chosen["fixedColor"]), place)
        case "thresholds":
            return look.colour(curve.last)
        case _:
            return CLASSIC[place % len(CLASSIC)]
