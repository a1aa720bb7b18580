"""What can be chosen at the top of a dashboard. "All" matches those series too that lack the label."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models import dashboard as model

from grafana.source.look import PROMETHEUS

Built = DatasourceVariable | QueryVariable | TextBoxVariable


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable whose values are those of a label; of several values unless `one` is the value it begins with."""

    name: str
    label: str
    description: str
    values: str  # Grafana's question: label_values(…)
    all_value: str = ".*"
    one: str = ""


TENANT = Choice("tenant", "Tenant", "Whose series are shown.", "label_values(tenant)")
CLUSTER = Choice(
    "cluster", "Cluster", "Where they run.", 'label_values({tenant=~"$tenant", cluster!=""}, cluster)'
)  # fmt: skip
SERVICE = Choice(
    "service", "Service", "Which services are shown.",
    'label_values({tenant=~"$tenant", cluster=~"$cluster", service!=""}, service)',
)  # fmt: skip
QUERY = Choice(
    "query", "Scored query", "Which of the exporter's queries are shown.",
    "label_values(tocsin_anomaly_score, query)", all_value=".+",
)  # fmt: skip
HORIZON = Choice(
    "horizon", "Forecast", "How far ahead the forecasts were made that are shown.",
    'label_values(tocsin_forecast{horizon!="0s"}, horizon)', one="1h",
)  # fmt: skip
SCOPE = (TENANT, CLUSTER, SERVICE)


def datasource() -> DatasourceVariable:
    """Which Prometheus is asked; every dashboard has it."""
    variable = DatasourceVariable("datasource").type("prometheus").label("Prometheus")
    return variable.description("Which Prometheus is asked.")


def receiver() -> TextBoxVariable:
    """Where links to incidents lead; every dashboard has it."""
    variable = TextBoxVariable("receiver").label("Receiver").default_value("http://127.0.0.1:9095")
    return variable.description("Where your browser reaches Tocsin's receiver: links to incidents lead there.")


def choice(made: Choice) -> QueryVariable:
    """A variable of labels' values, asked anew when the time shown changes."""
    variable = QueryVariable(made.name).label(made.label).description(made.description).datasource(PROMETHEUS)
    variable.query({"query": made.values, "refId": made.name})
    variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    if made.one:
        return variable.current(model.VariableOption(selected=True, text=made.one, value=made.one))
    variable.multi(multi=True).include_all(include_all=True).all_value(made.all_value)
    return variable.current(model.VariableOption(selected=True, text="All", value="$__all"))
