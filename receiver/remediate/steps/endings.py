"""What the end of a program means for its step."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.remediate.program import Ending
from receiver.remediate.step import Done


def told(ending: Ending | None, expected: Sequence[int], seconds: float) -> Done:
    """What an ending means. One that was cut off may have done half of it: nobody knows, so it is not `failed`."""
    if ending is None:
        return Done("unknown", reason="it was lost from sight: what watched it was ended")
    if ending.error:
        return Done("failed", reason=f"it could not be started: {ending.error}; nothing was done")
    if ending.stuck:
        return Done("unknown", reason=f"{ending.stuck} of its processes cannot be ended, and may go on")
    if ending.cut:
        why = f"it was not done after {seconds:g} s" if ending.cut == "time" else "it was called off"
        return Done("unknown", reason=f"{why} and was ended; how much it had done is not known")
    if ending.exit is None:
        return Done("unknown", reason=f"signal {ending.signal} ended it; how much it had done is not known")
    left = f"; what it left behind was ended ({ending.left})" if ending.left else ""
    if ending.exit in expected:
        return Done("succeeded", reason=f"it ended with {ending.exit}{left}")
    return Done("failed", reason=f"it ended with {ending.exit}{left}")
