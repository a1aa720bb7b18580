"""Tocsin itself: what goes from Prometheus through Alertmanager and the receiver to people, and how scoring does."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.boards import exporter_panels, incident_panels, keeping_panels, rule_panels
from grafana.source.boards.firing import STATES, firing, worst
from grafana.source.look import ANY_TROUBLE, SEVERITIES, Colour
from grafana.source.panels import Ask, Panel, lines, number, states
from grafana.source.promql import RANGE, or_none, or_zero, per_second
from grafana.source.variables import QUERY


def dashboard() -> Dashboard:
    """`dashboards/internals.json`."""
    return board(
        "internals",
        "Tocsin internals",
        "How Tocsin itself does: alerts on their way from Prometheus to people, and scores. "
        "Hover over a panel's i: it says what is normal, and what to do when it is not.",
        [
            Section("Now", _now()),
            Section("Alerts: from Prometheus to Tocsin", _alerts()),
            Section("Incidents: from an alert to a person", incident_panels.panels()),
            Section("Receiver: what it keeps, and whom it asks", keeping_panels.panels()),
            Section("Exporter: how scoring does", exporter_panels.panels()),
            Section("Rules: what they cost, and which fail", rule_panels.panels()),
        ],
        choices=[QUERY],
    )


def _now() -> list[Panel]:
    return [
        number(
            "Firing alerts",
            "Alerts that fire in Prometheus now, the heartbeat (Watchdog) left out. Normal: 0. Otherwise each should "
            "belong to an open incident; which ones fire is shown below.",
            Ask(or_zero(f"count({firing(within='')})"), "firing"),
            unit="short", width=4, steps=ANY_TROUBLE,
        ),
        number(
            "Open incidents",
            "Incidents that are not resolved, acknowledged ones too, by severity. Normal: none. Otherwise see who has "
            "acknowledged them: `tocsin incidents list`.",
            Ask(
                or_none('sum by (severity) (tocsin_receiver_incidents{status!="resolved"})', "severity"),
                "{{severity}}",
            ),
            unit="short", width=4, colours=SEVERITIES,
        ),
        number(
            "Inbox depth",
            "Webhook bodies that are safely stored and not yet processed. Normal: 0, or a few for a moment. If it "
            "stays or grows, the receiver takes in more than it gets done, or waits for its store: see its log. "
            "No data: the receiver is not scraped.",
            Ask("max(tocsin_receiver_inbox_depth)", "bodies"),
            unit="short", width=4, steps=((None, Colour.GOOD), (100, Colour.WATCH), (1000, Colour.BAD)),
        ),
        number(
            "Series scored",
            "Series with a fresh score, over all queries. Normal: steady, and as many as you expect. 0: no query "
            "brings anything, see the failures at the bottom. No data: the exporter's /metrics/self is not scraped.",
            Ask("sum(tocsin_exporter_series)", "series"),
            unit="short", width=4, steps=((None, Colour.BAD), (1, Colour.PLAIN)),
        ),
        number(
            "Anomalous series",
            "Series whose score is above 1 now. Normal: 0, or a few that come and go. Many at once are one trouble "
            "with many faces, or a change of load: see which below. No data: there are no scores.",
            Ask("sum(tocsin_anomaly_score > bool 1)", "series"),
            unit="short", width=4, steps=ANY_TROUBLE,
        ),
        number(
            "Messages failed",
            "Messages that Tocsin gave up on, in the time shown. Normal: 0. Otherwise somebody was not told: the "
            "incident's timeline says which message and why (`tocsin incidents show`), then mend the channel.",
            Ask(or_zero(f'sum(increase(tocsin_receiver_messages_total{{state="dead"}}{RANGE}))'), "messages"),
            unit="short", width=4, steps=((None, Colour.GOOD), (0.5, Colour.BAD)),
        ).decimals(0),
    ]  # fmt: skip


def _alerts() -> list[Panel]:
    return [
        states(
            "Alerts firing",
            "Each alert that fires, by name, in the colour of its worst severity; words other than critical, warning "
            "and info are read as the receiver reads them. Normal: nothing fires, or only what an open incident "
            "explains. A bar that comes and goes is a rule that flaps: give it a longer `for`.",
            Ask(or_none(f"({worst('alertname', within='')})", "alertname", "nothing fires"), "{{alertname}}"),
            names=STATES,
            width=12,
            height=12,
        ),
        lines(
            "Prometheus to Alertmanager",
            "Alerts that Prometheus sends to Alertmanager, and those it had to drop. Normal: none dropped; an alert "
            "that fires is sent again about every minute. Dropped: Alertmanager is away or too slow: look at it "
            "first, nothing behind it can know.",
            Ask(or_zero(per_second("prometheus_notifications_sent_total")), "sent"),
            Ask(or_zero(per_second("prometheus_notifications_dropped_total")), "dropped"),
            unit="cps", width=6, height=12, colours={"dropped": Colour.BAD},
        ),
        lines(
            "Alertmanager to webhooks",
            "Notifications that Alertmanager sends to webhooks, Tocsin's among them. Normal: no attempt fails. "
            "Attempts that fail are tried again (Tocsin answers 503 while its store is away); given up means that "
            "the receiver has not heard of it: see Alertmanager's log.",
            Ask(or_zero(per_second('alertmanager_notifications_total{integration="webhook"}')), "sent"),
            Ask(or_zero(per_second('alertmanager_notification_requests_failed_total{integration="webhook"}')),
                "attempts failed"),
            Ask(or_zero(per_second('alertmanager_notifications_failed_total{integration="webhook"}')), "given up"),
            unit="cps", width=6, height=12, colours={"attempts failed": Colour.WATCH, "given up": Colour.BAD},
        ),
    ]  # fmt: skip
