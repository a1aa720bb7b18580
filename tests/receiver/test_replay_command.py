"""`tocsin incidents replay`: files in, tables, lines and comparisons out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from receiver.commands import incidents
from receiver.replay.storm import Storm
from tests.receiver import storms
from tests.receiver.bodies import START, alert, body

HOOK = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
PAGES = {"channels": {"chat": HOOK}, "escalation": {"steps": [{"notify": ["chat"]}]}}


def run(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(incidents, ["replay", *map(str, arguments)], input=given)


def config(folder: Path, name: str = "receiver.yml", **settings: Any) -> Path:
    (folder / name).write_text(json.dumps(PAGES | settings))
    return folder / name


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def line(at: str = "2026-11-21T03:00:00Z", content: bytes = b"{}") -> str:
    return json.dumps({"at": at, "body": json.loads(content)})


def test_one_line_an_occurrence_the_same_each_time(tmp_path: Path) -> None:
    """Byte for byte, from a file, a compressed one, standard input, or into a file."""
    file = storms.write(tmp_path / "storm.jsonl", storms.storm(1, minutes=10))
    settings = ("--config.file", config(tmp_path, **storms.CONFIG), "--format", "json")
    told = run(file, *settings)
    assert told.exit_code == 0, told.output
    for row in rows(told.stdout):
        assert list(row) == ["id", "fingerprint", "startsAt", "incident", "cause_rank", "reasons", "suppressed"]
        assert (row["incident"] is None) == (row["cause_rank"] is None) == (row["suppressed"] is not None)
    packed = tmp_path / "storm.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert run(packed, *settings).stdout == told.stdout
    assert run("-", *settings, given=file.read_bytes()).stdout == told.stdout
    assert run(file, *settings, "--output", tmp_path / "out.jsonl").stdout == ""
    assert (tmp_path / "out.jsonl").read_text() == told.stdout


def test_the_order_of_hashes_does_not_matter(tmp_path: Path) -> None:
    """Two processes with other hash seeds print the same."""
    import os
    import subprocess

    from demo.processes import TOCSIN

    file = storms.write(tmp_path / "storm.jsonl", storms.storm(2, minutes=10))
    settings = config(tmp_path, **storms.CONFIG)
    asked = [TOCSIN, "incidents", "replay", str(file), "--config.file", str(settings), "--format=json"]
    found = {
        subprocess.run(asked, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found.pop()


def test_a_table_for_people(tmp_path: Path) -> None:
    """Incidents as they opened, the cause first, and what was held back."""
    file = storms.write(
        tmp_path / "storm.jsonl",
        [
            (0, body(alert("Slow", service="api"), group="api")),
            (20, body(alert("DatabaseDown", start=-60, service="db"), group="api")),
        ],
    )
    text = run(file, "--config.file", config(tmp_path)).stdout
    assert text.splitlines()[0] == "2 alerts in 1 incident; pages: chat 1"
    assert text.index("1. 02:59:00  DatabaseDown") < text.index("2. 03:00:00  Slow")


GOOD = line(content=body(alert()))


@pytest.mark.parametrize(
    ("lines", "said", "code", "alerts"),
    [
        ([], "", 0, 0),
        ([GOOD, "", "  "], "", 0, 1),
        ([GOOD, "nonsense"], ":2: error: is not JSON", 1, 1),
        ([GOOD, GOOD[:50]], ":2: error: is not JSON", 1, 1),
        (["[1]", GOOD], ":1: error: is no recorded body", 1, 1),
        (['{"body": {}}'], ':1: error: "at" is missing', 1, 0),
        ([line("soon")], ':1: error: "at" is not a time', 1, 0),
        ([line("2026-11-21T03:00:00")], ':1: error: "at" has no offset', 1, 0),
        (['{"at": 1795230000, "body": {}}'], ':1: error: "at"', 1, 0),
        (['{"at": "2026-11-21T03:00:00Z"}'], ':1: error: "body" is missing', 1, 0),
        (['{"at": "2026-11-21T03:00:00Z", "body": 3}'], ':1: error: "body" is missing', 1, 0),
        ([GOOD, line("2026-11-21T02:00:00Z")], ":2: warning: times go back", 0, 2),
        ([line(content=b'{"alerts": 3}')], ":1: warning: a body that is not understood", 0, 1),
        ([f'{{"at": "2026-11-21T03:00:00Z", "body": {{"a": "{"x" * 2000}"}}}}', GOOD], ":1: error: is longer", 1, 1),
    ],
)
def test_bad_lines_are_told_by_number(lines: list[str], said: str, code: int, alerts: int, tmp_path: Path) -> None:
    """The others are played; the exit code tells whether all of them were."""
    file = tmp_path / "storm.jsonl"
    file.write_text("\n".join(lines))
    told = run(file, "--config.file", config(tmp_path, max_body_bytes=1500), "--format", "json")
    assert told.exit_code == code, told.output
    assert len(rows(told.stdout)) == alerts
    assert (f"{file}{said}" if said else "") in told.stderr
    assert bool(told.stderr) == bool(said)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    """Its first lines tell enough."""
    (tmp_path / "app.log").write_text("INFO all is well\n" * 1000)
    told = run(tmp_path / "app.log")
    assert told.exit_code == 1
    assert told.stdout == "No alerts.\n"
    assert told.stderr.count("is not JSON") == 50
    assert told.stderr.endswith("and 950 more\n")


def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    """A line from before the one that stands before it is played at that one's time."""
    times = ["2026-11-21T03:00:00Z", "2026-11-21T02:00:00Z", "2026-11-21T02:30:00Z", "2026-11-21T03:00:01+00:00"]
    (tmp_path / "storm.jsonl").write_text("\n".join(map(line, times)))
    storm = Storm(tmp_path / "storm.jsonl", 10_000)
    assert [(body.received_at - START).total_seconds() for body in storm.bodies()] == [0, 0, 0, 1]
    assert [problem.at.line for problem in storm.problems] == [2]


def test_a_compressed_file_that_was_cut_off(tmp_path: Path) -> None:
    """What can be read is played."""
    whole = gzip.compress("\n".join([GOOD] * 500).encode(), compresslevel=0)
    (tmp_path / "storm.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    told = run(tmp_path / "storm.jsonl.gz", "--format", "json")
    assert told.exit_code == 1
    assert "cannot be read on" in told.stderr
    assert len(rows(told.stdout)) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("topolgy: {}", "did you mean 'topology'"),
        ("rule_files: [none/*.yml]", "names no file"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_configuration(settings: str | None, said: str, tmp_path: Path) -> None:
    """As everywhere: what, where and the way out, and exit 1."""
    from tocsin.errors import InputError
    from tocsin.problem import as_text

    file = storms.write(tmp_path / "storm.jsonl", [])
    if settings is not None:
        (tmp_path / "receiver.yml").write_text(settings)
    told = run(file, "--config.file", tmp_path / "receiver.yml")
    assert told.exit_code == 1
    assert isinstance(told.exception, InputError)
    assert said in as_text(told.exception.problems)


def test_topology_and_rule_files_alone_are_a_configuration(tmp_path: Path) -> None:
    """DESIGN.md §9: the part that correlation reads is valid for a replay."""
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: Late, expr: up, for: 10m}]}]")
    (tmp_path / "receiver.yml").write_text(
        "topology:\n  label: service\n  edges: {checkout: [cart]}\nrule_files: [rules.yml]\n"
    )
    file = storms.write(
        tmp_path / "s.jsonl",
        [(0, body(alert("Quick"), group="g")), (60, body(alert("Late", start=60), group="g"))],
    )
    told = run(file, "--config.file", tmp_path / "receiver.yml", "--format", "json")
    assert told.exit_code == 0, told.output
    assert [row["cause_rank"] for row in rows(told.stdout)] == [2, 1]


def test_two_configurations(tmp_path: Path) -> None:
    """What another configuration saves: callers of what is down no longer page."""
    file = storms.write(
        tmp_path / "storm.jsonl",
        [
            (0, body(alert("Down", service="db"), group="db")),
            (10, body(alert("Errors", service="api"), group="api")),
            (20, body(alert("Errors", service="player"), group="player")),
        ],
    )
    plain = config(tmp_path)
    topology = {"edges": {"player": ["api"], "api": ["db"]}}
    stricter = config(tmp_path, "stricter.yml", topology=topology, inhibition={})
    told = run(file, "--config.file", plain, "--compare", stricter, "--format", "json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert (found["before"]["incidents"], found["after"]["incidents"]) == (3, 1)
    assert found["pages_added"] == {"chat": -2}
    assert found["after"]["suppressed"] == 2
    text = run(file, "--config.file", plain, "--compare", stricter).stdout
    assert text.splitlines()[-1] == "2 pages saved."
    assert run(file, "--config.file", stricter, "--compare", plain).stdout.endswith("2 pages added.\n")


def test_what_was_split_and_joined(tmp_path: Path) -> None:
    """Two alerts of one group are two incidents once their tenants are told apart, and the other way round."""
    file = storms.write(
        tmp_path / "storm.jsonl",
        [(0, body(alert("A", team="x") | {"fingerprint": "a"}, alert("B", team="y") | {"fingerprint": "b"}))],
    )
    one, two = config(tmp_path), config(tmp_path, "teams.yml", tenant_label="team")
    split = json.loads(run(file, "--config.file", one, "--compare", two, "--format", "json").stdout)
    joined = json.loads(run(file, "--config.file", two, "--compare", one, "--format", "json").stdout)
    assert [list(part["into"].values()) for part in split["split"]] == [[1, 1]]
    assert split["joined"] == joined["split"] == []
    assert [list(part["from"].values()) for part in joined["joined"]] == [[1, 1]]
    assert "Split" in run(file, "--config.file", one, "--compare", two).stdout
