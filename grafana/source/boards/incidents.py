"""Incidents, and how people and runbooks respond to them."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import links
from grafana.source.board import Section, board
from grafana.source.links import OPEN_INCIDENTS, Link, cell, label, to
from grafana.source.look import ANY_TROUBLE, SEVERITIES, Colour
from grafana.source.panels import Ask, Panel, lines, number
from grafana.source.promql import RANGE, TENANTS, happened, of, or_none, or_zero, quantile
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import TENANT

UNRESOLVED = "tocsin_receiver_unresolved_incidents"
OPENED = of("tocsin_receiver_incidents_opened_total", within=TENANTS)
ACKNOWLEDGE = "tocsin_receiver_time_to_acknowledge_seconds_bucket"
RESOLVE = "tocsin_receiver_time_to_resolve_seconds_bucket"
PAGES = "tocsin_receiver_pages_total"
RUNS = "tocsin_auto_healing_runs_total"
NOT_DONE, NEEDED_PEOPLE = "dry_run|refused|rejected|expired|cancelled", "stopped|failed|rolled_back|unknown"
ANY_BAD = ((None, Colour.GOOD), (0.5, Colour.BAD))
NIGHTS = ((None, Colour.QUIET), (1, Colour.WATCH), (3, Colour.BAD))
SLOW = ((None, Colour.GOOD), (300, Colour.WATCH), (1800, Colour.BAD))
LISTED = [links.incidents("Its incidents", severity=label("severity"))]


def dashboard() -> Dashboard:
    """`dashboards/incidents.json`."""
    return board(
        "incidents",
        "Incidents and response",
        "What is open and who has it, how quickly people answer, who is paged at night, how often it escalates, and "
        "what runbooks did. Of the tenants chosen where an incident's tenant is counted; people and channels are all "
        "of the receiver's.",
        [
            Section("Now", _now()),
            Section("Open incidents", _open()),
            Section("How quickly", _quickly()),
            Section("When they come, and who is told", _told()),
            Section("What runbooks did", _runs()),
        ],
        choices=[TENANT],
        since="24h",
    )


def _now() -> list[Panel]:
    nobody = of(UNRESOLVED, 'status="open"', within=TENANTS)
    return [
        number(
            "Not resolved", "Incidents that are not over, acknowledged ones too, by severity. Normal: none. A click "
            "lists them.",
            Ask(or_none(f"sum by (severity) ({of(UNRESOLVED, within=TENANTS)})", "severity"), "{{severity}}"),
            unit="short", width=6, colours=SEVERITIES, links=[Link("Open incidents", OPEN_INCIDENTS)],
        ),
        number(
            "Nobody has it", "Incidents that nobody has acknowledged. Normal: 0 after a few minutes.",
            Ask(or_zero(f"sum({nobody})"), "open"), unit="short", width=4, steps=ANY_TROUBLE,
            links=[links.incidents("Those that nobody has", status="open")],
        ),
        number(
            "Runs that wait for approval", "Runs of runbooks that wait until somebody approves or rejects them. "
            "Normal: 0. They expire: `tocsin runbooks approvals list` lists them.",
            Ask("sum(tocsin_auto_healing_approvals_pending)", "runs"), unit="short", width=4, steps=ANY_TROUBLE,
        ),
        number(
            "Pages at night", "Pages between 22 and 6 o'clock, where the person is, in the time shown. Normal: 0. "
            "Each cost somebody their sleep: was it worth it? See Alert quality.",
            Ask(or_zero(happened(f'{PAGES}{{hours="night"}}')), "pages"),
            unit="short", width=5, steps=NIGHTS, decimals=0,
            links=[to("quality", "Alert quality", kept=("datasource", "tenant"))],
        ),
        number(
            "Messages given up", "Messages that could not be delivered and that nobody has put back. Normal: 0. "
            "`tocsin notify dead list` says why; mend the channel, then `tocsin notify dead retry`.",
            Ask("max(tocsin_receiver_messages_dead)", "messages"), unit="short", width=5, steps=ANY_BAD,
        ),
    ]  # fmt: skip


def _open() -> list[Panel]:
    by = ("tenant", "severity")
    each = {one: of(UNRESOLVED, f'severity="{one}"', within=TENANTS) for one in ("critical", "warning", "info")}
    had = of(UNRESOLVED, 'status="acknowledged"', within=TENANTS)
    total, taken = (f"sum by (tenant, severity) ({one})" for one in (of(UNRESOLVED, within=TENANTS), had))
    return [
        rows(
            "By tenant and severity",
            "Incidents of each tenant: not over now, how many of those somebody has, and how many opened in the time "
            "shown. Normal: nothing is open for long. Click on one for the receiver's list.",
            Column("Not over", total, "short", ANY_TROUBLE, decimals=0),
            Column("Somebody has", f"{taken} or 0 * {total}", "short", decimals=0),
            Column("Opened", happened(OPENED, *by), "short", decimals=0),
            keys={"tenant": "Tenant", "severity": "Severity"}, width=12, height=6, worst="Not over",
            links=[links.incidents("Its incidents", tenant=cell("Tenant"), severity=cell("Severity"))],
        ),
        lines(
            "Not over, by severity",
            "How many incidents were not over. Normal: back to 0 within hours. A step that stays is an incident that "
            "nobody closes: end it, or give it to somebody.",
            *[Ask(or_zero(f"sum({one})"), severity) for severity, one in each.items()],
            unit="short", width=12, height=6, colours=SEVERITIES,
        ),
    ]  # fmt: skip


def _quickly() -> list[Panel]:
    def within(share: float, histogram: str) -> str:
        return quantile(share, histogram, RANGE, "severity") + " >= 0"  # no row where nothing was observed

    def course(share: float, histogram: str) -> str:
        return f"histogram_quantile({share}, sum by (le) (increase({histogram}[6h])))"

    return [
        rows(
            "Half, and nine of ten, within",
            "From the opening of an incident to its acknowledgement and to its end, in the time shown, by severity. "
            "Normal: what your team has agreed on; minutes for what is critical. Slower: see who is told first.",
            Column("Acknowledged, half", within(0.5, ACKNOWLEDGE), "s", SLOW, decimals=1),
            Column("Acknowledged, 90 %", within(0.9, ACKNOWLEDGE), "s", SLOW, decimals=1),
            Column("Resolved, half", within(0.5, RESOLVE), "s", decimals=1),
            Column("Resolved, 90 %", within(0.9, RESOLVE), "s", decimals=1),
            keys={"severity": "Severity"}, width=10, height=7, worst="Acknowledged, 90 %",
        ),
        lines(
            "Time to acknowledge and to resolve",
            "What half of the incidents of the six hours before took. Normal: steady or falling over the months; "
            "nothing is drawn while none was answered.",
            Ask(course(0.5, ACKNOWLEDGE), "acknowledged, half within"),
            Ask(course(0.5, RESOLVE), "resolved, half within"),
            unit="s", width=8, height=7, colours={"resolved.*": Colour.SECOND},
        ),
        bars(
            "Promises that ran out",
            "Incidents that came near the end of an SLA's time (warned), or beyond it (broken), in the time shown. "
            "Normal: none. Broken ones to acknowledge: nobody was reached in time.",
            Ask(or_none(happened("tocsin_receiver_sla_total", "term", "state"), "state"), "{{term}} {{state}}"),
            unit="short", width=6, height=7, steps=ANY_TROUBLE,
            colours={".*warned": Colour.WATCH, ".*broken": Colour.BAD},
        ),
    ]  # fmt: skip


def _told() -> list[Panel]:
    def pages(hours: str) -> str:
        return happened(f'{PAGES}{{person!="", hours="{hours}"}}', "person")

    def messages(state: str) -> str:
        return f'sum by (channel) (increase(tocsin_receiver_messages_total{{state="{state}"}}{RANGE}))'

    return [
        lines(
            "Opened, an hour",
            "Incidents that opened in the hour before, by severity. Normal: few, and no rhythm. One that comes back at "
            "the same hour each day is a job, a backup, or a peak of load.",
            Ask(or_none(happened(OPENED, "severity", window="[1h]"), "severity"), "{{severity}}"),
            unit="short", width=8, stacked=True, colours=SEVERITIES, links=LISTED,
        ),
        rows(
            "Who is paged, and when",
            "Pages of each person in the time shown, and how many of them at night (22 to 6 o'clock where they are). "
            "Normal: nobody more than twice a shift, and next to none at night. One person alone: share the duty.",
            Column("At night", pages("night"), "short", NIGHTS, decimals=0),
            Column("By day", pages("day"), "short", decimals=0),
            keys={"person": "Person"}, width=8, worst="At night",
        ),
        rows(
            "Messages by channel",
            "Messages in the time shown: sent, tried again, given up for good. Normal: none given up. Many tried "
            "again: the far side is slow, or limits how many it takes.",
            Column("Given up", messages("dead"), "short", ANY_BAD, decimals=0),
            Column("Tried again", messages("retried"), "short", ANY_TROUBLE, decimals=0),
            Column("Sent", messages("sent"), "short", decimals=0),
            keys={"channel": "Channel"}, width=8, worst="Given up",
        ),
        bars(
            "Pages by channel", "Pages in the time shown, by the channel that brought them. Normal: what is critical "
            "goes by channels that ring; the rest by those that wait.",
            Ask(or_none(happened(PAGES, "channel"), "channel"), "{{channel}}"), unit="short", width=8, height=6,
        ),
        bars(
            "How far it escalates", "Steps of escalation policies that were taken, in the time shown. Normal: many "
            "first steps, few second ones. Many of the later steps: the first people do not answer.",
            Ask(or_none(happened("tocsin_receiver_escalations_total", "step"), "step"), "step {{step}}"),
            unit="short", width=8, height=6,
        ),
        lines(
            "Steps that reached nobody",
            "Steps of an escalation that meant nobody, as nobody is on duty or has a channel, an hour. Normal: 0. "
            "Otherwise there is a hole in the schedule: `tocsin oncall gaps` finds it.",
            Ask(or_zero(happened("tocsin_receiver_nobody_reached_total", window="[1h]")), "steps"),
            unit="short", width=8, height=6, colours={"steps": Colour.BAD},
        ),
    ]  # fmt: skip


def _runs() -> list[Panel]:
    def ended(outcomes: str) -> str:
        return happened(f'{RUNS}{{outcome=~"{outcomes}"}}', "runbook")

    return [
        rows(
            "Runbooks",
            "Runs of each runbook that ended in the time shown: it helped, people were needed (it failed, was stopped "
            "or rolled back), nothing was done (dry run, refused, rejected, expired), it was done in vain; and the "
            "time that it saved. Normal: most helped. One that is in vain twice is the wrong cure.",
            Column("People needed", ended(NEEDED_PEOPLE), "short", ANY_BAD, decimals=0),
            Column("In vain", happened("tocsin_auto_healing_verification_failures_total", "runbook"), "short",
                   ANY_TROUBLE, decimals=0),
            Column("Helped", ended("succeeded"), "short", decimals=0),
            Column("Nothing done", ended(NOT_DONE), "short", decimals=0),
            Column("Saved", happened("tocsin_auto_healing_saved_seconds_total", "runbook"), "s", decimals=1),
            keys={"runbook": "Runbook"}, width=16, height=6, worst="People needed",
        ),
        bars(
            "Runs by outcome", "How runs ended in the time shown. Normal: most succeeded. Many expired: nobody "
            "approves in time; many refused: a limit or a guard forbids them.",
            Ask(or_none(happened(RUNS, "outcome"), "outcome"), "{{outcome}}"), unit="short", width=8, height=6,
            colours={
                "succeeded|none": Colour.GOOD, NEEDED_PEOPLE: Colour.BAD, NOT_DONE: Colour.QUIET,
            },
        ),
    ]  # fmt: skip
