"""What ships is proven, by every promtool that is supported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.proofs import told
from tests.rulepacks.shipped import NAMES, ROOT


@pytest.mark.real
@pytest.mark.slow(seconds=10)
@pytest.mark.parametrize("name", NAMES)
def test_every_alert_that_ships_is_proven(name: str, promtool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fires when it should and not before, and its texts are whole."""
    monkeypatch.chdir(ROOT)
    outcome = told(promtool, f"rulepacks/{name}", "--min-coverage", "100", "--timeout", "10m")
    assert outcome.code == 0, outcome.out + outcome.err
