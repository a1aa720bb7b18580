"""Panels on the receiver: alerts come in, incidents open, people are told."""

from __future__ import annotations

from grafana.source.look import Colour
from grafana.source.panels import Ask, Panel, lines
from grafana.source.promql import WINDOW, or_none, or_zero, per_second, quantile

MESSAGES = 'tocsin_receiver_messages_total{state=~"sent|skipped|retried|dead"}'
COMMIT = "tocsin_receiver_commit_seconds_bucket"
SOME = "[15m]"  # enough webhooks for a quantile, where few come


def panels() -> list[Panel]:
    """The way in on the first line, the way to people on the second, what works in between on the third."""
    return [*_in(), *_out(), *_engine()]


def _in() -> list[Panel]:
    return [
        lines(
            "Alerts received and processed",
            "Alerts in the webhooks that were accepted, repeats included, those processed, and those that told "
            "nobody anything new. Normal: received and processed are alike. Processed stays behind: see the inbox.",
            Ask(per_second("tocsin_receiver_alerts_received_total"), "received"),
            Ask(per_second("tocsin_receiver_alerts_processed_total"), "processed"),
            Ask(or_zero(per_second("tocsin_receiver_alerts_suppressed_total")), "told nobody"),
            unit="cps", width=6, colours={"processed": Colour.GOOD, "told nobody": Colour.QUIET},
        ),
        lines(
            "Time to a durable commit",
            "From a whole webhook body to the moment it is safe on the disk; only then does Alertmanager get its "
            "answer. Normal: milliseconds; nothing is drawn while no webhook comes. Beyond a second: the disk or "
            "the database is slow, and Alertmanager will time out.",
            Ask(quantile(0.5, COMMIT, SOME), "half within"),
            Ask(quantile(0.99, COMMIT, SOME), "99 % within"),
            unit="s", width=6, colours={"99 % within": Colour.SECOND},
        ),
        lines(
            "Waiting in the inbox",
            "Webhook bodies that are stored and not yet processed. Normal: 0 with small peaks. A slope that does not "
            "come down: the receiver falls behind, or waits for its store; beyond its bound it answers 503 and "
            "Alertmanager tries again.",
            Ask("max(tocsin_receiver_inbox_depth)", "bodies"),
            unit="short", width=6,
        ),
        lines(
            "Bodies refused or not understood",
            "Webhook bodies that were not accepted, by reason, and accepted ones that could not be understood; "
            "counted since the receiver started. Normal: flat. A step up is news: each body that was not "
            "understood has opened an incident of its own.",
            Ask(or_none("sum by (reason) (tocsin_receiver_bodies_refused_total)", "reason"), "refused: {{reason}}"),
            Ask("sum(tocsin_receiver_bodies_quarantined_total)", "not understood"),
            unit="short", width=6,
            colours={"refused: none": Colour.GOOD, "refused: (?!none$).*": Colour.WATCH, "not understood": Colour.BAD},
        ),
    ]  # fmt: skip


def _out() -> list[Panel]:
    return [
        lines(
            "Incidents by status",
            "All incidents that are kept, by status. Normal: open ones become acknowledged or resolved within "
            "minutes. Open ones that stay: nobody has answered; see who is on call and whether messages arrive.",
            Ask(or_none("sum by (status) (tocsin_receiver_incidents)", "status"), "{{status}}"),
            unit="short", width=12,
            colours={
                "open": Colour.BAD, "acknowledged": Colour.WATCH, "resolved": Colour.GOOD, "none": Colour.QUIET,
            },
        ),
        lines(
            "Messages to people",
            "Messages by channel and what became of them: sent, skipped because there was nothing left to say, tried "
            "again, or dead: given up for good. Normal: none dead. Dead: `tocsin notify dead list`, or see the "
            "incident's timeline.",
            Ask(
                or_none(f"sum by (channel, state) (rate({MESSAGES}{WINDOW}))", "channel"),
                "{{channel}} {{state}}",
            ),
            unit="mps", width=12,
            colours={
                ".* sent": Colour.GOOD, ".* skipped": Colour.QUIET, ".* retried": Colour.WATCH, ".* dead": Colour.BAD,
            },
        ),
    ]  # fmt: skip


def _engine() -> list[Panel]:
    return [
        lines(
            "Who runs the engine, and whether it can",
            "Replicas on which the engine runs, and those on which it waits for a store that fails. Normal: exactly "
            "one runs and none waits. None runs for more than ten seconds: no replica gets the lease. One waits: the "
            "store is away or full; its log says why, and nothing that was accepted is lost.",
            Ask("sum(tocsin_receiver_engine_active)", "runs"),
            Ask("sum(tocsin_receiver_engine_failing)", "waits for the store"),
            unit="short", width=6, colours={"runs": Colour.GOOD, "waits for the store": Colour.BAD},
        ),
        lines(
            "Age of what waits",
            "How long the oldest body in the inbox has waited to be processed, and how late the oldest timer or "
            "message is. Normal: below a second. It grows with the clock: one body or job holds up the others, or "
            "nothing works at all.",
            Ask("max(tocsin_receiver_inbox_oldest_seconds)", "oldest body"),
            Ask("max(tocsin_receiver_jobs_oldest_due_seconds)", "oldest job"),
            unit="s", width=6, colours={"oldest job": Colour.SECOND},
        ),
        lines(
            "Timers and messages due",
            "Timers and messages whose time has come and that nobody has begun. Normal: 0 with small peaks. A slope "
            "that does not come down: a channel is slower than what it has to tell, and pages are late.",
            Ask("max(tocsin_receiver_jobs_due)", "due"),
            unit="short", width=6,
        ),
        lines(
            "Memory of bodies on their way in",
            "What webhook bodies hold in memory on their way in. Normal: far below max_inflight_bytes; at it large "
            "bodies get 503 and come again.",
            Ask("max(tocsin_receiver_inflight_bytes)", "bodies"),
            unit="bytes", width=6,
        ),
    ]  # fmt: skip
