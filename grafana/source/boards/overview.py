"""For whoever answers for the whole: is it well, what did it cost people, what does the business do."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.boards import red
from grafana.source.boards.firing import firing
from grafana.source.links import OPEN_INCIDENTS, Link, cell, label, to
from grafana.source.look import ANY_TROUBLE, BUDGET, SEVERITIES, Colour
from grafana.source.panels import Ask, Panel, foreseen, lines, number
from grafana.source.promql import RANGE, TENANTS, WINDOW, happened, of, or_none, or_zero, share
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import SCOPE

AVAILABLE = ((None, Colour.BAD), (0.99, Colour.WATCH), (0.999, Colour.GOOD))
FAILING = ((None, Colour.GOOD), (0.001, Colour.WATCH), (0.01, Colour.BAD))
UNRESOLVED = 'tocsin_receiver_incidents{status!="resolved"}'
NOISY = ((None, Colour.GOOD), (0.5, Colour.WATCH), (0.8, Colour.BAD))
WEEK = "a week before"
INCIDENTS = [Link("Open incidents", OPEN_INCIDENTS)]


def dashboard() -> Dashboard:
    """`dashboards/overview.json`."""
    return board(
        "overview",
        "Tocsin overview",
        "Is everything well, for whom is it not, what did that cost people, and what does the business do. "
        "Click on a service to see why.",
        [
            Section("In the time shown", _now()),
            Section("Services and tenants", _services()),
            Section("Incidents and the people who work on them", _incidents()),
            Section("Business", _business()),
        ],
        choices=SCOPE,
        since="24h",
    )


def _now() -> list[Panel]:
    return [
        number(
            "Availability",
            "Requests that did not fail, of all services, in the time shown. Normal: what you have promised, often "
            "99.9 % and more. Below: the table shows which service it is.",
            Ask(f"1 - {red.failed(window=RANGE)}", "available"),
            unit="percentunit", width=4, steps=AVAILABLE, decimals=3, links=[to("services", "Services")],
        ),
        number(
            "Least error budget left",
            "What is left of the budget of the objective that is nearest to being missed. Normal: above 25 %. Below 0 "
            "the objective is missed. No data: no `slo` of a rulepack is loaded.",
            Ask(f"min({of('tocsin:slo_error_budget_remaining:ratio')})", "left"),
            unit="percentunit", width=4, steps=BUDGET, decimals=1, links=[to("slos", "SLOs")],
        ),
        number(
            "Open incidents",
            "Incidents that are not resolved, acknowledged ones too, by severity. Normal: none. A click lists them.",
            Ask(or_none(f"sum by (severity) ({UNRESOLVED})", "severity"), "{{severity}}"),
            unit="short", width=4, colours=SEVERITIES, links=INCIDENTS,
        ),
        number(
            "Mean time to acknowledge",
            "From the opening of an incident until somebody takes it, in the time shown (MTTA). Normal: what your team "
            "has agreed on, minutes for what is critical. Longer: see who is told first, and by which channel.",
            Ask(_mean("tocsin_receiver_time_to_acknowledge_seconds"), "MTTA"),
            unit="s", width=4, decimals=1,
        ),
        number(
            "Mean time to resolve",
            "From the opening of an incident until it is over, in the time shown (MTTR). Normal: falling over the "
            "months. Longer: look for incidents that come back, and give them a runbook.",
            Ask(_mean("tocsin_receiver_time_to_resolve_seconds"), "MTTR"),
            unit="s", width=4, decimals=1,
        ),
        number(
            "Alerts that told nobody",
            "Share of alerts that were held back, because they flap, follow from another or never fired before: noise "
            "that nobody heard. Normal: below a half. More: the rules are loud; mend those that fire most.",
            Ask(_noise(RANGE), "held back"),
            unit="percentunit", width=4, steps=NOISY, decimals=0,
        ),
    ]  # fmt: skip


def _services() -> list[Panel]:
    by = ("tenant", "service")
    return [
        rows(
            "Services by tenant",
            "Each service of each tenant in the time shown: requests, how many of them did not fail, and how long 99 "
            "of 100 take. Normal: green. Click on a service for its own graphs.",
            Column("Available", f"1 - {red.failed(*by, window=RANGE)}", "percentunit", AVAILABLE, decimals=3),
            Column("Failing now", red.failed(*by, window="[5m]"), "percentunit", FAILING, decimals=2),
            Column("Requests", red.requests(*by, window=RANGE), "reqps"),
            Column("99 % within", red.slow(0.99, *by, window="[5m]"), "s"),
            keys={"tenant": "Tenant", "service": "Service"}, width=12, height=10, worst="Available", rising=True,
            links=[to("services", "This service", service=cell("Service"))],
        ),
        bars(
            "Error budget left",
            "What is left of each objective's budget for its period, the scarcest first. Normal: above 25 %. Nothing "
            "left: no risk is taken with this service until it has recovered.",
            Ask(f"sort({_left()})", "{{service}} {{tocsin_slo}} {{tenant}}"),
            unit="percentunit", width=6, height=10, steps=BUDGET, highest=1,
            links=[to("slos", "This objective", service=label("service"))],
        ),
        bars(
            "Firing alerts",
            "Alerts that fire now, by severity and tenant, the heartbeat (Watchdog) left out. Normal: none, or a few "
            "warnings that an open incident explains.",
            Ask(or_none(f'count by (severity, tenant) ({firing()})', "severity"), "{{severity}} {{tenant}}"),
            unit="short", width=6, height=10, steps=ANY_TROUBLE,
            links=[to("tenant", "This tenant", tenant=label("tenant"))],
            colours={f"{severity}.*": colour for severity, colour in SEVERITIES.items()},
        ),
    ]  # fmt: skip


def _incidents() -> list[Panel]:
    opened = f"tocsin_receiver_incidents_opened_total{{{TENANTS}}}"
    return [
        number(
            "Incidents opened",
            "Incidents that opened in the time shown, by severity. Normal: few, and fewer each month. More: see Alert "
            "quality for what opens them.",
            Ask(or_none(happened(opened, "severity"), "severity"), "{{severity}}"),
            unit="short", width=6, height=8, colours=SEVERITIES, decimals=0,
        ),
        lines(
            "Incidents not resolved",
            "How many were open, and how many somebody worked on. Normal: open ones become acknowledged within "
            "minutes, and both go back to 0.",
            Ask('sum(tocsin_receiver_incidents{status="open"}) or vector(0)', "open"),
            Ask('sum(tocsin_receiver_incidents{status="acknowledged"}) or vector(0)', "acknowledged"),
            unit="short", width=9, stacked=True, links=INCIDENTS,
            colours={"open": Colour.BAD, "acknowledged": Colour.WATCH},
        ),
        lines(
            "Alerts, and what was heard of them",
            "Alerts a second that came in, repeats included, and those that told nobody. Normal: both low. A peak that "
            "told nobody is a storm that was held back: one incident stands for it.",
            Ask(or_zero(f"sum(rate(tocsin_receiver_alerts_received_total{WINDOW}))"), "received"),
            Ask(or_zero(f"sum(rate(tocsin_receiver_alerts_suppressed_total{WINDOW}))"), "told nobody"),
            unit="cps", width=9, colours={"told nobody": Colour.QUIET},
        ),
    ]  # fmt: skip


def _business() -> list[Panel]:
    return [
        _compared(
            "Sign-ups", "People who signed up, a minute. Normal: near the dashed line, the same time a week before. "
            "Far below: try it yourself; far above: a campaign, or robots.",
            _a_minute("business_signups_total"), "now", Colour.PLAIN,
        ),
        lines(
            "Payments by outcome",
            "Payments a minute, by what became of them. Normal: most succeed, a few are declined by banks, next to "
            "none fail on our side.",
            Ask(_a_minute("business_payments_total", "outcome"), "{{outcome}}"),
            unit="cpm", width=8, stacked=True,
            colours={"succeeded": Colour.GOOD, "declined": Colour.WATCH, "failed": Colour.BAD},
        ),
        _compared(
            "Plays", "Plays that began, a minute. Normal: near the dashed line, the same time a week before. Below in "
            "one region alone: see Audio experience.",
            _a_minute("business_plays_total"), "now", Colour.GOOD,
        ),
    ]  # fmt: skip


def _compared(title: str, description: str, expr: str, name: str, colour: Colour) -> Panel:
    before = expr.replace(WINDOW, f"{WINDOW} offset 1w")
    panel = lines(title, description, Ask(expr, name), Ask(before, WEEK), unit="cpm", width=8, colours={name: colour})
    return foreseen(panel, WEEK)


def _a_minute(counter: str, *by: str) -> str:
    labels = f"sum by ({', '.join(by)}) " if by else "sum"
    return f"60 * {labels}(rate({of(counter)}{WINDOW}))"


def _mean(histogram: str) -> str:
    return f"sum(increase({histogram}_sum{RANGE})) / sum(increase({histogram}_count{RANGE}))"


def _noise(window: str) -> str:
    held_back = f"sum(rate(tocsin_receiver_alerts_suppressed_total{window}))"
    return share(held_back, f"sum(rate(tocsin_receiver_alerts_received_total{window}))")


def _left() -> str:
    return f"min by (tenant, service, tocsin_slo) ({of('tocsin:slo_error_budget_remaining:ratio')})"
