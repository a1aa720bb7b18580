"""The recommender's model: names of its own, one model."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import DAY_SECONDS
from demo.shop.series import Made, counter, gauge, histogram, lognormal
from demo.shop.services import RECOMMENDER
from demo.shop.simulation import Stretch

MODEL = "recommendations"
BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
FEATURES = {"listening_history": 1.0, "track_embedding": 0.6, "time_of_day": 0.1}  # and how far each drifts
TRAINED_AT_SECONDS = 3 * 3600.0  # of each day


def serving(stretch: Stretch) -> Made:
    """Predictions, and how long they take."""
    asked = stretch.requests_per_second(RECOMMENDER)
    yield counter("ml_predictions_total", "Predictions made.")(model=MODEL), stretch.poisson(asked)
    yield counter("ml_prediction_errors_total", "Predictions that failed.")(model=MODEL), stretch.poisson(asked * 2e-4)
    depth = gauge("ml_queue_depth", "Requests that wait for a prediction.")
    yield depth(model=MODEL), stretch.rng.poisson(0.8 * stretch.busy).astype(float)
    took = histogram("ml_prediction_duration_seconds", "How long a prediction took.")
    yield from lognormal(
        took,
        stretch.rng,
        asked * stretch.seconds,
        0.03 * stretch.load(RECOMMENDER),
        spread=0.45,
        edges=BUCKETS_SECONDS,
        labels={"model": MODEL},
    )


def quality(stretch: Stretch) -> Made:
    """How good the predictions are, and how far the world is from what the model learned."""
    drift = stretch.wrong("model-drift")
    good = gauge("ml_model_quality", "How good the model is, 0 to 1, by metric.")
    for metric, usual in (("ndcg", 0.82), ("auc", 0.91)):
        measured = usual * (1 - 0.08 * drift) + stretch.rng.normal(0, 0.002, stretch.times.shape)
        yield good(model=MODEL, metric=metric), np.round(measured, 4)
    index = gauge("ml_data_drift", "Population stability index of a feature against training.")
    for feature, part in FEATURES.items():
        measured = stretch.noisy(0.05 + 0.3 * part * drift, 0.04)
        yield index(model=MODEL, feature=feature), np.round(measured, 4)
    out = gauge("ml_prediction_drift", "Population stability index of the predictions against training.")
    yield out(model=MODEL), np.round(stretch.noisy(0.04 + 0.2 * drift, 0.04), 4)
    age = gauge("ml_feature_age_seconds", "Age of the newest features, by group.")
    for group, every in (("user", 300.0), ("track", 3600.0)):
        yield age(model=MODEL, feature_group=group), np.round(60 + stretch.times % every)
    trained = gauge("ml_training_last_success_timestamp_seconds", "When the last training succeeded.")
    day = (stretch.times - TRAINED_AT_SECONDS) // DAY_SECONDS * DAY_SECONDS + TRAINED_AT_SECONDS
    yield trained(model=MODEL), day
    runs = counter("ml_training_runs_total", "Trainings, by outcome.")
    before = (stretch.times - stretch.seconds - TRAINED_AT_SECONDS) // DAY_SECONDS * DAY_SECONDS + TRAINED_AT_SECONDS
    yield runs(model=MODEL, outcome="success"), (day - before) / DAY_SECONDS
    yield runs(model=MODEL, outcome="failure"), 0
