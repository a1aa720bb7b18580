"""Alerts that bodies leave out."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver


async def test_left_out_and_nobody_asks(tmp_path: Path) -> None:
    """What a body leaves out is counted; that nothing will be known of it is said once, with the way out."""
    async with receiver(tmp_path) as tocsin:
        with capture_logs() as logs:
            for _ in range(2):
                await tocsin.post(body(alert(), truncatedAlerts=3))
        assert [line["left_out"] for line in logs if "max_alerts: 0" in line["event"]] == [3]
        assert "tocsin_receiver_alerts_truncated_total 6.0" in await (await tocsin.client.get("/metrics")).text()
