"""The watchers beside the engine."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from receiver.watching import Lasting
from tests.receiver.harness import escalation, receiver


class Fragile:
    """Fails as often as it is told to, then ends well."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def run(self) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a bug")


async def test_watcher_that_fails() -> None:
    """A watcher that fails unexpectedly begins again, and the log has the whole story."""
    with capture_logs() as logs:
        await Lasting(Fragile(2), wait_seconds=0).run()
    assert [line["watcher"] for line in logs] == ["Fragile", "Fragile"]


async def test_what_runs(tmp_path: Path) -> None:
    """Everything that is configured runs, and nothing else."""
    config = escalation(("0s", ("alice",)), ping={"url": "http://127.0.0.1:1/"})
    async with receiver(tmp_path, config) as tocsin:
        running = [part.part for part in tocsin.receiver.watching.parts if isinstance(part, Lasting)]
        assert [type(part).__name__ for part in running] == ["HeartbeatWatch", "Ping"]
