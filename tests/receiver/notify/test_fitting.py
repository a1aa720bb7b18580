"""What channels need of the rest of the configuration is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from tocsin.config import load
from tocsin.errors import InputError

SMS = "account_sid: AC00000000000000000000000000000000, auth_token_file: t, from: '+15005550006', replies: true"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("pd:\n    pagerduty:\n      routing_key_file: k\n      answers_as: nobody", 5, "no role 'nobody'"),
        (f"sms:\n    sms: {{{SMS}}}", 3, "external_url is not set"),
    ],
)
def test_faults(text: str, line: int, message: str, tmp_path: Path) -> None:
    """Answers that would be nobody's, replies that cannot come in."""
    file = tmp_path / "receiver.yml"
    file.write_text(f"channels:\n  {text}\n")
    with pytest.raises(InputError) as caught:
        load(file, ReceiverConfig)
    (problem,) = caught.value.problems
    assert problem.at.line == line
    assert message in problem.message


def test_what_fits(tmp_path: Path) -> None:
    """A role of one's own, the built-in one, none; an external_url."""
    file = tmp_path / "receiver.yml"
    for role in ("mine", "responder", '""'):
        file.write_text(
            "external_url: https://t.example.org\n"
            "roles:\n  mine: {scopes: [incidents:write]}\n"
            f"channels:\n  pd: {{pagerduty: {{routing_key_file: k, answers_as: {role}}}}}\n  sms: {{sms: {{{SMS}}}}}\n"
        )
        assert load(file, ReceiverConfig).external_url
