"""Panels on what the receiver keeps, whom it asks and whom it refuses."""

from __future__ import annotations

from grafana.source.boards.incident_panels import SOME
from grafana.source.look import Colour
from grafana.source.panels import Ask, Panel, lines, states
from grafana.source.promql import happened, or_none, or_zero, quantile

HOUR = "[1h]"


def panels() -> list[Panel]:
    """The store on the first line; configuration, heartbeats and Alertmanager's own view on the second."""
    return [*_store(), *_others()]


def _store() -> list[Panel]:
    return [
        lines(
            "Time until alerts count",
            "From a whole webhook body until what it means is committed: incidents, timers, messages; and from the "
            "head of a request until its body is safe. 99 of 100 keep it. Normal: below a second. Processing alone "
            "rises: the engine is busy or waits; both rise: the disk or the database is slow.",
            Ask(quantile(0.99, "tocsin_receiver_processing_seconds_bucket", SOME), "processed, 99 % within"),
            Ask(quantile(0.99, "tocsin_receiver_post_seconds_bucket", SOME), "safe, 99 % within"),
            unit="s", width=6, colours={"safe.*": Colour.SECOND},
        ),
        lines(
            "Size of the store",
            "What SQLite's file or the database holds. Normal: it grows for as long as `retention` keeps things, then "
            "stays. A slope for ever: shorten the retention of inbox or incidents.",
            Ask("max(tocsin_receiver_store_bytes)", "store"),
            unit="bytes", width=6,
        ),
        lines(
            "Rows taken away",
            "Rows whose retention was over, an hour, by kind. Normal: as many as come in. None for a day while the "
            "store grows: the engine's replica does not get to it; see its log.",
            Ask(or_none(happened("tocsin_receiver_purged_rows_total", "kind", window=HOUR), "kind"), "{{kind}}"),
            unit="short", width=6, stacked=True,
        ),
        lines(
            "Calls refused",
            "Calls of the API that were refused, by reason, and connections that were turned away because too many "
            "were open; an hour. Normal: 0. `scope` and `tenant`: a token that may too little; `host`: another site.",
            Ask(or_none(happened("tocsin_receiver_api_refused_total", "reason", window=HOUR), "reason"), "{{reason}}"),
            Ask(happened("tocsin_receiver_connections_turned_away_total", window=HOUR), "turned away"),
            unit="short", width=6, colours={"none": Colour.GOOD, "turned away": Colour.WATCH},
        ),
    ]  # fmt: skip


def _others() -> list[Panel]:
    polls = "sum by (source, outcome) (rate(tocsin_receiver_reconcile_polls_total[15m]))"
    return [
        states(
            "Configuration taken",
            "Whether receiver and exporter took their configuration when they last read it. Normal: taken. Refused: "
            "they go on with the one before; their log says which file and line.",
            Ask("min by (job) (tocsin_config_last_reload_successful)", "{{job}}"),
            names={1: ("taken", Colour.GOOD), 0: ("refused", Colour.BAD)}, width=6,
        ),
        states(
            "Heartbeats",
            "Expected heartbeats, and whether each has been silent for too long. Normal: all are heard. A silent one "
            "says that Prometheus, Alertmanager or the way from there is gone: nothing else would tell you.",
            Ask(or_none("max by (heartbeat) (tocsin_receiver_heartbeat_silent)", "heartbeat", "none is expected"),
                "{{heartbeat}}"),
            names={0: ("heard", Colour.GOOD), 1: ("silent", Colour.BAD)}, width=6,
        ),
        lines(
            "Compared with Alertmanager",
            "How often open alerts were compared with what Alertmanager knows, by source and outcome. Normal: "
            "complete. Incomplete: a peer could not be asked, so nothing may expire for now.",
            Ask(or_none(polls, "source"), "{{source}} {{outcome}}"),
            unit="cps", width=6,
            colours={"none ": Colour.QUIET, ".* complete": Colour.GOOD, ".* incomplete": Colour.WATCH},
        ),
        lines(
            "Alerts that were missed, or are over",
            "Alerts on which Alertmanager and its webhooks differed, and alerts that it left out of bodies that were "
            "too long; an hour. Normal: 0. Left out: set `max_alerts: 0` in alertmanager.yml.",
            Ask(or_none(happened("tocsin_receiver_reconciled_alerts_total", "verdict", window=HOUR), "verdict"),
                "{{verdict}}"),
            Ask(or_zero(happened("tocsin_receiver_alerts_truncated_total", window=HOUR)), "left out"),
            unit="short", width=6, colours={"left out": Colour.WATCH},
        ),
    ]  # fmt: skip
