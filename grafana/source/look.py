"""How everything looks: colours and what they mean, thresholds, legends, links; decided here, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from grafana_foundation_sdk.builders import common, dashboard
from grafana_foundation_sdk.models import common as show
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")


class Colour(StrEnum):
    """What a colour means, everywhere the same."""

    BAD = "red"
    WATCH = "orange"
    GOOD = "green"
    PLAIN = "blue"
    SECOND = "purple"  # beside PLAIN, where neither is better
    QUIET = "#8e8e8e"


Steps = Sequence[tuple[float | None, Colour]]  # from this value on that colour; the first from None
Colours = Mapping[str, Colour]  # by what a series is called: a pattern that matches the whole of it
Names = Mapping[int, tuple[str, Colour]]  # what a value means

PLAIN: Steps = ((None, Colour.PLAIN),)
ANY_TROUBLE: Steps = ((None, Colour.GOOD), (1, Colour.WATCH))
BUDGET: Steps = ((None, Colour.BAD), (0, Colour.WATCH), (0.25, Colour.GOOD))  # of an error budget, what is left
SEVERITIES: Colours = {
    "critical": Colour.BAD,
    "warning": Colour.WATCH,
    "info": Colour.PLAIN,
    "none": Colour.GOOD,
}


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Steps as Grafana has them."""
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(
        [Threshold(value=value, color=colour) for value, colour in steps]
    )  # fmt: skip


def fixed(colour: Colour) -> DynamicConfigValue:
    """One colour, whatever the value."""
    return DynamicConfigValue("color", {"mode": FieldColorModeId.FIXED, "fixedColor": colour})


def mapping(names: Names) -> ValueMap:
    """Words and colours in the place of numbers."""
    return ValueMap(
        {
            str(value): ValueMappingResult(text=text, color=colour, index=place)
            for place, (value, (text, colour)) in enumerate(names.items())
        }
    )


def nothing_yet(text: str = "none yet") -> SpecialValueMap:
    """Words where there is no number."""
    match, result = SpecialValueMatch.NULL_AND_NAN, ValueMappingResult(text=text, color=Colour.QUIET, index=0)
    return SpecialValueMap(DashboardSpecialValueMapOptions(match=match, result=result))


def legend() -> common.VizLegendOptions:
    """Names in a line below."""
    made = common.VizLegendOptions().show_legend(show_legend=True)
    return made.display_mode(show.LegendDisplayMode.LIST).placement(show.LegendPlacement.BOTTOM)
