"""Tenants: how each is served, what fires for it, what was opened for it."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.boards import red
from grafana.source.boards.firing import STATES, firing, worst
from grafana.source.links import TENANTS_INCIDENTS, Link, cell, label, to
from grafana.source.look import ANY_TROUBLE, BUDGET, SEVERITIES, Colour
from grafana.source.panels import Ask, Panel, dashed, lines, states
from grafana.source.promql import RANGE, TENANTS, happened, of, or_none
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import SCOPE

AVAILABLE = ((None, Colour.BAD), (0.99, Colour.WATCH), (0.999, Colour.GOOD))
ONE = [to("services", "This service", tenant="$tenant", service=label("service"))]


def dashboard() -> Dashboard:
    """`dashboards/tenant.json`."""
    return board(
        "tenant",
        "Tenant",
        "How each tenant is served: what its users notice, which alerts fire for it, which incidents were opened. "
        "Rules that a tenant's file built bear its name; choose it at the top.",
        [
            Section("Tenants", _all()),
            Section("$tenant", _one(), repeat="tenant"),
        ],
        choices=SCOPE,
        since="24h",
    )


def _all() -> list[Panel]:
    opened = f"tocsin_receiver_incidents_opened_total{{{TENANTS}}}"
    alerts = f"count by (tenant) ({firing()})"
    return [
        rows(
            "Tenants side by side",
            "Each tenant in the time shown: how many requests did not fail, how many there were, what fires, what was "
            "opened. Normal: green and alike. Click on one for the receiver's list of its incidents.",
            Column("Available", f"1 - {red.failed('tenant', window=RANGE)}", "percentunit", AVAILABLE, decimals=3),
            Column("Requests", red.requests("tenant", window=RANGE), "reqps"),
            Column("99 % within", red.slow(0.99, "tenant", window="[5m]"), "s"),
            Column("Alerts firing", f"{alerts} or 0 * {red.requests('tenant')}", "short", ANY_TROUBLE),
            Column("Incidents opened", happened(opened, "tenant"), "short", decimals=0),
            keys={"tenant": "Tenant"}, width=16, height=6, worst="Available", rising=True,
            links=[
                to("tenant", "Only this tenant", tenant=cell("Tenant")),
                Link("Its incidents", f"${{receiver}}/api/v1/incidents?tenant={cell('Tenant')}"),
            ],
        ),
        bars(
            "Incidents opened by tenant and severity",
            "Incidents that opened in the time shown. Normal: few, and about as many for each tenant of one size.",
            Ask(or_none(happened(opened, "tenant", "severity"), "severity"), "{{tenant}} {{severity}}"),
            unit="short", width=8, height=6, links=[Link("Its incidents", TENANTS_INCIDENTS)],
            colours={f".*{severity}": colour for severity, colour in SEVERITIES.items()},
        ),
    ]  # fmt: skip


def _one() -> list[Panel]:
    by = ("alertname", "service")
    return [
        lines(
            "Requests of $tenant", "Requests a second of each of its services. Normal: the rhythm of its day.",
            Ask(red.requests("service"), "{{service}}"), unit="reqps", width=8, links=ONE,
        ),
        dashed(
            lines(
                "Failed requests of $tenant", "Share of its requests answered with a 5xx status. Normal: far below 1 "
                "%, the dashed line.",
                Ask(red.failed("service"), "{{service}}"), unit="percentunit", width=8, links=ONE,
            ),
            ((None, Colour.GOOD), (0.01, Colour.BAD)),
        ),
        lines(
            "99 of 100 requests of $tenant are answered within", "The duration that 99 % of its requests keep. Normal: "
            "steady.",
            Ask(red.slow(0.99, "service"), "{{service}}"), unit="s", width=8, links=ONE,
        ),
        states(
            "Alerts of $tenant", "Each alert that fires for it, in the colour of its severity. Normal: none, or only "
            "what an open incident explains.",
            Ask(or_none(f"({worst(*by)})", "alertname", "nothing fires"), "{{alertname}} {{service}}"),
            names=STATES, width=16, height=12,
        ),
        bars(
            "Budgets of $tenant", "What is left of each of its objectives' budgets. Normal: above 25 %. No data: the "
            "`slo` rules were not built for this tenant.",
            Ask(f"sort(min by (tocsin_slo, service) ({of('tocsin:slo_error_budget_remaining:ratio')}))",
                "{{service}} {{tocsin_slo}}"),
            unit="percentunit", width=8, height=12, steps=BUDGET, highest=1, links=[to("slos", "SLOs")],
        ),
    ]  # fmt: skip
