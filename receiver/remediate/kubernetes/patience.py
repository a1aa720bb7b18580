"""How long it is waited: seconds that only go forward, and sleep. Tests bring their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Patience(Protocol):
    """Counts seconds and lets them pass."""

    def seconds(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RealPatience:
    """The machine's."""

    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
