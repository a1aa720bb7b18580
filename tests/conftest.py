"""What tests of several floors ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import real


@pytest.fixture(params=real.FOLDERS)
def binaries(request: pytest.FixtureRequest) -> real.Binaries:
    """A pair of real binaries; the test runs on the current pair and on the oldest supported one."""
    return real.pair(request.param)


@pytest.fixture
def promtool(binaries: real.Binaries) -> Path:
    """The promtool of each pair."""
    return binaries.promtool
