"""Services: what their users notice (rate, errors, duration), and what they run on (use, saturation, errors)."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.boards import red
from grafana.source.links import label, to
from grafana.source.look import Colour
from grafana.source.panels import LOWER, UPPER, Ask, Panel, band, dashed, foreseen, lines
from grafana.source.promql import PLACES, WINDOW, of
from grafana.source.tables import heat
from grafana.source.variables import CLUSTER, HORIZON, TENANT, Choice

ANSWERING = Choice(
    "service", "Service", "Which services are shown: those that answer requests.",
    'label_values(http_requests_total{tenant=~"$tenant", cluster=~"$cluster"}, service)',
)  # fmt: skip
ONE = [to("services", "Only this service", service=label("service"))]
FULL = ((None, Colour.GOOD), (0.8, Colour.WATCH), (0.95, Colour.BAD))
NOW, FORESEEN = "now", "foreseen $horizon before"
DISKS = 'fstype!~"tmpfs|ramfs|squashfs|overlay|iso9660|nsfs"'


def dashboard() -> Dashboard:
    """`dashboards/services.json`."""
    return board(
        "services",
        "Services",
        "What users notice of each service, with what is usual for it at this time and what was foreseen; and what it "
        "all runs on. To see what is foreseen, choose a time that ends after now.",
        [
            Section("All services", _all()),
            Section("What they run on", _machines()),
            Section("What they keep and pass on", _stores()),
            Section("$service", _one(), repeat="service"),
        ],
        choices=[TENANT, CLUSTER, ANSWERING, HORIZON],
    )


def _all() -> list[Panel]:
    return [
        lines(
            "Requests", "Requests a second of each service. Normal: the rhythm of the day. A sudden fall is as bad as "
            "a flood; click on a line for the service alone.",
            Ask(red.requests("service"), "{{service}}"), unit="reqps", width=8, links=ONE,
        ),
        dashed(
            lines(
                "Failed requests", "Share of requests answered with a 5xx status. Normal: far below 1 %, the dashed "
                "line.",
                Ask(red.failed("service"), "{{service}}"), unit="percentunit", width=8, links=ONE,
            ),
            ((None, Colour.GOOD), (0.01, Colour.BAD)),
        ),
        lines(
            "99 of 100 requests are answered within", "The duration that 99 % of requests keep. Normal: steady; it "
            "rises a little when there is much to do.",
            Ask(red.slow(0.99, "service"), "{{service}}"), unit="s", width=8, links=ONE,
        ),
    ]  # fmt: skip


def _one() -> list[Panel]:
    return [
        _usual(
            "Requests to $service",
            "Requests a second. Normal: within the band, which is what the exporter expects at this time; dashed is "
            "what it foresaw. There is no band without the exporter's query `http_traffic`, or without its `horizons`.",
            Ask(red.requests(), NOW), "http_traffic", "reqps",
        ),
        lines(
            "Answers of $service", "Requests a second by status code. Normal: most are 2xx; 4xx are the callers' "
            "mistakes, 5xx are ours.",
            Ask(f"sum by (code) (rate({of('http_requests_total')}{WINDOW}))", "{{code}}"),
            unit="reqps", width=8, stacked=True,
            colours={"2..": Colour.GOOD, "3..": Colour.PLAIN, "4..": Colour.WATCH, "5..": Colour.BAD},
        ),
        _usual(
            "Nine of ten requests to $service within",
            "The duration that 90 % of requests keep. Normal: within the band, which is what the exporter expects at "
            "this time. Above it: it is slower than it usually is, whatever its limit.",
            Ask(red.slow(0.9), NOW), "http_latency", "s",
        ),
    ]  # fmt: skip


def _usual(title: str, description: str, ask: Ask, query: str, unit: str) -> Panel:
    """A series over what is usual for it, and what was foreseen: the sum of what the exporter's query says of it."""
    panel = lines(
        title,
        description,
        Ask(f"clamp_min({_said('tocsin_forecast_lower', query, '0s')}, 0)", LOWER),
        Ask(_said("tocsin_forecast_upper", query, "0s"), UPPER),
        Ask(_said("tocsin_forecast", query, "$horizon") + " offset $horizon", FORESEEN),
        ask,
        unit=unit,
        width=8,
        colours={NOW: Colour.PLAIN},
        links=[to("anomalies", "Anomalies of this service", service="$service")],
    )
    return foreseen(band(panel), "foreseen .*")


def _said(family: str, query: str, horizon: str) -> str:
    return of(family, f'query="{query}"', f'horizon="{horizon}"')


def _machines() -> list[Panel]:
    def at(metric: str, *matchers: str) -> str:
        return of(metric, *matchers, within=PLACES)

    memory = f"1 - {at('node_memory_MemAvailable_bytes')} / {at('node_memory_MemTotal_bytes')}"
    size, free = at("node_filesystem_size_bytes", DISKS), at("node_filesystem_avail_bytes", DISKS)
    idle = at("node_cpu_seconds_total", 'mode="idle"')
    return [
        _full("CPU in use", "Share of each machine's processors that work. Normal: below 80 %, the first dashed line. "
              "Beyond: work waits; see which containers it is.",
              Ask(f"1 - avg by (instance) (rate({idle}{WINDOW}))", "{{instance}}")),
        _full("Memory in use", "Share of each machine's memory that is not available. Normal: below 80 %, and steady. "
              "A slope without end is a leak.",
              Ask(f"max by (instance) ({memory})", "{{instance}}")),
        _full("Disks, the fullest file system", "Share of the fullest file system of each machine. Normal: below 80 %. "
              "Its slope tells when it is full: see Anomalies and forecasts.",
              Ask(f"max by (instance) (1 - {free} / ({size} > 0))", "{{instance}}")),
        lines(
            "Work that waits", "Share of time in which something waited for processor, memory or disk (pressure stall "
            "information), the worst machine. Normal: below 10 %. There is no data of kernels without it.",
            *[Ask(f"max(rate({at(f'node_pressure_{what}_waiting_seconds_total')}{WINDOW}))", what)
              for what in ("cpu", "memory", "io")],
            unit="percentunit", width=6, colours={"memory": Colour.SECOND, "io": Colour.WATCH},
        ),
    ]  # fmt: skip


def _stores() -> list[Panel]:
    used, most = (
        of("container_memory_working_set_bytes", 'container!=""', within=PLACES),
        of("container_spec_memory_limit_bytes", 'container!=""', within=PLACES),
    )
    return [
        _full("Containers: memory of the limit", "Memory of each deployment's fullest container, as a share of its "
              "limit. Normal: below 80 %, and steady. At 100 % it is killed.",
              Ask(f"max by (namespace, container) ({used} / ({most} > 0))", "{{container}}")),
        _full("Databases: connections", "Connections in use, as a share of those that are allowed. Normal: below 80 %. "
              "At 100 % whoever comes next is turned away.",
              Ask(f"sum by (instance) ({of('pg_stat_activity_count', within=PLACES)}) "
                  f"/ max by (instance) ({of('pg_settings_max_connections', within=PLACES)})", "{{instance}}"),
              Ask(f"max by (instance) ({of('mysql_global_status_threads_connected', within=PLACES)} "
                  f"/ {of('mysql_global_variables_max_connections', within=PLACES)})", "{{instance}}")),
        lines(
            "Queues: what consumers are behind", "Messages that each consumer group has not read yet. Normal: near 0, "
            "or steady. A slope: consumers do not keep up, or are gone.",
            Ask(f"sum by (consumergroup, topic) (clamp_min({of('kafka_consumergroup_lag', within=PLACES)}, 0))",
                "{{consumergroup}} {{topic}}"),
            unit="short", width=6,
        ),
        heat(
            "Durations of requests", "How many requests took how long, of all services that are chosen. Normal: one "
            "dark band; a second one above it are requests that wait for something.",
            f"sum by (le) (increase({of('http_request_duration_seconds_bucket')}{WINDOW}))", unit="s", width=6,
        ),
    ]  # fmt: skip


def _full(title: str, description: str, *asks: Ask) -> Panel:
    return dashed(lines(title, description, *asks, unit="percentunit", width=6), FULL)
