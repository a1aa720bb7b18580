"""What correlation knows outlives a restart; what is corrupt is learned anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from receiver.store.schema import learned
from tests.receiver.bodies import alert, body
from tests.receiver.causes.test_merging import STEPS, TOPOLOGY, on
from tests.receiver.harness import escalation, receiver


@pytest.mark.parametrize("content", [b"{", b'{"version": 99}', None])
async def test_what_was_learned_survives(
    tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """As it was stored; from history, with a warning, where that is corrupt or of a newer version."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        await tocsin.post(on("DatabaseDown", "catalog", start=0))
        await tocsin.post(on("HighErrorRate", "player", start=40))
        await tocsin.advance(minutes=2)
        await tocsin.post(on("HighErrorRate", "player", start=40))
        if content is not None:
            async with tocsin.database.write() as connection:
                changed = await connection.execute(sa.update(learned).values(learned=content))
                assert changed.rowcount == 1
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        await tocsin.post(body(alert("DiskFull", start=200), group="x"))
        boards = await tocsin.receiver.loop._boards.boards(tocsin.clock.now())
        assert boards["default"].learned.names["HighErrorRate"].followed == pytest.approx(1.0, rel=0.01)
        assert boards["default"].learned.names["DatabaseDown"].gained == pytest.approx(1.0, rel=0.01)


async def test_a_batch_that_breaks_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body whose commit fails is decided again, upon what the store knows."""
    from receiver.store.database import Conflict
    from receiver.store.ledger import Ledger

    failures = [Conflict("somebody was quicker")]
    commit = Ledger.commit_processed

    async def failing(self: Ledger, *args: object, **kwargs: object) -> None:
        if failures:
            raise failures.pop()
        await commit(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "commit_processed", failing)
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        await tocsin.post(on("DatabaseDown", "catalog", start=0))
        await tocsin.post(on("HighErrorRate", "player", start=40))
        (incident,) = await tocsin.incidents()
        assert incident["alerts"] == 2
        boards = await tocsin.receiver.loop._boards.boards(tocsin.clock.now())
        assert boards["default"].learned.names["DatabaseDown"].opened == pytest.approx(1.0, rel=0.01)
