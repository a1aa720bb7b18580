"""Incidents in words, for a terminal and a tired person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from receiver.show_runs import RUN_SENTENCES, run_lines
from receiver.show_tree import tree_lines

Json = Mapping[str, Any]

FIRST, LAST = 20, 40  # events of a long timeline


def incident_table(incidents: Sequence[Json]) -> str:
    """One line an incident."""
    if not incidents:
        return "No incidents: all quiet."
    rows = [("ID", "STATUS", "SEVERITY", "OPENED (UTC)", "FIRING", "TITLE")]
    for i in incidents:
        firing = f"{i['firing']} of {i['alerts']}"
        rows.append((i["id"], i["status"], i["severity"], clock(i["opened_at"]), firing, i["title"] + _flags(i)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)] + [0]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _flags(incident: Json) -> str:
    if incident["merged_into"]:
        return f" (merged into {incident['merged_into']})"
    return " (storm)" if incident["storm"] else ""


def incident_story(incident: Json) -> str:
    """All that is known of one incident: its causes, what follows from them, what happened."""
    storm = "storm, " if incident["storm"] else ""
    lines = [
        f"{incident['title']}",
        f"{incident['id']}  {storm}{incident['severity']}, {incident['status']}, "
        f"{incident['firing']} of {incident['alerts']} alerts firing, tenant {incident['tenant']}",
    ]
    if incident["merged_into"]:
        lines += ["", f"It is part of {incident['part_of']} now: tocsin incidents show {incident['part_of']}"]
    silences = incident.get("silenced_by", [])  # a receiver of before tells none
    lines += ["", f"Silenced in Alertmanager by {'; '.join(map(foreign, silences))}"] if silences else []
    lines += run_lines(incident)
    lines += tree_lines(incident)
    lines += ["", "What happened (UTC)"]
    lines += [f"  {line}" for line in _happened(incident["timeline"])]
    return "\n".join(lines)


def _happened(timeline: Sequence[Json]) -> list[str]:
    """The beginning and the end of a long story."""
    told = [f"{clock(event['at'])}  {sentence(event)}" for event in (*timeline[:FIRST], *timeline[FIRST:][-LAST:])]
    left_out = len(timeline) - FIRST - LAST
    if left_out > 0:
        told.insert(FIRST, f"… {left_out:,} more; --format json has them all")
    return told


def clock(time: str) -> str:
    """`2026-11-21T03:12:05.123Z` as `2026-11-21 03:12:05`."""
    return time[:19].replace("T", " ")


TERMS: Mapping[str, str] = {"acknowledge": "acknowledged", "resolve": "resolved"}
SENTENCES: Mapping[str, Callable[[Json], str]] = {
    "opened": lambda e: f"opened: {e['title']} ({e['reason']})",
    "alerts_joined": lambda e: f"{_names(e['alerts'])} joined ({e['reason']})",
    "alerts_resolved": lambda e: f"{_names(e['alerts'])} resolved",
    "alerts_expired": lambda e: f"{_names(e['alerts'])} expired ({e['reason']})",
    "reopened": lambda e: f"reopened ({e['reason']})",
    "acknowledged": lambda e: f"acknowledged by {e['by']}{_via(e)}",
    "resolved": lambda e: f"resolved by {e['by']}{_via(e)}" + (f": {e['reason']}" if e["reason"] else ""),
    "snoozed": lambda e: f"snoozed until {clock(e['until'])} by {e['by']}{_via(e)}{_why(e)}",
    "snooze_ended": lambda e: f"no longer snoozed: {e['reason']}" + (f" ({e['by']})" if e["by"] else ""),
    "reassigned": lambda e: f"{e['by']} gave it to {e['to']}{_via(e)}{_why(e)}",
    "escalation_forced": lambda e: (
        f"{e['by']} escalates{' by the policy ' + e['plan']['policy'] if e['plan'] else ' to the next step'}"
        f"{_via(e)}{_why(e)}"
    ),
    "severity_raised": lambda e: f"{e['severity']} from now on, says {e['by'] or 'the policy'}{_why(e)}",
    "commented": lambda e: f"{e['by']}{_via(e)}: {e['text']}",
    "escalated": lambda e: (
        f"step {e['step'] + 1}: telling {', '.join(e['notify']) or 'nobody'} ({e['reason']})"
        + (f"; NOT REACHED: {'; '.join(e['missed'])}" if e["missed"] else "")
        + ("; told the default route's people instead" if e["by_default"] else "")
    ),
    "nobody_reached": lambda e: f"step {e['step'] + 1} REACHES NOBODY: {e['reason']}",
    "escalation_began": lambda e: f"the escalation begins anew: {e['reason']}",
    "handed_over": lambda e: f"handed over to {_people(e)}: {e['reason']}",
    "sla_warned": lambda e: f"SLA: {TERMS[e['term']]} by {clock(e['due_at'])}, time runs out",
    "sla_broken": lambda e: f"SLA BROKEN: not {TERMS[e['term']]} by {clock(e['due_at'])}",
    "silence_written": lambda e: (
        f"{e['source']} silenced {'while somebody has it' if e['kept'] else 'until ' + clock(e['until'])}: "
        f"{{{', '.join(e['matchers'])}}} ({e['id']})"
    ),
    "silence_removed": lambda e: f"{e['source']} no longer silenced by {e['id']}: {e['reason']}",
    "silence_failed": lambda e: f"{e['source']} COULD NOT BE SILENCED, or no longer be so: {e['reason']}",
    "silences_seen": lambda e: (
        f"{e['source']} is silenced by others: {'; '.join(map(foreign, e['silences']))}"
        if e["silences"]
        else f"{e['source']} is no longer silenced by others"
    ),
    "alerts_held": lambda e: f"{_names(e['alerts'])} held back, paging nobody: {e['reason']}",
    "flapping_began": lambda e: f"{e['alert']['name']} flaps: {e['reason']}",
    "flapping_ended": lambda e: f"{e['alert']['name']} flaps no more: {e['reason']}",
    "adopted": lambda e: (
        f"took in {e['incident']} ({e['root']['name']}, {e['alerts']} alert{'' if e['alerts'] == 1 else 's'}): "
        f"{e['reason']}"
    ),
    "merged_into": lambda e: f"became part of {e['incident']}: {e['reason']}",
    "took_over": lambda e: (
        f"whoever was told of {e['of']} has been told"
        + (f"; {e['acknowledged_by']} had acknowledged it" if e["acknowledged_by"] else "")
    ),
    "alerts_left": lambda e: f"{e['by']} moved {_names(e['alerts'])} to {e['to']}",
    "cause_marked": lambda e: f"{e['by']} says that {e['alert']['name']} is the cause",
    "noise_marked": lambda e: f"{e['by']} says that {e['alert']['name']} is noise",
    "storm_began": lambda e: f"storm: {e['reason']}",
    "storm_ended": lambda e: f"the storm is over: {e['reason']}",
    "message_sent": lambda e: f"{_message(e)} sent to {_whom(e)}{_attempts(e)}{_why(e)}",
    "message_delivered": lambda e: f"{_message(e)} has reached {_whom(e)}",
    "message_skipped": lambda e: f"{_message(e)} to {_whom(e)} not sent: {e['reason']}",
    "message_failed": lambda e: f"{_message(e)} to {_whom(e)} FAILED: {e['reason']}",
    "message_diverted": lambda e: f"{_message(e)} to {_whom(e)} goes another way: {e['reason']}",
    "message_retried": lambda e: f"{e['by']} puts the {_message(e)} to {_whom(e)} back, to be tried again",
    **RUN_SENTENCES,
}


def foreign(silence: Json) -> str:
    """A silence that somebody made in Alertmanager."""
    said = f" ({silence['comment']})" if silence["comment"] else ""
    return f"{silence['by'] or 'somebody'} until {clock(silence['until'])}{said}"


def sentence(event: Json) -> str:
    """One event in words."""
    told = SENTENCES.get(event["kind"])
    return told(event) if told else str(event["kind"])


def _message(event: Json) -> str:
    return MESSAGES[event["message"]]


MESSAGES = {
    "page": "page",
    "resolved": "all-clear",
    "reopened": "news that it is back",
    "handover": "hand-over",
    "sla": "word about the SLA",
    "update": "update",
    "approval": "request for approval",
    "remediation": "word about a runbook",
}


def _whom(event: Json) -> str:
    return f"{event['person']} by {event['channel']}" if event["person"] else str(event["channel"])


def _via(event: Json) -> str:
    return f" ({event['via']})" if event["via"] not in ("", "api") else ""


def _why(event: Json) -> str:
    return f" ({event['reason']})" if event["reason"] else ""


def _people(event: Json) -> str:
    return " and ".join(dict.fromkeys(contact["person"] for contact in event["contacts"] if contact.get("person")))


def _attempts(event: Json) -> str:
    return f" at attempt {event['attempts']}" if event["attempts"] > 1 else ""


def _names(alerts: Sequence[Json]) -> str:
    names = [alert["name"] for alert in alerts[:5]]
    more = f" and {len(alerts) - 5} more" if len(alerts) > 5 else ""
    return ", ".join(names) + more
