"""How long to wait before a job is tried again."""

from __future__ import annotations

from datetime import timedelta

import tenacity

# Half of a time that doubles from a quarter of a second to five minutes, and a random part of the other half.
_back_off = tenacity.wait_exponential(0.125, max=150) + tenacity.wait_random_exponential(0.125, max=150)


def back_off(attempt: int) -> timedelta:
    """How long to wait after the n-th failed attempt, with jitter."""
    state = tenacity.RetryCallState(tenacity.AsyncRetrying(), None, (), {})
    state.attempt_number = attempt
    return timedelta(seconds=_back_off(state))
