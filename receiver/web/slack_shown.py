"""What a click did, in the message that was clicked: pure, from the blocks that came with the click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.run import RunState
from receiver.notify.slack_blocks import PREFIX
from receiver.notify.slack_text import Block, context
from receiver.web.slack_payload import Click

DECISIONS = (f"{PREFIX}approve", f"{PREFIX}reject")


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a click; `kept` is false where nothing could be written."""

    text: str
    incident: Incident | None = None
    kept: bool = True


def shown_in(click: Click, said: Said) -> dict[str, Any]:
    """What changed, in the message that was clicked; else a word to the one who clicked."""
    if said.incident is None or not click.blocks:
        return {"response_type": "ephemeral", "replace_original": False, "text": said.text}
    told: list[Block] = []
    spot: int | None = None
    for one in click.blocks:
        if spot is None and said.incident.id in _incidents_of(one):  # above the buttons, or below a bundle's line
            spot = len(told) + (one.get("type") == "section")
        told += [block for block in (_still(one, said.incident),) if block]
    told.insert(len(told) if spot is None else spot, context(said.text))
    return {"replace_original": True, "text": said.text, "blocks": told[:50]}


def _still(block: Block, incident: Incident) -> Block | None:
    """A block of a message without what can no longer be done; None: nothing of it is left."""
    if incident.id not in _incidents_of(block):
        return block
    if block.get("type") == "section":
        return {name: value for name, value in block.items() if name != "accessory"}
    if incident.status is IncidentStatus.RESOLVED:
        return None
    gone = f"{PREFIX}acknowledge" if incident.status is IncidentStatus.ACKNOWLEDGED else f"{PREFIX}escalate"
    elements = [one for one in block.get("elements", []) if one.get("action_id") != gone]
    left = [one for one in elements if not _decided(one, incident)]
    return block | {"elements": left} if left else None


def _decided(button: Block, incident: Incident) -> bool:
    """Whether a button asks about a run that no longer waits for an answer."""
    if button.get("action_id") not in DECISIONS:
        return False
    run = incident.run(str(button.get("value", "") + "//").split("/")[2])
    return run is None or run.state is not RunState.AWAITING


def _incidents_of(block: Block) -> set[str]:
    """The incidents that a block's buttons are about."""
    buttons = [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
    ours = [one for one in buttons if str(one.get("action_id", "")).startswith(PREFIX)]
    return {str(one["value"]).partition("/")[0] for one in ours if "value" in one}
