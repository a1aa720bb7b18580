"""What Slack sends when somebody presses one of our buttons. Nothing of it is believed before its signature is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from receiver.notify.slack_blocks import PREFIX
from receiver.notify.slack_text import Block


class _User(msgspec.Struct):
    id: str


class _Option(msgspec.Struct):
    value: str = ""


class _Action(msgspec.Struct):
    action_id: str
    value: str = ""
    selected_option: _Option | None = None


class _Message(msgspec.Struct):
    blocks: list[dict[str, Any]] = []


class _Payload(msgspec.Struct):
    """Source: docs.slack.dev/reference/interaction-payloads/block_actions-payload."""

    type: str
    user: _User | None = None
    actions: list[_Action] = []
    response_url: str = ""
    message: _Message | None = None


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody pressed a button; `blocks` is the message as they saw it, `round` how far the incident had gone then."""

    user: str
    action: str
    incident: str
    round: int
    choice: str = ""
    response_url: str = ""
    blocks: tuple[Block, ...] = ()


def read(payload: bytes | str | dict[str, Any]) -> Click | None:
    """The click that Slack tells of; None: it is about nothing of ours.

    Raises:
        ValueError: it is not what Slack sends.
    """
    if isinstance(payload, dict):
        told = msgspec.convert(payload, _Payload)
    else:
        told = msgspec.json.decode(payload, type=_Payload)
    action = next((one for one in told.actions if one.action_id.startswith(PREFIX)), None)
    if told.type != "block_actions" or action is None or told.user is None:
        return None
    value = action.selected_option.value if action.selected_option is not None else action.value
    incident, _, rest = value.partition("/")
    round_, _, choice = rest.partition("/")
    if not (round_.isascii() and round_.isdecimal()):
        raise ValueError(f"the button's value {value[:100]!r} is none of ours")
    return Click(
        user=told.user.id,
        action=action.action_id.removeprefix(PREFIX),
        incident=incident,
        round=int(round_[:9]),
        choice=choice,
        response_url=told.response_url,
        blocks=tuple(told.message.blocks) if told.message is not None else (),
    )
