"""What every dashboard of Tocsin has: its variables, its times, its links, its marks, and its rows of panels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models import dashboard as model

from grafana.source import variables
from grafana.source.annotations import incidents
from grafana.source.links import TAG, between, uid
from grafana.source.panels import Panel
from grafana.source.promql import TENANTS
from grafana.source.variables import TENANT, Choice

AS_THEY_ARE_NOW = frozenset({"stat", "table", "bargauge"})  # panels that show no course of time


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and the panels below it from left to right; 24 columns make a line.

    With `repeat`, the name of a variable, there is one for each of its values.
    """

    title: str
    panels: Sequence[Panel]
    repeat: str = ""


def board(
    name: str,
    title: str,
    description: str,
    sections: Sequence[Section],
    *,
    choices: Sequence[Choice] = (),
    since: str = "6h",
    ahead: str = "",
) -> model.Dashboard:
    """The whole dashboard: the time since then, and `ahead` of now what was forecast; of any Prometheus."""
    made = Dashboard(title).uid(uid(name)).description(description).tags([TAG])
    made.time(f"now-{since}", f"now+{ahead}" if ahead else "now").refresh("1m").timezone("browser")
    made.tooltip(model.DashboardCursorSync.CROSSHAIR).links([*between()])
    made.with_variable(variables.datasource())
    for choice in choices:
        made.with_variable(variables.choice(choice))
    made.with_variable(variables.receiver())
    for section in sections:
        made.with_row(Row(section.title).repeat(section.repeat) if section.repeat else Row(section.title))
        for panel in section.panels:
            made.with_panel(panel)
    built = _numbered(made.build())
    built.annotations = model.AnnotationContainer([incidents(TENANTS if TENANT in choices else "")])
    for shown in _panels(built) if ahead else ():
        _ends_now(shown, since)
    return built


def _ends_now(panel: model.Panel, since: str) -> None:
    """Ends the panel's time at now, where the dashboard's goes on: nothing is measured there."""
    if panel.type_val in AS_THEY_ARE_NOW:
        panel.time_from, panel.hide_time_override = since, True


def _panels(dashboard: model.Dashboard) -> Iterator[model.Panel]:
    return (panel for panel in dashboard.panels or [] if isinstance(panel, model.Panel))


def _numbered(dashboard: model.Dashboard) -> model.Dashboard:
    """Gives every panel the number that Grafana's links name it by: its place."""
    for number, panel in enumerate(dashboard.panels or [], start=1):
        panel.id_val = number
    return dashboard
