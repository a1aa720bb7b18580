"""The default model inside sktime."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

# Of sktime's checks those that this class alone can fail; all of them pass, but they take minutes:
# check_estimator(TocsinForecaster).
CHECKS = [
    "test__y_remember_data",
    "test_class_has_doctest_example",
    "test_clone",
    "test_constructor",
    "test_create_test_instance",
    "test_cutoff",
    "test_fh_attribute",
    "test_fit_does_not_overwrite_hyper_params",
    "test_fit_updates_state",
    "test_get_test_params",
    "test_get_test_params_coverage",
    "test_has_common_interface",
    "test_inheritance",
    "test_object_tags",
    "test_pred_int_tag",
    "test_predict_quantiles",
    "test_predict_series_name_preserved",
    "test_set_params",
    "test_update_predict_single",
    "test_valid_estimator_class_tags",
    "test_y_invalid_type_raises_error",
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_sktime_takes_it() -> None:
    """sktime's own checks of a forecaster pass."""
    from sktime.utils.estimator_checks import check_estimator

    from exporter.models.estimator import TocsinForecaster

    results = check_estimator(TocsinForecaster(), raise_exceptions=False, tests_to_run=CHECKS, verbose=False)
    assert len(results) > len(CHECKS)
    assert [name for name, result in results.items() if result != "PASSED"] == []


def test_it_warns_of_nothing() -> None:
    """Making one, fitting and forecasting bring no warning."""
    import pandas as pd

    from exporter.models.estimator import TocsinForecaster

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ahead = TocsinForecaster().fit(pd.Series([1.0, 2.0, 1.0, 2.0])).predict(fh=[1, 2])
    assert ahead.shape == (2,)


def test_sktime_is_not_imported_on_the_way_to_scores() -> None:
    """Neither the exporter's application nor the default model needs sktime or pandas."""
    code = "import sys, exporter.app, exporter.score; print(sorted({'sktime', 'pandas', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
