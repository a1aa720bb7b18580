"""Slack by an app's bot token: one message an incident and address, with buttons, updated in place."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AnyHttpUrl, Field
from pydantic_core import PydanticCustomError

from receiver.notify.channel import ChannelRefused, Envelope, Receipt
from receiver.notify.run_message import ABOUT_RUNS
from receiver.notify.slack_calls import SlackCalls, SlackRefused
from receiver.notify.slack_plan import Call, Place, Plan, plan, told_by
from receiver.notify.slack_repeats import already_posted
from receiver.notify.text import Writer
from tocsin.config import Duration, Settings, read_secret
from tocsin.errors import MissingExtra

TOO_MUCH = {"msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "block_mismatch"}
GONE = {"message_not_found", "thread_not_found"}
FIXED = {"cant_update_message", "edit_window_closed"}  # the workspace lets nobody edit; the thread goes on


def _conversation(text: str) -> str:
    known = text[:1] in ("C", "G", "D") and text.isascii() and text.isalnum() and text.isupper() and len(text) <= 30
    if not known:
        hint = "write it as C024BE91L; Slack: the channel's details, at the bottom"
        raise PydanticCustomError("conversation", "is no channel's id", {"hint": hint})
    return text


Conversation = Annotated[str, AfterValidator(_conversation)]


class SlackSettings(Settings):
    """An app of a workspace, where it writes, and how answers come back."""

    bot_token_file: Path = Field(description="The bot token, `xoxb-…`.")
    channel: Conversation | None = Field(None, description="The channel's id; none: people alone.")
    signing_secret_file: Path | None = Field(None, description="Answers by request URL: the app's signing secret.")
    app_token_file: Path | None = Field(None, description="Answers by Socket Mode: an app-level token, `xapp-…`.")
    api_url: AnyHttpUrl = Field(AnyHttpUrl("https://slack.com/api/"), description="Slack's API.")
    timeout: Duration = Field(timedelta(seconds=10), description="For one call.")


class SlackChannel:
    """Writes to a channel, or to a person by their member id."""

    contact: ClassVar[str] = "slack"
    follows: ClassVar[bool] = True
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: SlackSettings, writer: Writer) -> None:
        """Takes the settings.

        Raises:
            MissingExtra: slack-sdk is not installed.
        """
        if importlib.util.find_spec("slack_sdk") is None:
            raise MissingExtra("slack-sdk", "slack")
        self.settings = settings
        self.calls = SlackCalls(str(settings.api_url), settings.timeout)
        self._writer = writer

    async def send(self, envelope: Envelope) -> Receipt:
        """Posts the incident's message, or updates it and goes on in its thread."""
        planned = self._plan(envelope)
        if not planned.calls and planned.place is not None:
            return Receipt(skipped="everything that it would tell has been told")
        token = read_secret(self.settings.bot_token_file)
        try:
            return await self._done(envelope, planned, token)
        except SlackRefused as error:
            if error.code in TOO_MUCH:
                return await self._done(envelope, self._plan(envelope, short=True), token)
            if error.code in GONE and envelope.message == "update":
                return Receipt(skipped="somebody deleted its message in Slack")
            if error.code in GONE:
                return await self._done(envelope, self._plan(_afresh(envelope)), token)
            raise

    async def _done(self, envelope: Envelope, planned: Plan, token: str) -> Receipt:
        place, of_a_run = planned.place, envelope.message in ABOUT_RUNS
        for call in planned.calls:
            try:
                answer = await self._made(envelope, call, token)
            except SlackRefused as error:
                if call.method == "chat.update" and error.code in FIXED and len(planned.calls) > 1:
                    continue
                raise
            if place is None:
                place = Place(str(answer.get("channel", "")), str(answer.get("ts", "")), 0, envelope.incident.id)
        if place is None or of_a_run:  # the incident's own message stands elsewhere, or is still to come
            return Receipt()
        return Receipt(str(Place(place.channel, place.ts, told_by(envelope), place.incident)))

    async def _made(self, envelope: Envelope, call: Call, token: str) -> dict[str, Any]:
        """What Slack answers to a call; what an earlier attempt may have posted is looked for first."""
        if envelope.attempt > 1 and call.method == "chat.postMessage":
            posted = await already_posted(self.calls, token, call)
            if posted is not None:
                return posted
        return await self.calls.call(token, call.method, call.arguments)

    def preview(self, envelope: Envelope) -> str:
        """The calls of Slack's API that would be made, as JSON."""
        calls = [{"method": call.method} | call.arguments for call in self._plan(envelope).calls]
        return json.dumps(calls, indent=2, ensure_ascii=False)

    async def close(self) -> None:
        """Lets go of the connections."""
        await self.calls.close()

    def _plan(self, envelope: Envelope, *, short: bool = False) -> Plan:
        address = envelope.to.address if envelope.to is not None else self.settings.channel or ""
        if not address:
            raise ChannelRefused("it names no channel; add channel: C…, or tell people by it")
        return plan(envelope, address, self._writer.write(envelope).subject, short=short)


def _afresh(envelope: Envelope) -> Envelope:
    """As if nothing had been posted yet."""
    return replace(envelope, reference="")
