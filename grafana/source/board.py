"""What every dashboard of Tocsin has: its variables, its times, and its rows of panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.models import dashboard as model

from grafana.source.panels import PROMETHEUS

Panel = stat.Panel | timeseries.Panel | statetimeline.Panel


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and the panels below it from left to right; 24 columns make a line."""

    title: str
    panels: Sequence[Panel]


def board(uid: str, title: str, description: str, sections: Sequence[Section]) -> model.Dashboard:
    """The whole dashboard: the last hour, renewed every ten seconds, of any Prometheus."""
    made = Dashboard(title).uid(uid).description(description).tags(["tocsin"])
    made.time("now-1h", "now").refresh("10s").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    made.with_variable(_datasource()).with_variable(_query())
    for section in sections:
        made.with_row(Row(section.title))
        for panel in section.panels:
            made.with_panel(panel)
    return _numbered(made.build())


def _datasource() -> DatasourceVariable:
    variable = DatasourceVariable("datasource").type("prometheus").label("Prometheus")
    return variable.description("Which Prometheus is asked.")


def _query() -> QueryVariable:
    """The exporter's queries; `All` matches those too that have no score at the moment."""
    variable = QueryVariable("query").label("Scored query").datasource(PROMETHEUS)
    variable.description("Which of the exporter's queries the panels on anomalies and the exporter show.")
    variable.query({"query": "label_values(tocsin_anomaly_score, query)", "refId": "query"})
    variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    variable.multi(multi=True).include_all(include_all=True).all_value(".+")
    return variable.current(model.VariableOption(selected=True, text="All", value="$__all"))


def _numbered(dashboard: model.Dashboard) -> model.Dashboard:
    """Gives every panel the number that Grafana's links name it by: its place."""
    for number, panel in enumerate(dashboard.panels or [], start=1):
        panel.id_val = number
    return dashboard
