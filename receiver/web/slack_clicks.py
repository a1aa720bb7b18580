"""What a click on one of our buttons in Slack means, and what is said about it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from receiver.decide import NoSuchIncident
from receiver.engine.policy import Step
from receiver.engine.run import Run, RunState
from receiver.notify.channel import ChannelUnavailable
from receiver.notify.slack import SlackChannel
from receiver.notify.slack_text import outside, stamp
from receiver.respond import Answer, Forbidden, NotPossible, Responder
from receiver.web.slack_payload import Click
from receiver.web.slack_shown import Said, shown_in
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.slack")

SHOW_SECONDS = 3.0  # to show a click in its message; the outbox updates the message anyway
MORNING = time(9)
DECISIONS = ("approve", "reject")  # about a run of a runbook
NIGHT_ENDS = time(4)  # before it, "tomorrow" is the morning that comes


def until(choice: str, now: datetime, zone: ZoneInfo) -> datetime:
    """When a snooze ends, to the minute, so that a second click asks for the same.

    Raises:
        NotPossible: there is no such choice.
    """
    whole = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    match choice:
        case "30m":
            return whole + timedelta(minutes=30)
        case "2h":
            return whole + timedelta(hours=2)
        case "tomorrow":
            local = now.astimezone(zone)
            day = local.date() + timedelta(days=0 if local.time() < NIGHT_ENDS else 1)
            return datetime.combine(day, MORNING, zone).astimezone(UTC)
        case _:
            raise NotPossible(f"{choice!r} is no choice of this menu")


class SlackClicks:
    """Does what clicks ask for. `nudge` is called once the message shows it, so that the rest is told, too."""

    def __init__(self, responder: Responder, clock: Clock, nudge: Callable[[], None]) -> None:
        self._responder = responder
        self._clock = clock
        self._nudge = nudge
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, click: Click, channel: SlackChannel, within_seconds: float) -> bool:
        """Does what a click asks for; Slack is told of it afterwards. Whether it is recorded, or may yet be.

        What takes longer goes on by itself: Slack waits for 3 seconds only.
        """
        decided: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._whole(click, channel, decided))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait([decided], timeout=within_seconds)
        return decided.result() if decided.done() else True

    async def ended(self, _: object = None) -> None:
        """Waits for what goes on by itself."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _whole(self, click: Click, channel: SlackChannel, decided: asyncio.Future[bool]) -> None:
        try:
            said = await self._said(click)
        except Exception:
            log.exception("a click could not be done", incident=click.incident, user=click.user)
            said = Said(":warning: Tocsin failed on this click; its log tells more.", kept=False)
        decided.set_result(said.kept)
        try:
            if _answerable(click.response_url, str(channel.settings.api_url)):
                async with asyncio.timeout(SHOW_SECONDS):
                    await channel.calls.answer(click.response_url, shown_in(click, said))
        except (ChannelUnavailable, TimeoutError) as error:
            log.warning("a click was taken, but cannot be answered", incident=click.incident, reason=str(error))
        finally:
            self._nudge()

    async def _said(self, click: Click) -> Said:
        who = outside(click.user, 30)
        try:
            principal = self._responder.person("slack", click.user, "slack")
        except Forbidden:
            log.warning("somebody unknown pressed a button", slack_user=click.user, incident=click.incident)
            ask = f"ask for your Slack id `{who}` to be added to `users.NAME.contacts.slack`"
            return Said(f":no_entry: I do not know you, and nothing has changed: {ask}.")
        try:
            answer = self._answer(click, self._responder.directory.users[principal.name].zone)
            step = await self._responder.respond(click.incident, answer, principal)
        except (NoSuchIncident, Forbidden, NotPossible) as error:
            return Said(f":no_entry: Nothing has changed: {outside(str(error), 300)}.")
        except StoreUnavailable as error:
            log.error("a click is lost, and told so", incident=click.incident, user=principal.name, reason=str(error))
            return Said(
                ":warning: This could not be written down just now. Please press again in a moment.", kept=False
            )
        return _outcome(click, step, principal.name)

    def _answer(self, click: Click, zone: ZoneInfo) -> Answer:
        match click.action:
            case "snooze":
                return Answer("snooze", until=until(click.choice, self._clock.now(), zone))
            case "escalate":
                return Answer("escalate", round=click.round)
            case "acknowledge" | "resolve":
                return Answer(click.action)
            case "approve" | "reject":
                run, _, plan_hash = click.choice.partition("/")
                return Answer(click.action, run=run, plan_hash=plan_hash)
            case _:
                raise NotPossible(f"there is no button {click.action!r}")


def _outcome(click: Click, step: Step, user: str) -> Said:
    by = f"*{outside(user, 60)}*"
    run = step.incident.run(click.choice.partition("/")[0])
    if not step.events:
        decided = click.action in DECISIONS and run is not None and run.state is not RunState.AWAITING
        return Said(f"Nothing has changed: {outside(step.reason, 300)}.", step.incident if decided else None)
    match click.action:
        case "snooze" if step.incident.snoozed_until is not None:
            text = f"💤 Snoozed by {by} until {stamp(step.incident.snoozed_until)}"
        case "resolve":
            text = f"✅ Resolved by {by}"
        case "approve" if run is not None:
            text = f"👍 Approved by {by}{_so_far(run)}"
        case "reject":
            text = f"🚫 Rejected by {by}: the runbook does nothing"
        case "escalate":
            text = f"⏫ Escalated by {by}: the next step is told now"
        case _:
            text = f"👤 Acknowledged by {by}"
    return Said(text, step.incident)


def _so_far(run: Run) -> str:
    """How many have agreed, where that is not all who are needed."""
    if run.approved or run.plan.approval is None:
        return ": the runbook goes on"
    have, needed = len(run.approved_by), run.plan.approval.count
    if have < needed:
        return f" ({have} of {needed})"
    return f" ({have} of {needed}; somebody must agree who did not ask for it)"


def _answerable(response_url: str, api_url: str) -> bool:
    """Whether an address is Slack's own, and nothing else that a body could name."""
    parts, api = urlsplit(response_url), urlsplit(api_url)
    if (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and host.endswith((".slack.com", ".slack-gov.com"))
