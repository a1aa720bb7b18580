"""Feedback and explanations with every kind of model: of sktime, and two in a contest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from exporter.assembly import Assembly
from exporter.config import QuerySettings
from exporter.explaining.explain import figures
from exporter.explaining.words import words
from exporter.feedback.teaching import about, look, own_score
from exporter.feedback.verdict import Said, Verdict, Word
from exporter.fitting import Here
from exporter.frame import Floats, Frame
from exporter.metrics import Metrics
from exporter.model import Scores
from exporter.models.contest import Contest
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case
from tests.exporter.series import STEP, THURSDAY, make, times
from tocsin.clock import ManualClock

NAIVE, DEFAULT = {"sktime": "NaiveForecaster"}, "default"
DETECTOR = {"sktime": "HampelDetector", "window": "4h"}
MODELS: dict[str, dict[str, Any]] = {
    "forecaster": {"model": NAIVE},
    "detector": {"model": DETECTOR},
    "contest": {"model": DEFAULT, "challenger": NAIVE},
    "contest the other way": {"model": NAIVE, "challenger": DEFAULT},
}
LABELS = [{"series": "a"}, {"series": "b"}]
KEYS = [(("series", "a"),), (("series", "b"),)]
STEPS, SHOWN = 120, 24
SPIKE = slice(STEPS - 12, STEPS - 8)
HUGE, SMALL = 600.0, 27.0
AT = THURSDAY + (STEPS - 12) * STEP
DURING = slice(SHOWN - 12, SHOWN - 8)

pytestmark = pytest.mark.parametrize("name", MODELS)


def query(name: str) -> QuerySettings:
    return QuerySettings.model_validate(
        {"name": "q", "expr": "x", "step": "5m", "false_alarms_per_month": 5, **MODELS[name]}
    )


def model(name: str, verdicts: tuple[Verdict, ...] = ()) -> Any:
    return Assembly(Metrics(), ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Here(), verdicts=lambda: verdicts).model(
        query(name)
    )


def spiked(size: float) -> Floats:
    values = make("flat", times(1), series=2, seed=2)[:, -STEPS:]
    values[:, SPIKE] += size
    return values


def case(name: str, values: Floats, verdicts: tuple[Verdict, ...] = ()) -> Case:
    span = Span(THURSDAY + (STEPS - SHOWN) * STEP, THURSDAY + (STEPS - 1) * STEP)
    return Case(query(name), KEYS[:1], Frame(values[:1], LABELS[:1], THURSDAY, STEP), span, model(name, verdicts))


def said(name: str, values: Floats, word: Word) -> Verdict:
    points = look(case(name, values), AT)
    return Said("q", KEYS[0], AT, word, "", "me", 1.0).verdict_on(about(points, word), None)


def played(name: str, values: Floats, *verdicts: Verdict) -> Scores:
    """The scores of both series in what is shown."""
    chosen, first = model(name, verdicts), STEPS - SHOWN
    state = chosen.fit(Frame(values[:, :first], LABELS, THURSDAY, STEP))
    rest = Frame(values[:, first:], LABELS, THURSDAY + first * STEP, STEP)
    scores: Scores = chosen.update(state, rest)[1]
    return scores


def test_normal_is_taught(name: str) -> None:
    """A spike called normal scores below 1 from then on, at its series alone; no event is reported there."""
    values = spiked(HUGE)
    verdict = said(name, values, "normal")
    plain, taught = played(name, values), played(name, values, verdict)
    assert np.nanmax(plain.score[0, DURING]) > 1
    assert np.nanmax(taught.score[0, DURING]) < 1
    assert np.nanmax(taught.event[0, DURING]) == 0
    np.testing.assert_array_equal(taught.score[1], plain.score[1])
    assert own_score(verdict, [verdict]) < 1 < own_score(verdict, [])


def test_an_anomaly_is_taught(name: str) -> None:
    """What scored too little is raised where it says anomaly."""
    values = spiked(SMALL)
    verdict = said(name, values, "anomaly")
    plain, taught = (played(name, values, *verdicts).score for verdicts in ((), (verdict,)))
    assert np.nanmax(taught[0, DURING]) > min(1.0, 3.0 * np.nanmax(plain[0, DURING]))
    np.testing.assert_array_equal(taught[1], plain[1])


def test_it_is_explained(name: str) -> None:
    """Every model tells its evidence, tails and event rule; in a contest both tell what they say."""
    values = spiked(HUGE)
    verdict = said(name, values, "normal")
    found = figures(case(name, values), AT)
    alone = [one["score_alone"] for one in found["evidence"]]
    assert np.sqrt(np.sum(np.square(alone))) == pytest.approx(found["score"], rel=1e-2)
    assert all(one["tail"]["begins"] > 0 and one["meaning"] for one in found["evidence"])
    assert found["event_rule"]["quiet_steps"] == 144
    assert found["anomalous"]
    assert [one["champion"] for one in found["models"]] == [True, False][: len(found["models"])]
    assert len(found["models"]) == (2 if isinstance(case(name, values).model, Contest) else 1)
    assert found["models"][0]["model"] == found["model"]
    assert ("views" in found) is (found["model"] == DEFAULT)
    if name != "detector":
        assert found["usual_deviation"] > 0
        assert found["lower"] < found["expected"] < found["upper"]
    json.dumps(found, allow_nan=False)
    text = words(found, "UTC")
    assert "Evidence" in text
    assert ("challenger" in text) is name.startswith("contest")
    heard = figures(case(name, values, (verdict,)), AT, (verdict,))
    assert heard["score"] < 1 < heard["score_without_feedback"]
    assert heard["feedback"][0]["changes"] < 0
    assert "(me); changes this score by -" in words(heard, "UTC")
