"""The shapes that dashboards share: what a panel looks like is decided here, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
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

PLAIN: Steps = ((None, Colour.PLAIN),)
SEVERITIES: Mapping[str, Colour] = {
    "critical": Colour.BAD,
    "warning": Colour.WATCH,
    "info": Colour.PLAIN,
    "none": Colour.GOOD,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """An expression, and what its series are called."""

    expr: str
    legend: str


P = TypeVar("P", stat.Panel, timeseries.Panel, statetimeline.Panel)


def number(
    title: str,
    description: str,
    *asks: Ask,
    unit: str,
    width: int,
    height: int = 4,
    steps: Steps = PLAIN,
    colours: Mapping[str, Colour] | None = None,
) -> stat.Panel:
    """Values as they are now, coloured by `steps`; with their names where there are several."""
    named = len(asks) > 1 or "{{" in asks[0].legend
    panel = _panel(stat.Panel(), title, description, unit, width, height)
    panel = _coloured(_asking(panel, asks, instant=True), colours or {}).thresholds(_thresholds(steps))
    return (
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(show.BigValueTextMode.VALUE_AND_NAME if named else show.BigValueTextMode.VALUE)
        .color_mode(show.BigValueColorMode.VALUE)
        .graph_mode(show.BigValueGraphMode.NONE)
        .mappings([_not_a_number("none yet")])
    )


def lines(
    title: str,
    description: str,
    *asks: Ask,
    unit: str,
    width: int,
    height: int = 8,
    colours: Mapping[str, Colour] | None = None,
    from_zero: bool = True,
) -> timeseries.Panel:
    """Values over time; `colours` by what a series is called, a pattern that matches the whole of it."""
    panel = _panel(timeseries.Panel(), title, description, unit, width, height)
    panel = _coloured(_asking(panel, asks), colours or {})
    if from_zero:
        panel.axis_soft_min(0)
    return (
        panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.SHADES).fixed_color(Colour.PLAIN))
        .line_width(2)
        .fill_opacity(8)
        .show_points(show.VisibilityMode.AUTO)
        .span_nulls(span_nulls=60_000)  # milliseconds: one missed scrape is no gap
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(show.TooltipDisplayMode.MULTI).sort(show.SortOrder.DESCENDING))
    )


def limit(panel: timeseries.Panel, steps: Steps) -> timeseries.Panel:
    """Draws the steps as dashed lines, and each line in the colour of where it is."""
    return (
        panel.thresholds(_thresholds(steps))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(show.GraphThresholdsStyleMode.DASHED))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .gradient_mode(show.GraphGradientMode.SCHEME)
        .fill_opacity(0)
    )


def band(panel: timeseries.Panel, lower: str, upper: str) -> timeseries.Panel:
    """Fills what lies between two series, and draws no lines around it."""
    bare = [DynamicConfigValue("custom.lineWidth", 0), DynamicConfigValue("custom.fillOpacity", 0)]
    filled = [DynamicConfigValue("custom.lineWidth", 0), DynamicConfigValue("custom.fillOpacity", 20)]
    return panel.override_by_name(lower, bare).override_by_name(
        upper, [*filled, DynamicConfigValue("custom.fillBelowTo", lower)]
    )


def states(
    title: str, description: str, ask: Ask, *, names: Mapping[int, tuple[str, Colour]], width: int, height: int = 8
) -> statetimeline.Panel:
    """A bar for each series, in the colour of its state; `names` says what each value means."""
    results = {
        str(value): ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(names.items())
    }
    panel = _asking(_panel(statetimeline.Panel(), title, description, "none", width, height), [ask])
    return (
        panel.mappings([ValueMap(results)])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(_thresholds([(None, Colour.QUIET)]))
        .show_value(show.VisibilityMode.NEVER)
        .fill_opacity(75)
        .line_width(0)
        .row_height(0.8)
        .legend(_legend())
    )


def _panel(panel: P, title: str, description: str, unit: str, width: int, height: int) -> P:
    return panel.title(title).description(description).datasource(PROMETHEUS).unit(unit).span(width).height(height)


def _asking(panel: P, asks: Iterable[Ask], *, instant: bool = False) -> P:
    for ref, ask in zip("ABCDEFGH", asks, strict=False):
        query = prometheus.Dataquery().ref_id(ref).datasource(PROMETHEUS).expr(ask.expr).legend_format(ask.legend)
        panel.with_target(query.instant() if instant else query.range())
    return panel


def _coloured(panel: P, colours: Mapping[str, Colour]) -> P:
    for pattern, colour in colours.items():
        fixed = {"mode": FieldColorModeId.FIXED, "fixedColor": colour}
        panel.override_by_regexp(pattern, [DynamicConfigValue("color", fixed)])
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    thresholds = [Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True)
    return legend.display_mode(show.LegendDisplayMode.LIST).placement(show.LegendPlacement.BOTTOM)


def _not_a_number(text: str) -> SpecialValueMap:
    match, result = SpecialValueMatch.NULL_AND_NAN, ValueMappingResult(text=text, color=Colour.QUIET, index=0)
    return SpecialValueMap(DashboardSpecialValueMapOptions(match=match, result=result))
