"""What there is to call, each once: `one` answer, or `each` item of a list. The beginning of an id is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.client.call import Call, each, one, path, said


class Calls:
    """The API's calls as methods; what is left out of one is not sent."""

    __slots__ = ()

    @each
    def incidents(
        *,
        status: str | Sequence[str] | None = None,
        severity: str | Sequence[str] | None = None,
        tenant: str | None = None,
        assigned_to: str | None = None,
        acknowledged_by: str | None = None,
        policy: str | None = None,
        opened_after: str | None = None,
        opened_before: str | None = None,
        text: str | None = None,
    ) -> Call:
        """Every incident that is so, newest first."""
        return Call("GET", path("incidents"), dict(locals()))

    @each
    def alerts(*, status: str | None = None, incident: str | None = None, suppressed: bool | None = None) -> Call:
        """Every alert, newest first; `suppressed` asks for those that are held back, or that are not."""
        held = None if suppressed is None else str(suppressed).lower()
        return Call("GET", path("alerts"), {"status": status, "incident": incident, "suppressed": held})

    @one
    def incident(incident: str) -> Call:
        """One incident with its alerts and its timeline."""
        return Call("GET", path("incidents", incident))

    @each
    def timeline(incident: str) -> Call:
        """All that happened to an incident, in order."""
        return Call("GET", path("incidents", incident, "timeline"))

    @one
    def raise_incident(
        title: str,
        *,
        severity: str | None = None,
        tenant: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        notify: Sequence[str] | None = None,
        policy: str | None = None,
        by: str | None = None,
        key: str = "",
    ) -> Call:
        """Opens an incident by hand; the same `key` names the same incident, so that it is opened once."""
        wanted = said(
            title=title,
            severity=severity,
            tenant=tenant,
            description=description,
            labels=labels,
            notify=notify,
            policy=policy,
            by=by,
        )
        return Call("POST", path("incidents"), body=wanted, key=key)

    @one
    def raise_incidents(items: Sequence[Mapping[str, Any]], *, by: str | None = None, key: str = "") -> Call:
        """Opens many by hand, each with its own result."""
        return Call("POST", path("incidents"), body=said(items=items, by=by), key=key)

    @one
    def acknowledge(incident: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Somebody has it: nobody else is told."""
        return _act(incident, "acknowledge", by=by, reason=reason)

    @one
    def resolve(incident: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """It is over, whatever its alerts say."""
        return _act(incident, "resolve", by=by, reason=reason)

    @one
    def snooze(
        incident: str,
        *,
        until: str | None = None,
        for_: str | None = None,
        by: str | None = None,
        reason: str | None = None,
    ) -> Call:
        """Nobody is told until a time, or for so long (`2h`); what is still open then escalates anew."""
        return _act(incident, "snooze", until=until, for_=for_, by=by, reason=reason)

    @one
    def unsnooze(incident: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Ends a snooze: it escalates anew."""
        return _act(incident, "unsnooze", by=by, reason=reason)

    @one
    def reassign(incident: str, to: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Gives it to a user, or to `team:NAME`, `schedule:NAME`, `skill:NAME`."""
        return _act(incident, "reassign", to=to, by=by, reason=reason)

    @one
    def escalate(incident: str, *, policy: str | None = None, by: str | None = None, reason: str | None = None) -> Call:
        """The next step comes now or, with a policy, that one from its beginning."""
        return _act(incident, "escalate", policy=policy, by=by, reason=reason)

    @one
    def rate(incident: str, severity: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Says how bad it is."""
        return _act(incident, "severity", severity=severity, by=by, reason=reason)

    @one
    def comment(incident: str, text: str, *, by: str | None = None) -> Call:
        """Says something of it."""
        return _act(incident, "comment", text=text, by=by)

    @one
    def act(action: str, wanted: Mapping[str, Any]) -> Call:
        """One action on many: `ids` or `filter`, and the fields of that action."""
        return Call("POST", path("incidents", "actions"), body={"action": action, **wanted})

    @one
    def decide(incident: str, what: str, wanted: Mapping[str, Any]) -> Call:
        """What a person decides: `merge`, `split`, `move`, `cause` or `noise`, with the API's JSON."""
        return Call("POST", path("incidents", incident, what), body=wanted)

    @each
    def maintenance() -> Call:
        """Every maintenance window, those of the configuration and ended ones included."""
        return Call("GET", path("maintenance"))

    @one
    def add_maintenance(window: Mapping[str, Any]) -> Call:
        """Adds a window: the settings of one in the configuration, and `by`."""
        return Call("POST", path("maintenance"), body=window)

    @one
    def end_maintenance(window: str, *, by: str | None = None) -> Call:
        """Ends a window now."""
        return Call("POST", path("maintenance", window, "end"), body=said(by=by))

    @each
    def quarantined() -> Call:
        """Every body in quarantine, newest first."""
        return Call("GET", path("quarantine"))

    @one
    def quarantined_body(number: int) -> Call:
        """One body in quarantine, with the beginning of its content."""
        return Call("GET", path("quarantine", number))

    @one
    def retry_quarantined(number: int) -> Call:
        """Puts a body back into the inbox."""
        return Call("POST", path("quarantine", number, "retry"), body={})

    @each
    def notifications(*, state: str | None = None, channel: str | None = None, incident: str | None = None) -> Call:
        """Every message, newest first."""
        return Call("GET", path("notifications"), {"state": state, "channel": channel, "incident": incident})

    @one
    def retry_notification(number: int, *, by: str | None = None) -> Call:
        """Puts a message back that was given up."""
        return Call("POST", path("notifications", number, "retry"), body=said(by=by))

    @one
    def preview_notification(incident: str, channel: str, *, user: str = "", message: str = "page") -> Call:
        """What a channel would send about an incident now; nothing is sent."""
        asked = {"incident": incident, "channel": channel, "user": user, "message": message}
        return Call("POST", path("notifications", "preview"), body=asked)

    @one
    def test_channel(channel: str, *, user: str = "", by: str | None = None) -> Call:
        """Sends one message that says that it is a test."""
        return Call("POST", path("notifications", "test"), body=said(channel=channel, user=user, by=by))

    @each
    def on_call(*, at: str | None = None, schedule: str | None = None) -> Call:
        """Who is on call in every schedule, or in one; now, or at a time in the schedule's own zone."""
        return Call("GET", path("oncall"), {"at": at, "schedule": schedule})

    @one
    def on_call_gaps(*, weeks: int | None = None, schedule: str | None = None) -> Call:
        """When a policy could find nobody, and when nobody is on call."""
        return Call("GET", path("oncall", "gaps"), {"weeks": weeks, "schedule": schedule})

    @each
    def schedules() -> Call:
        """Every schedule, by name."""
        return Call("GET", path("schedules"))

    @one
    def schedule(schedule: str, *, start: str | None = None, weeks: int | None = None) -> Call:
        """One schedule with its shifts, gaps and overlaps."""
        return Call("GET", path("schedules", schedule), {"from": start, "weeks": weeks})

    @each
    def overrides(schedule: str) -> Call:
        """Overrides and swaps that people added, the newest first."""
        return Call("GET", path("schedules", schedule, "overrides"))

    @one
    def add_override(schedule: str, wanted: Mapping[str, Any]) -> Call:
        """Somebody else for a time: `user`, `from`, `to`, for a swap `swap_with`, and `by`."""
        return Call("POST", path("schedules", schedule, "overrides"), body=wanted)

    @one
    def remove_override(schedule: str, override: str, *, by: str | None = None) -> Call:
        """Takes an override away."""
        return Call("DELETE", path("schedules", schedule, "overrides", override), body=said(by=by))

    @each
    def tokens() -> Call:
        """Every token that whoever asks may see."""
        return Call("GET", path("tokens"))

    @one
    def create_token(wanted: Mapping[str, Any]) -> Call:
        """Makes a token: `scopes`, and if need be `user`, `tenants`, `expires`, `note`; `token` of the answer is it."""
        return Call("POST", path("tokens"), body=wanted)

    @one
    def revoke_token(token: str) -> Call:
        """Revokes a token for good."""
        return Call("POST", path("tokens", token, "revoke"), body={})


def _act(incident: str, action: str, **fields: Any) -> Call:
    return Call("POST", path("incidents", incident, action), body=said(**fields))
