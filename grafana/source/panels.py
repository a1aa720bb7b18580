"""The shapes that dashboards share: numbers, lines, bands and states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as show
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.source.links import Link, on_click
from grafana.source.look import (
    PLAIN,
    PROMETHEUS,
    Colour,
    Colours,
    Names,
    Steps,
    fixed,
    legend,
    mapping,
    nothing_yet,
    thresholds,
)

Panel = stat.Panel | timeseries.Panel | statetimeline.Panel | table.Panel | bargauge.Panel | heatmap.Panel
P = TypeVar("P", stat.Panel, timeseries.Panel, statetimeline.Panel, table.Panel, bargauge.Panel, heatmap.Panel)

LOWER, UPPER = "usual, from", "usual, to"  # what the edges of a band are called


@dataclass(frozen=True, slots=True)
class Ask:
    """An expression, and what its series are called."""

    expr: str
    legend: str


def number(
    title: str,
    description: str,
    *asks: Ask,
    unit: str,
    width: int,
    height: int = 4,
    steps: Steps = PLAIN,
    colours: Colours | None = None,
    links: Iterable[Link] = (),
    decimals: int | None = None,
) -> stat.Panel:
    """Values as they are now, coloured by `steps`; with their names where there are several."""
    named = len(asks) > 1 or "{{" in asks[0].legend
    panel = begun(stat.Panel(), title, description, unit, width, height, links)
    panel = _coloured(asking(panel, asks, instant=True), colours or {}).thresholds(thresholds(steps))
    if decimals is not None:
        panel.decimals(decimals)
    return (
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(show.BigValueTextMode.VALUE_AND_NAME if named else show.BigValueTextMode.VALUE)
        .color_mode(show.BigValueColorMode.VALUE)
        .graph_mode(show.BigValueGraphMode.NONE)
        .mappings([nothing_yet()])
    )


def lines(
    title: str,
    description: str,
    *asks: Ask,
    unit: str,
    width: int,
    height: int = 8,
    colours: Colours | None = None,
    from_zero: bool = True,
    stacked: bool = False,
    orders: bool = False,
    links: Iterable[Link] = (),
) -> timeseries.Panel:
    """Values over time, each series in a colour of its own, or as `colours` say.

    With `orders` of magnitude: from 0 to 1 as usual, and each power of ten above it as high as that.
    """
    panel = begun(timeseries.Panel(), title, description, unit, width, height, links)
    panel = _coloured(asking(panel, asks), colours or {})
    if from_zero:
        panel.axis_soft_min(0)
    if stacked:
        panel.stacking(common.StackingConfig().mode(show.StackingMode.NORMAL).group("A"))
    if orders:
        scale = common.ScaleDistributionConfig().type(show.ScaleDistribution.SYMLOG)
        panel.scale_distribution(scale.log(10).linear_threshold(1))
    return (
        panel.color_scheme(_colouring(asks))
        .line_width(2)
        .fill_opacity(40 if stacked else 0 if _many(asks) else 8)
        .show_points(show.VisibilityMode.AUTO)
        .span_nulls(span_nulls=60_000)  # milliseconds: one missed scrape is no gap
        .legend(legend())
        .tooltip(common.VizTooltipOptions().mode(show.TooltipDisplayMode.MULTI).sort(show.SortOrder.DESCENDING))
    )


def limit(panel: timeseries.Panel, steps: Steps) -> timeseries.Panel:
    """Draws the steps as dashed lines, and each line in the colour of where it is."""
    return (
        dashed(panel, steps)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .gradient_mode(show.GraphGradientMode.SCHEME)
        .fill_opacity(0)
    )


def dashed(panel: timeseries.Panel, steps: Steps) -> timeseries.Panel:
    """Draws the steps as dashed lines; the series keep their colours."""
    style = common.GraphThresholdsStyleConfig().mode(show.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(thresholds(steps)).thresholds_style(style)


def band(panel: timeseries.Panel, lower: str = LOWER, upper: str = UPPER) -> timeseries.Panel:
    """Fills what lies between two series, and draws no lines around it."""
    bare = [DynamicConfigValue("custom.lineWidth", 0), DynamicConfigValue("custom.fillOpacity", 0)]
    filled = [DynamicConfigValue("custom.lineWidth", 0), DynamicConfigValue("custom.fillOpacity", 20)]
    quiet = [fixed(Colour.SECOND), DynamicConfigValue("custom.showPoints", "never")]
    return panel.override_by_name(lower, [*bare, *quiet]).override_by_name(
        upper, [*filled, DynamicConfigValue("custom.fillBelowTo", lower), *quiet]
    )


def foreseen(panel: timeseries.Panel, pattern: str) -> timeseries.Panel:
    """Draws the series of these names as what is only expected: dashed, and not filled."""
    dash = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]})
    thin = [DynamicConfigValue("custom.lineWidth", 1), DynamicConfigValue("custom.fillOpacity", 0)]
    points = DynamicConfigValue("custom.showPoints", "never")
    return panel.override_by_regexp(pattern, [dash, *thin, points, fixed(Colour.SECOND)])


def states(
    title: str, description: str, ask: Ask, *, names: Names, width: int, height: int = 8, links: Iterable[Link] = ()
) -> statetimeline.Panel:
    """A bar for each series, in the colour of its state; `names` says what each value means."""
    panel = asking(begun(statetimeline.Panel(), title, description, "none", width, height, links), [ask])
    return (
        panel.mappings([mapping(names)])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(thresholds([(None, Colour.QUIET)]))
        .show_value(show.VisibilityMode.NEVER)
        .fill_opacity(75)
        .line_width(0)
        .row_height(0.8)
        .legend(legend())
    )


def begun(panel: P, title: str, description: str, unit: str, width: int, height: int, links: Iterable[Link] = ()) -> P:
    """A panel of any shape with what none may lack.

    Raises:
        ValueError: it lacks a title, a unit, or a description that says what is normal.
    """
    if not title or not unit or "Normal: " not in description:
        raise ValueError(f"panel {title!r} needs a title, a unit, and a description that says what is normal")
    if clicked := tuple(links):
        panel.override_by_regexp(".*", [on_click(*clicked)])
    return panel.title(title).description(description).datasource(PROMETHEUS).unit(unit).span(width).height(height)


def asking(
    panel: P, asks: Iterable[Ask], *, instant: bool = False, form: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> P:
    """The panel's queries, named A, B, …"""
    for ref, ask in zip("ABCDEFGHIJKL", asks, strict=False):
        query = prometheus.Dataquery().ref_id(ref).datasource(PROMETHEUS).expr(ask.expr).legend_format(ask.legend)
        panel.with_target(query.format(form).instant() if instant else query.format(form).range())
    return panel


def _colouring(asks: Iterable[Ask]) -> dashboard.FieldColor:
    """A colour for each name where there are many series, shades of one where they are few and named by us."""
    if _many(asks):
        return dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC)
    return dashboard.FieldColor().mode(FieldColorModeId.SHADES).fixed_color(Colour.PLAIN)


def _many(asks: Iterable[Ask]) -> bool:
    return any("{{" in ask.legend for ask in asks)


def _coloured(panel: P, colours: Colours) -> P:
    for pattern, colour in colours.items():
        panel.override_by_regexp(pattern, [fixed(colour)])
    return panel
