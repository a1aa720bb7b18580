"""Whether Slack has a message already: it recognises no repeat, but keeps the key that each carries as metadata."""

from __future__ import annotations

from typing import Any

import structlog

from receiver.notify.slack_calls import SlackCalls, SlackRefused
from receiver.notify.slack_plan import Call

log = structlog.get_logger("receiver.slack")

LOOKED_AT = 200  # messages, the newest


async def already_posted(calls: SlackCalls, token: str, call: Call) -> dict[str, Any] | None:
    """What Slack answered to this `chat.postMessage` when it took it; None: it is not there, or we may not look.

    Raises:
        ChannelUnavailable: Slack cannot say just now.
    """
    channel, thread = str(call.arguments["channel"]), call.arguments.get("thread_ts")
    key = call.arguments["metadata"]["event_payload"]["key"]
    try:
        if channel.startswith(("U", "W")):
            opened = await calls.call(token, "conversations.open", {"users": channel})
            channel = str((opened.get("channel") or {}).get("id", ""))
        where = {"channel": channel, "include_all_metadata": True, "limit": LOOKED_AT}
        if thread is None:
            found = await calls.ask(token, "conversations.history", where)
        else:
            found = await calls.ask(token, "conversations.replies", where | {"ts": thread})
    except SlackRefused as error:  # a scope that it was not given: then a repeat is possible
        log.info("Slack cannot be asked whether a message is there; it is sent again", reason=str(error))
        return None
    for message in found.get("messages") or ():
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        if payload.get("key") == key:
            return {"channel": channel, "ts": message["ts"]}
    return None
