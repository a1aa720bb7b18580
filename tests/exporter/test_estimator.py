"""The default model inside sktime."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_sktime_takes_it() -> None:
    """Every one of sktime's own checks of a forecaster passes."""
    from sktime.utils.estimator_checks import check_estimator

    from exporter.models.estimator import TocsinForecaster

    results = check_estimator(TocsinForecaster, raise_exceptions=False, verbose=False)
    assert len(results) > 300
    assert [name for name, result in results.items() if result != "PASSED"] == []


def test_sktime_is_not_imported_on_the_way_to_scores() -> None:
    """Neither the exporter's application nor the default model needs sktime or pandas."""
    code = "import sys, exporter.app, exporter.score; print(sorted({'sktime', 'pandas', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
