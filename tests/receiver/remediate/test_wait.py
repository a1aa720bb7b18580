"""Steps of kind `wait`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from receiver.remediate.steps.wait import WaitStep
from receiver.remediate.values import Values


def test_a_wait_says_how_long() -> None:
    """Its action tells people and the worker how long it takes, and its time limit is never shorter than that."""
    action = WaitStep.model_validate({"for": "1h"}).action(Values())
    assert action.kind == "wait"
    assert action.does == "wait 1h"
    assert action.arguments == {"seconds": 3600.0}
    assert action.timeout.total_seconds() > 3600


@pytest.mark.parametrize("value", ["0s", "1h1s", "2d", 60, "soon"])
def test_a_wait_is_bounded(value: object) -> None:
    """No wait at all, one longer than an hour, or one without a unit is refused."""
    with pytest.raises(ValidationError):
        WaitStep.model_validate({"for": value})
