"""Forecasters and detectors of sktime as models; what they promise as models is in test_models.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.compressed import plain as plain_bytes
from exporter.config import ExporterConfig, ModelSettings
from exporter.fitting import Here, Processes
from exporter.metrics import Metrics
from exporter.models import sktime_names, sktime_work
from exporter.models.choice import Told
from exporter.models.interest import Interest
from exporter.models.sktime_detections import SktimeDetections
from exporter.models.sktime_forecasts import SktimeForecasts
from exporter.models.sktime_schedule import Plan
from exporter.models.sktime_work import Spec, Work
from tests.commands import tocsin
from tests.exporter.fake import Fake, prometheus
from tests.exporter.series import DAY, PER_DAY, STEP, THURSDAY, frame, make, times
from tocsin.clock import ManualClock
from tocsin.config import load
from tocsin.errors import InputError

TOCSIN = Path(sys.executable).with_name("tocsin")
HOUR = 3_600.0


class Heard(Counter[str]):
    """Counts the outcomes of fits."""

    def __call__(self, outcome: str, message: str) -> None:
        self[outcome] += 1


def model(name: str, params: Mapping[str, Any], *, heard: Heard | None = None, **plan: float) -> SktimeForecasts:
    planned = Plan(STEP, **({"update": 3 * HOUR} | plan))
    return SktimeForecasts(Spec(name, params), planned, Here(), Interest(), Heard() if heard is None else heard)


FORECASTERS: list[tuple[str, dict[str, Any]]] = [
    ("NaiveForecaster", {"strategy": "mean", "window_length": 24}),
    ("ExponentialSmoothing", {"trend": "add", "damped_trend": True}),
    ("ThetaForecaster", {"sp": PER_DAY}),
]


@pytest.mark.parametrize(("name", "params"), FORECASTERS, ids=[name for name, _ in FORECASTERS])
def test_what_is_wrong_scores_high(name: str, params: dict[str, Any]) -> None:
    """A level that breaks away scores above 1 and is reported, whichever forecaster; its neighbour scores below."""
    values = make("flat", times(4), series=2, seed=5)
    values[0, -24:] += 90
    forecaster = model(name, params)
    state = forecaster.fit(frame(values[:, : -PER_DAY // 2]))
    start = THURSDAY + (values.shape[1] - PER_DAY // 2) * STEP
    _, scores = forecaster.update(state, frame(values[:, -PER_DAY // 2 :], start))
    assert scores.score[0, -24:].max() > 1
    assert scores.score[0, :-24].max() < 1
    assert scores.score[1].max() < 1
    assert (scores.event[0] > 0).sum() == 1
    inside = (values[1, -PER_DAY // 2 :] > scores.lower[1]) & (values[1, -PER_DAY // 2 :] < scores.upper[1])
    assert inside.mean() > 0.95


def test_forecasts_know_the_season() -> None:
    """What is forecast is what the forecaster predicts; the interval holds most of what comes, and grows."""
    values = make("daily", times(5), series=2, seed=6)
    seen = 4 * PER_DAY
    forecaster = model("ThetaForecaster", {"sp": PER_DAY}, longest=DAY)
    ahead = forecaster.forecast(forecaster.fit(frame(values[:, :seen])), range(1, PER_DAY + 1))
    came = values[:, seen:]
    assert np.abs(ahead.mean - came).mean() < 6
    assert 0.8 < ((came > ahead.lower) & (came < ahead.upper)).mean() <= 1
    width = ahead.upper - ahead.lower
    assert (width[:, -1] > width[:, 0]).all()


@pytest.mark.parametrize(
    ("name", "plan", "expected"),
    [
        ("NaiveForecaster", {"refit": 2.0 * DAY, "update": 6 * HOUR}, {"done", "updated"}),
        ("PolynomialTrendForecaster", {"refit": 6 * HOUR, "update": HOUR}, {"done"}),
    ],
)
def test_the_schedule(name: str, plan: dict[str, float], expected: set[str]) -> None:
    """What can learn more is updated between fits, what cannot is fitted anew; neither more often than planned."""
    values, heard = make("flat", times(3), series=1, seed=7), Heard()
    forecaster = model(name, {}, heard=heard, **plan)
    state = forecaster.fit(frame(values[:, : 2 * PER_DAY]))
    heard.clear()
    forecaster.update(state, frame(values[:, 2 * PER_DAY :], THURSDAY + 2 * DAY))
    assert set(heard) <= expected
    assert 3 <= sum(heard.values()) <= 9


def test_drift_brings_a_fit() -> None:
    """A series that has changed for good is fitted anew before its time, and then is expected where it is."""
    values, heard = make("flat", times(5), series=1, seed=8), Heard()
    values[0, 3 * PER_DAY :] += 40
    forecaster = model("PolynomialTrendForecaster", {"degree": 0}, heard=heard, refit=30.0 * DAY, window=DAY)
    state = forecaster.fit(frame(values[:, : 2 * PER_DAY]))
    heard.clear()
    _, scores = forecaster.update(state, frame(values[:, 2 * PER_DAY :], THURSDAY + 2 * DAY))
    assert heard["done"] >= 1
    assert abs(scores.expected[0, -PER_DAY // 4 :].mean() - 140) < 5


def test_a_fit_that_fails() -> None:
    """What cannot be fitted is counted, told once, and the series is expected to stay where it is."""
    metrics = Metrics()
    told = Told("q", "ExponentialSmoothing", metrics)
    spec = Spec("ExponentialSmoothing", {"seasonal": "add", "sp": 10_000})
    forecaster = SktimeForecasts(spec, Plan(STEP), Here(), Interest(), told)
    values = make("flat", times(1), series=2, seed=9)
    with capture_logs() as logs:
        state = forecaster.fit(frame(values[:, :-1]))
        _, scores = forecaster.update(state, frame(values[:, -1:], THURSDAY + DAY - STEP))
    np.testing.assert_array_equal(scores.expected[:, 0], values[:, -2])
    assert metrics.registry.get_sample_value("tocsin_exporter_fits_total", {"query": "q", "outcome": "failed"}) == 4
    assert [entry["event"] for entry in logs] == ["a fit failed"]


def test_a_restart_needs_no_fit() -> None:
    """A state that was restored predicts at once; fits come when they are due."""
    values, heard = make("flat", times(2), series=2, seed=10), Heard()
    forecaster = model("NaiveForecaster", {}, heard=heard)
    state = forecaster.restore(forecaster.arrays(forecaster.fit(frame(values[:, :PER_DAY]))))
    heard.clear()
    forecaster.update(state, frame(values[:, PER_DAY : PER_DAY + 12], THURSDAY + DAY))
    assert not heard
    assert forecaster.forecast(state, [1]).mean[0, 0] == pytest.approx(100, abs=20)


def test_a_detector_scores() -> None:
    """What a detector flags scores above 1, and has neither expectation nor forecast."""
    values = make("flat", times(2), series=2, seed=11)
    values[0, -1] += 200
    detector = SktimeDetections(Spec("HampelDetector"), STEP, 8 * HOUR, Here(), Interest(), Heard())
    state = detector.fit(frame(values[:, :-6]))
    state, scores = detector.update(state, frame(values[:, -6:], THURSDAY + 2 * DAY - 6 * STEP))
    assert scores.score[0, -1] > 1 > scores.score[0, :-1].max()
    assert scores.score[1].max() < 1
    assert np.isnan(scores.expected).all()
    assert np.isnan(detector.forecast(state, [1]).mean).all()


def _die(on: int) -> int:
    os._exit(on)


def _process(on: int) -> tuple[int, int]:
    return os.getpid(), os.nice(0)


def test_processes() -> None:
    """Work runs elsewhere and behind us; one that kills its process fails alone, and the next one runs."""
    workers = Processes(1)
    try:
        process, nice = workers.submit(_process, 0).result(60)
        assert process != os.getpid()
        assert nice > os.nice(0)
        assert workers.submit(_die, 3).exception(60) is not None
        assert workers.submit(_process, 0).result(60)[0] not in (process, os.getpid())
        assert workers.room() > 0
    finally:
        workers.close()
    assert workers.room() == 0
    assert workers.submit(_process, 0).exception(1) is not None


REFUSED = [
    ("ExponentialSmothing", {}, "no forecaster or detector", "ExponentialSmoothing"),
    ("ExponentialSmoothing", {"trand": "add"}, "no parameter 'trand'", "did you mean trend"),
    ("Prophett", {}, "no forecaster or detector", "Prophet"),
    ("SubLOF", {}, "does not take these parameters", "reference"),
    ("MomentFMForecaster", {}, "is not installed", "pip install"),
    ("Detrender", {}, "no forecaster or detector", "?"),
    ("STLForecaster", {"forecaster_trend": {"sktime": "NaiveForecastr"}}, "'NaiveForecastr'", "NaiveForecaster"),
    ("STLForecaster", {"forecaster_trend": {"sktime": "NaiveForecaster", "params": {"a": 1}}}, "'a'", "strategy"),
]


@pytest.mark.parametrize(("name", "params", "said", "hint"), REFUSED, ids=[f"{case[0]}{case[1]}" for case in REFUSED])
def test_refused(tmp_path: Path, name: str, params: dict[str, Any], said: str, hint: str) -> None:
    """A wrong name or parameter, or a package that is missing, is a problem of the configuration, with the way out."""
    file = tmp_path / "exporter.yml"
    file.write_text(
        "prometheus: {url: http://127.0.0.1:9090}\nqueries:\n  - name: a\n    expr: up\n"
        f"    model: {{sktime: {name}, params: {params or '{}'}}}\n"
    )
    with pytest.raises(InputError) as refused:
        load(file, ExporterConfig)
    (problem,) = refused.value.problems
    assert said in problem.message
    assert hint in problem.hint
    assert problem.at.line == 5


def test_an_estimator_as_a_parameter() -> None:
    """A parameter that describes an estimator is that estimator; any other mapping stays what it is."""
    trend = {"sktime": "NaiveForecaster", "params": {"strategy": "mean"}}
    found = sktime_names.estimator("STLForecaster", {"sp": 12, "forecaster_trend": trend})
    assert (type(found.forecaster_trend).__name__, found.forecaster_trend.strategy) == ("NaiveForecaster", "mean")
    other = sktime_names.estimator("ThetaForecaster", {"deseasonalize_model": {"a": 1}})
    assert other.deseasonalize_model == {"a": 1}


PYOD = """
class IForest(object):
    def __init__(self, contamination=0.1):
        self.contamination = contamination
"""


def test_detectors_of_pyod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyOD's detectors are found by name in its files; a wrong name or parameter is told with the way out."""
    with pytest.raises(sktime_names.Refused, match="needs pyod, which is not installed") as refused:
        sktime_names.of_pyod("IForest", {})
    assert refused.value.hint == "pip install 'pyod'"
    (tmp_path / "pyod/models").mkdir(parents=True)
    for file, text in (("__init__", ""), ("models/__init__", ""), ("models/iforest", PYOD)):
        (tmp_path / f"pyod/{file}.py").write_text(text)
    (tmp_path / "pyod/models/deep.py").write_text("import torch_is_not_here\n\n\nclass Deep(object):\n    ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert sktime_names.of_pyod("IForest", {"contamination": 0.2}).contamination == 0.2
    for name, params, said in (
        ("IForrest", {}, "PyOD has no detector 'IForrest'"),
        ("IForest", {"n": 1}, "does not take these parameters"),
        ("Deep", {}, "torch_is_not_here"),
    ):
        with pytest.raises(sktime_names.Refused, match=said):
            sktime_names.of_pyod(name, params)


class Inside:
    """As PyOD's detectors are: larger is stranger, wherever zero lies."""

    def decision_function(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(values[:, 0]) - 200.0


class Adapter:
    """As sktime's adapter of them is: what it predicts is not to be used."""

    def fit(self, frame: Any) -> None:
        self.estimator_ = Inside()

    def transform_scores(self, frame: Any) -> Any:
        raise AssertionError("the detector inside is to be asked")


def test_the_detector_inside_an_adapter_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyOD's detectors say becomes evidence: how far each value's score lies above the median one."""
    monkeypatch.setattr(sktime_work, "estimator", lambda name, params: Adapter())
    values = np.array([1.0, 2.0, 3.0, 4.0, 50.0])
    work = Work(Spec("PyODDetector"), values, 0.0, STEP, np.empty(0, np.int64))
    assert sktime_work.detect(work).tolist() == [0.0, 0.0, 0.0, 1.0, 47.0]


@pytest.mark.parametrize("extra", sorted(set(sktime_names.EXTRAS.values())))
def test_a_missing_package_names_the_extra(extra: str) -> None:
    """What an extra of ours brings is installed by that extra, which pyproject.toml has."""
    package = next(package for package, name in sktime_names.EXTRAS.items() if name == extra)
    assert sktime_names.install([f"{package}>=1"]) == f"pip install 'tocsin[{extra}]'"
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\n{extra} = ["{package}' in project


def test_without_a_name() -> None:
    """`model: default`, and no model at all, are the default one; it takes no parameters."""
    assert ModelSettings.model_validate("default") == ModelSettings()
    with pytest.raises(ValueError, match="has no params"):
        ModelSettings.model_validate({"params": {"a": 1}})


@pytest.mark.slow(30)
@pytest.mark.filterwarnings("ignore")
def test_the_registry_knows_the_same_names() -> None:
    """Names are looked for in files: they are those of sktime's own registry."""
    from sktime.registry import all_estimators

    known = {name: found for kind in ("forecaster", "detector") for name, found in all_estimators(kind)}
    known.pop("PluginParamsForecaster")  # its parameters are estimators, which no configuration can write
    assert set(known) <= set(sktime_names.modules())
    for name in ("ThetaForecaster", "HampelDetector", "Prophet"):
        assert sktime_names.named(name) is known[name]


@pytest.mark.slow(20)
def test_the_list() -> None:
    """`tocsin exporter models` tells what a fit and an update cost; a name that is none is refused."""
    command: list[Any] = [
        TOCSIN,
        "exporter",
        "models",
        "default",
        "NaiveForecaster",
        "--values",
        "300",
        "--format",
        "json",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    default, naive = json.loads(ran.stdout)["models"]
    assert default["fit_seconds"] > default["update_seconds"] > 0
    assert naive["kind"] == "forecaster"
    assert naive["update_seconds"] > 20 * default["update_seconds"]
    refused = tocsin("exporter", "models", "Naive")
    assert refused.returncode == 2
    assert "NaiveForecaster" in refused.stderr


@pytest.mark.slow(20)
async def test_a_whole_exporter() -> None:
    """A query that names a forecaster is fitted in processes, scored and forecast, beside one of the default model."""
    now = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()
    fake = Fake({"q": [({"shop": shop}, lambda when: 100.0 + when // STEP % 7) for shop in "ab"]})
    named = {"sktime": "NaiveForecaster", "params": {"strategy": "mean", "window_length": 12}}
    plain = {"expr": "q", "step": "5m", "history": "1d", "delay": "0s", "horizons": ["1h"]}
    queries = [plain | {"name": "one", "model": named}, plain | {"name": "other"}]
    config = ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": queries})
    clock, metrics = ManualClock(datetime.fromtimestamp(now, UTC)), Metrics()
    async with prometheus(fake) as api:
        exporter = Exporter.build(config, api, clock, metrics=metrics)
        try:
            began = time.monotonic()
            for watch in exporter.watches:
                await watch.step()
            assert time.monotonic() - began < 100
            one = plain_bytes(exporter.watches[0].snapshot.blocks["tocsin_forecast"]).decode()
            assert one.count('horizon="1h"') == 2
            assert [watch.snapshot.series for watch in exporter.watches] == [2, 2]
            fits = metrics.registry.get_sample_value("tocsin_exporter_fits_total", {"query": "one", "outcome": "done"})
            assert fits
            assert fits >= 2
        finally:
            exporter.workers.close()
