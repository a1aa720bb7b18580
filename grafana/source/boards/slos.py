"""Objectives: what is left of their budgets, how fast it goes, and who is told. Reads what every `slo` records."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.links import cell, label, to
from grafana.source.look import BUDGET, Colour
from grafana.source.panels import Ask, Panel, dashed, lines, number, states
from grafana.source.promql import of, or_none
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import SCOPE, Choice

SLO = Choice(
    "slo", "Objective", "Which objectives are shown.",
    'label_values(tocsin:slo_error_budget_remaining:ratio{tenant=~"$tenant"}, tocsin_slo)', all_value=".+",
)  # fmt: skip
CHOSEN = 'tocsin_slo=~"$slo"'
LEFT = of("tocsin:slo_error_budget_remaining:ratio", CHOSEN)
BURN = of("tocsin:slo_burn_rate:ratio", CHOSEN)
OBJECTIVE = of("tocsin:slo_objective:ratio", CHOSEN, within='tenant=~"$tenant"')
EACH = ("tenant", "tocsin_slo", "service")
NAME = "{{tocsin_slo}} {{service}} {{tenant}}"
PACE = ((None, Colour.GOOD), (1, Colour.WATCH), (6, Colour.BAD))


def dashboard() -> Dashboard:
    """`dashboards/slos.json`."""
    return board(
        "slos",
        "SLOs",
        "What was promised, what is left of what may fail, and how fast it goes. A pace of 1 uses the budget up "
        "exactly by the end of its period; people are paged at 14.4 (2 % of it in an hour) and 6 (5 % in six hours).",
        [
            Section("Now", _now()),
            Section("Objectives", _objectives()),
            Section("Over time", _courses()),
        ],
        choices=[*SCOPE, SLO],
        since="24h",
    )


def _now() -> list[Panel]:
    return [
        number(
            "Objectives", "How many objectives are watched, by service. Normal: as many as you have promised. No data: "
            "no `slo` of a rulepack is loaded here, or its names are those of sloth.",
            Ask(f"count({LEFT})", "objectives"), unit="short", width=6,
        ),
        number(
            "Missed", "Objectives whose budget is used up. Normal: 0. Otherwise changes wait until there is a budget "
            "again.",
            Ask(f"sum({LEFT} < bool 0)", "missed"),
            unit="short", width=6, steps=((None, Colour.GOOD), (1, Colour.BAD)),
        ),
        number(
            "Least budget left", "What is left of the scarcest budget. Normal: above 25 %.",
            Ask(f"min({LEFT})", "left"), unit="percentunit", width=6, steps=BUDGET, decimals=1,
        ),
        number(
            "Fastest pace", "How many times too fast the fastest budget goes now. Normal: below 1. Above 14.4 somebody "
            "is paged within minutes.",
            Ask(f"max({BURN})", "times"), unit="short", width=6, steps=PACE, decimals=1,
        ),
    ]  # fmt: skip


def _objectives() -> list[Panel]:
    left = f"min by ({', '.join(EACH)}) ({LEFT})"
    promised = f"0 * {left} + on (tenant, tocsin_slo) group_left () max by (tenant, tocsin_slo) ({OBJECTIVE})"
    spent = f"(1 - {left}) * on (tenant, tocsin_slo) group_left () (1 - max by (tenant, tocsin_slo) ({OBJECTIVE}))"
    return [
        rows(
            "Objectives by service",
            "Each objective: what was promised for its period, what was kept of it so far, what is left, and how fast "
            "it goes now. Normal: green. Click on a service for what its users notice.",
            Column("Promised", promised, "percentunit", decimals=2),
            Column("Kept", f"1 - {spent}", "percentunit", decimals=3),
            Column("Budget left", left, "percentunit", BUDGET, decimals=1),
            Column("Pace now", f"max by ({', '.join(EACH)}) ({BURN})", "short", PACE, decimals=2),
            keys={"tenant": "Tenant", "tocsin_slo": "Objective", "service": "Service"}, width=16, height=10,
            worst="Budget left", rising=True, links=[to("services", "This service", service=cell("Service"))],
        ),
        bars(
            "Budget left",
            "What is left of each budget, the scarcest first. Normal: above 25 %. Nothing left: it is missed.",
            Ask(f"sort({left})", NAME),
            unit="percentunit", width=8, height=10, steps=BUDGET, highest=1,
            links=[to("services", "This service", service=label("service"))],
        ),
    ]  # fmt: skip


def _courses() -> list[Panel]:
    return [
        lines(
            "What is left of the budgets",
            "Each budget over time. Normal: a gentle slope that recovers as old trouble leaves the period. A cliff is "
            "an incident: see its mark.",
            Ask(f"min by ({', '.join(EACH)}) ({LEFT})", NAME), unit="percentunit", width=12, height=9, from_zero=False,
        ),
        dashed(
            lines(
                "How fast the budgets go",
                "How many times too fast each budget goes, over the shortest window. Normal: below 1. The dashed lines "
                "are where people are told: 1 a ticket after days, 6 a page, 14.4 a page within minutes.",
                Ask(f"max by ({', '.join(EACH)}) ({BURN})", NAME), unit="short", width=12, height=9, orders=True,
            ),
            ((None, Colour.GOOD), (1, Colour.WATCH), (6, Colour.BAD), (14.4, Colour.BAD)),
        ),
        lines(
            "What fails: the last 5 minutes, and the last hour",
            "The bad share of what objectives measure, over the two windows that page quickest. Normal: below what is "
            "allowed. A peak in the short one alone is over already.",
            Ask(_share("5m"), "5m {{service}} {{tocsin_sli}}"), Ask(_share("1h"), "1h {{service}} {{tocsin_sli}}"),
            unit="percentunit", width=12, height=9,
        ),
        states(
            "Alerts of objectives",
            "Alerts that tell of a budget, by objective and tier. Normal: none. A page means that the budget is gone "
            "in days if nothing is done.",
            Ask(or_none(_told(), "tocsin_slo", "none fires"), "{{tocsin_slo}} {{service}} {{tocsin_tier}}"),
            names={2: ("page", Colour.BAD), 1: ("ticket", Colour.WATCH), 0: ("none fires", Colour.QUIET)},
            width=12, height=9,
        ),
    ]  # fmt: skip


def _share(window: str) -> str:
    return f"max by (tocsin_sli, service) ({of(f'tocsin:sli_errors:ratio_{window}')})"


def _told() -> str:
    by = "max by (tocsin_slo, service, tocsin_tier)"
    paging = of("ALERTS", CHOSEN, 'alertstate="firing"', 'tocsin_tier=~"page.*"')
    others = of("ALERTS", CHOSEN, 'alertstate="firing"', 'tocsin_tier!~"page.*"')
    return f"({by} (2 * {paging}) or {by} ({others}))"
