"""Ways from one dashboard to another, and to the receiver's incidents; the time and the choices go along."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DynamicConfigValue

TAG = "tocsin"
KEPT = ("datasource", "tenant", "cluster")
OPEN_INCIDENTS = "${receiver}/api/v1/incidents?status=open&status=acknowledged"
TENANTS_INCIDENTS = "${receiver}/api/v1/incidents?tenant=${__field.labels.tenant}"


@dataclass(frozen=True, slots=True)
class Link:
    """What a click on a value, a line or a cell opens."""

    title: str
    url: str


def uid(board: str) -> str:
    """The address of a dashboard: `/d/UID`."""
    return f"tocsin-{board}"


def to(board: str, title: str, *, kept: tuple[str, ...] = KEPT, **chosen: str) -> Link:
    """Another dashboard, with the time shown, the choices `kept` and those `chosen`: `service=label("service")`."""
    passed = [f"${{{name}:queryparam}}" for name in kept if name not in chosen]
    taken = [f"var-{name}={value}" for name, value in chosen.items()]
    return Link(title, f"/d/{uid(board)}?" + "&".join(["${__url_time_range}", *passed, *taken]))


def incidents(title: str, **chosen: str) -> Link:
    """The receiver's list of incidents with these values of its filters: `severity=cell("Severity")`."""
    return Link(title, "${receiver}/api/v1/incidents?" + "&".join(f"{name}={value}" for name, value in chosen.items()))


def label(name: str) -> str:
    """The label of the series that was clicked."""
    return f"${{__field.labels.{name}}}"


def cell(title: str) -> str:
    """The cell of the row that was clicked, by the title of its column."""
    return f'${{__data.fields["{title}"]:percentencode}}'


def on_click(*links: Link) -> DynamicConfigValue:
    """The property of a field that holds them."""
    return DynamicConfigValue("links", [{"title": link.title, "url": link.url} for link in links])


def between() -> list[DashboardLink]:
    """The links at the top of every dashboard: all the others, and the open incidents."""
    others = DashboardLink("Tocsin").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(as_dropdown=True)
    incidents = DashboardLink("Open incidents").type(DashboardLinkType.LINK).url(OPEN_INCIDENTS).icon("bell")
    return [
        others.include_vars(include_vars=True).keep_time(keep_time=True).tooltip("The other dashboards of Tocsin"),
        incidents.target_blank(target_blank=True).tooltip("As the receiver has them now"),
    ]
