"""The shapes that compare: tables, bars and heat maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, table
from grafana_foundation_sdk.models import common as show
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.source.links import Link, on_click
from grafana.source.look import PLAIN, Colours, Names, Steps, fixed, mapping, thresholds
from grafana.source.panels import Ask, asking, begun


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers of a table: one for each row. With `steps` the cell is filled with the colour of its value."""

    title: str
    expr: str  # grouped by the table's keys, and by nothing else
    unit: str
    steps: Steps = ()
    names: Names | None = None  # words in the place of numbers
    decimals: int | None = None
    bar: bool = False  # a bar beside the number, from 0 to 1


def rows(
    title: str,
    description: str,
    *columns: Column,
    keys: Mapping[str, str],
    width: int,
    height: int = 8,
    links: Iterable[Link] = (),
    worst: str = "",
    rising: bool = False,
) -> table.Panel:
    """A row for each value of `keys` (labels, and how their columns are called), as it is now.

    Clicks on a key open the `links`. Sorted by the column `worst`, the highest first, or with `rising` the lowest.
    """
    panel = begun(table.Panel(), title, description, columns[0].unit, width, height)
    panel = asking(panel, [Ask(one.expr, one.title) for one in columns], instant=True, form=PromQueryFormat.TABLE)
    _joined(panel, columns, keys)
    clicked = tuple(links)
    for shown in keys.values():
        panel.override_by_name(shown, [on_click(*clicked)] if clicked else [DynamicConfigValue("unit", "string")])
    for column in columns:
        panel.override_by_name(column.title, _properties(column))
    if worst:
        panel.sort_by([common.TableSortByFieldState().display_name(worst).desc(not rising)])
    return panel


def _joined(panel: table.Panel, columns: Sequence[Column], keys: Mapping[str, str]) -> None:
    """One row for all answers with the same labels; columns in our order, under our names."""
    values = [f"Value #{ref}" for ref in "ABCDEFGHIJKL"[: len(columns)]] if len(columns) > 1 else ["Value"]
    named = {**keys, **{value: column.title for value, column in zip(values, columns, strict=True)}}
    order = {name: place for place, name in enumerate(named)}
    panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    organised = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": named}
    panel.with_transformation(DataTransformerConfig(id_val="organize", options=organised))


def _properties(column: Column) -> list[DynamicConfigValue]:
    made = [DynamicConfigValue("unit", column.unit)]
    if column.decimals is not None:
        made.append(DynamicConfigValue("decimals", column.decimals))
    if column.names:
        made.append(DynamicConfigValue("mappings", [mapping(column.names)]))
    if column.steps:
        steps = [{"value": value, "color": colour} for value, colour in column.steps]
        made.append(DynamicConfigValue("thresholds", {"mode": ThresholdsMode.ABSOLUTE, "steps": steps}))
        made.append(DynamicConfigValue("color", {"mode": FieldColorModeId.THRESHOLDS}))
    if column.bar:
        made += [DynamicConfigValue("min", 0), DynamicConfigValue("max", 1)]
        made.append(DynamicConfigValue("custom.cellOptions", {"type": "gauge", "mode": "basic"}))
    elif column.steps or column.names:
        made.append(DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    return made


def bars(
    title: str,
    description: str,
    *asks: Ask,
    unit: str,
    width: int,
    height: int = 8,
    steps: Steps = PLAIN,
    colours: Colours | None = None,
    highest: float | None = None,
    links: Iterable[Link] = (),
) -> bargauge.Panel:
    """A bar for each series as it is now, from 0 to `highest`, or to the longest of them."""
    panel = asking(begun(bargauge.Panel(), title, description, unit, width, height, links), asks, instant=True)
    for pattern, colour in (colours or {}).items():
        panel.override_by_regexp(pattern, [fixed(colour)])
    if highest is not None:
        panel.max(highest)
    return (
        panel.min(0)
        .thresholds(thresholds(steps))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(show.VizOrientation.HORIZONTAL)
        .display_mode(show.BarGaugeDisplayMode.BASIC)
        .value_mode(show.BarGaugeValueMode.COLOR)
    )


def heat(title: str, description: str, buckets: str, *, unit: str, width: int, height: int = 8) -> heatmap.Panel:
    """How many observations fell into each bucket of a classic histogram; `buckets` is grouped by `le` alone."""
    panel = begun(heatmap.Panel(), title, description, unit, width, height)
    panel = asking(panel, [Ask(buckets, "{{le}}")], form=PromQueryFormat.HEATMAP)
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(32)
    return (
        panel.calculate(calculate=False)
        .color(colours)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_gap(1)
        .hide_legend()
        .filter_values(heatmap.FilterValueRange().le(1e-9))  # what is empty is not coloured
    )
