"""What the configuration says of silences."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from tests.receiver.silences.test_keeper import config
from tocsin.config import load
from tocsin.errors import InputError

CHANNELS = """\
channels:
  mail: {webhook: {url: "http://127.0.0.1:1/never-called"}}
"""
ONE = """\
escalation:
  steps: [{notify: [mail]}]
  silence_on: [snooze]
"""
NAMED = """\
routes: {policy: p}
escalation_policies:
  p:
    steps: [{notify: [mail]}]
    silence_on: [acknowledge]
"""
WINDOW = """\
maintenance:
  - {name: x, matchers: a=b, from: 2026-12-01T02:00, duration: 2h,
     silence: true}
"""


@pytest.mark.parametrize(("text", "line"), [(CHANNELS + ONE, 5), (CHANNELS + NAMED, 7), (WINDOW, 3)])
def test_nobody_to_silence(tmp_path: Path, text: str, line: int) -> None:
    """Silences that no Alertmanager can be asked for are a mistake, told with its line and the way out."""
    (tmp_path / "receiver.yml").write_text(text)
    with pytest.raises(InputError) as raised:
        load(tmp_path / "receiver.yml", ReceiverConfig)
    (problem,) = raised.value.problems
    assert problem.message == "no source says where its Alertmanager is"
    assert (problem.at.line, "reconcile.alertmanagers" in problem.hint) == (line, True)


def test_somebody_to_silence(tmp_path: Path) -> None:
    """With a source that is reconciled they are none."""
    assert not list(config(tmp_path, "acknowledge").faults())
    assert config(tmp_path).alertmanagers.keys() == {"alertmanager"}
