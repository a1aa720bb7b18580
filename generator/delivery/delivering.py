"""One run of `plan` or `apply`: the place opened, looked at, and brought up to date if that was asked for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from generator.delivery.apply import Progress, State, apply
from generator.delivery.destination import Destination, Piece
from generator.delivery.options import Options
from generator.delivery.plan import Plan, Step, make
from generator.delivery.registry import Kind


@dataclass(slots=True)
class Delivery:
    """What is brought where. `progress` and `where` are there as soon as the place was looked at.

    `told` is called at each change of a step.
    """

    kind: Kind
    options: Options
    pieces: Sequence[Piece]
    prune: bool
    told: Callable[[Step, State, str], None] = lambda _step, _state, _why: None
    where: str = ""
    progress: Progress | None = None

    def look(self) -> Plan:
        """The plan.

        Raises:
            UsageError: an option of the place is missing or unusable.
            DeliveryError: it cannot be looked at.
        """
        return asyncio.run(self._look())

    def deliver(self) -> Progress:
        """The plan carried out; whoever interrupts this finds in `progress` how far it came.

        Raises:
            UsageError, DeliveryError: as with `look`.
            KeyboardInterrupt: somebody stopped it, by SIGTERM too.
        """
        try:
            return asyncio.run(self._deliver())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _look(self) -> Plan:
        async with self.kind.opened(self.options) as destination:
            return await self._planned(destination)

    async def _deliver(self) -> Progress:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        with suppress(NotImplementedError):  # not on every system
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with self.kind.opened(self.options) as destination:
            plan = await self._planned(destination)
            self.progress = Progress(plan, self.told)
            await apply(plan, destination, self.progress)
            return self.progress

    async def _planned(self, destination: Destination) -> Plan:
        self.where = destination.where
        return make(self.pieces, await destination.held(), prune=self.prune)
