"""Expensive work on a real cluster of dask.distributed: a scheduler and two workers, each a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from exporter.assembly import workers_of
from exporter.config import ExporterConfig
from exporter.fitting import Dask, Processes
from exporter.models.interest import Interest
from exporter.models.sktime_forecasts import SktimeForecasts
from exporter.models.sktime_schedule import Plan
from exporter.models.sktime_work import Spec
from tests.exporter.series import STEP, frame, make, times

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0

pytestmark = [pytest.mark.slow(40), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    file, log = folder / "scheduler.json", (folder / "log").open("wb")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
        *[["worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--name", name, "--no-nanny",
           "--local-directory", str(folder)] for name in ("one", "two")],
    ]  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + name, *arguments], env=environment, stdout=log, stderr=log
        )
        for name, *arguments in commands
    ]
    try:
        from distributed import Client

        with Client(scheduler_file=str(file), timeout=PATIENCE_SECONDS, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE_SECONDS)
            yield client.scheduler.address
    finally:
        for process in processes:
            process.kill()  # one that is asked to end tells its scheduler first, and waits long for one that is gone
        for process in processes:
            process.wait()
        log.close()


def _process(on: int) -> int:
    return os.getpid()


def _fails(on: int) -> int:
    raise ValueError(f"{on} is not wanted")


def test_fits_on_a_cluster(scheduler: str) -> None:
    """A model's fits are done by the cluster's workers, and what comes back scores and forecasts."""
    workers, heard = Dask(scheduler, Processes(1)), list[str]()
    values = make("flat", times(1), series=6, seed=1)
    try:
        assert workers.room() == 16
        others = {workers.submit(_process, each).result(PATIENCE_SECONDS) for each in range(20)}
        assert os.getpid() not in others
        with pytest.raises(ValueError, match="7 is not wanted"):
            workers.submit(_fails, 7).result(PATIENCE_SECONDS)
        model = SktimeForecasts(
            Spec("NaiveForecaster", {"strategy": "mean"}), Plan(STEP, patience=PATIENCE_SECONDS), workers, Interest(),
            lambda outcome, message: heard.append(outcome),
        )  # fmt: skip
        ahead = model.forecast(model.fit(frame(values)), [1])
        np.testing.assert_allclose(ahead.mean[:, 0], 100, atol=5)
        assert heard.count("done") + heard.count("updated") == 12
    finally:
        workers.close()


def test_a_scheduler_that_is_away() -> None:
    """While nobody answers, the work is done here, and that is told once."""
    config = ExporterConfig.model_validate(
        {
            "prometheus": {"url": "http://127.0.0.1:1"},
            "queries": [{"name": "a", "expr": "up"}],
            "fits": {"workers": 1},
            "dask": {"scheduler": "tcp://127.0.0.1:1"},
        }
    )
    workers = workers_of(config)
    try:
        with capture_logs() as logs:
            assert workers.room() == 8
            assert workers.submit(_process, 1).result(PATIENCE_SECONDS) != os.getpid()
        assert [entry["event"] for entry in logs] == ["the dask scheduler cannot be reached"]
    finally:
        workers.close()
