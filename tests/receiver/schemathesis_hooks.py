"""What a made-up request cannot know, given to schemathesis: that a key names one request, and what a cursor is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """A request that is meant to be right gets a key that nobody had, and the first page."""
    if case.meta is None or case.meta.generation.mode.value != "positive":
        return
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid4().hex
    if case.query:
        case.query.pop("cursor", None)
