"""`tocsin rules backtest` as people and CI run it, against a real Prometheus with two days of a queue's history."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.main import get_command

from generator.backtest import incident_file
from generator.commands import rules
from tests import real
from tests.generator.backtested import alerts, packs, written
from tests.generator.test_commands import Outcome, Run, run  # noqa: F401 - a fixture

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/backtest.md"
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, PATIENCE_SECONDS = 2, 30
RANGE = ("--since", "2d", "--until", "2026-01-03")

# Each line begins in the column in which it stands in the file.
RULES = """\
groups:
  - name: queues
    interval: 1m
    rules:
      - {record: 'queue:length:max', expr: max by (queue) (queue_length)}
      - {alert: QueueLong, expr: 'queue:length:max > 80', for: 2m, labels: {severity: critical}}
      - {alert: QueueGrows, expr: 'delta(queue_length[5m]) > 1000'}
      - {alert: QueueYoung, expr: 'queue_length{queue="b"} < 10'}
      - {alert: Nothing, expr: nothing_there > 1}
"""
INCIDENTS = """\
- {start: 2026-01-01T10:01:00Z, end: 2026-01-01T10:55:00Z, title: Queue stuck}
- {start: 2026-01-02T20:00:00Z, title: Network}
"""


def lengths() -> Iterator[str]:
    """a: long for half an hour, ten minutes later for ten more, and a day later for one minute; b: from noon on."""
    long = [(600, 630), (640, 650), (1740, 1741)]
    for minute in range(DAYS * 1440):
        at = int((START + timedelta(minutes=minute)).timestamp())
        yield f'queue_length{{queue="a"}} {90 if any(begin <= minute < end for begin, end in long) else 10} {at}'
    for minute in range(720, DAYS * 1440):
        yield f'queue_length{{queue="b"}} 20 {int((START + timedelta(minutes=minute)).timestamp())}'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus that holds the history and evaluates nothing."""
    folder, binaries = tmp_path_factory.mktemp("queues"), real.pair("current")
    text = "\n".join(["# TYPE queue_length gauge", *lengths(), "# EOF", ""])
    (folder / "queues.om").write_text(text)
    make: list[str | Path] = [
        binaries.promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=384h",
        "queues.om",
        "data",
    ]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["config.file=prometheus.yml", "storage.tsdb.path=data", "storage.tsdb.retention.time=100y"]
    command = [str(binaries.prometheus), *(f"--{flag}" for flag in flags), f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            await_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def await_ready(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=1).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} is not ready")


@dataclass(frozen=True)
class Backtest:
    """The command with what every test of it says."""

    run: Run
    url: str

    def __call__(self, *arguments: str, paths: tuple[str, ...] = ("rules.yml",)) -> Outcome:
        return self.run("backtest", *paths, "--prometheus.url", self.url, *RANGE, *arguments)


@pytest.fixture
def backtest(run: Run, url: str) -> Backtest:  # noqa: F811
    """In a folder with rules.yml and incidents.yml."""
    Path("rules.yml").write_text(RULES)
    Path("incidents.yml").write_text(INCIDENTS)
    return Backtest(run, url)


@pytest.mark.real
def test_json(backtest: Backtest) -> None:
    """A rule that rests on a record nobody evaluated: its firings to the minute, its flap, its score."""
    outcome = backtest("--format", "json", "--incidents", "incidents.yml")
    assert (outcome.code, outcome.err) == (0, "")
    tree = json.loads(outcome.out)
    found = {one["alert"]: one for one in tree["rules"]}
    labels = {"alertname": "QueueLong", "queue": "a", "severity": "critical"}
    assert found["QueueLong"]["firings"] == [
        {"labels": labels, "start": "2026-01-01T10:02:00Z", "end": "2026-01-01T10:30:00Z", "began_before": False},
        {"labels": labels, "start": "2026-01-01T10:42:00Z", "end": "2026-01-01T10:50:00Z", "began_before": False},
    ]
    assert (found["QueueLong"]["flaps"], found["QueueLong"]["firing_seconds"]) == (1, 36 * 60)
    assert found["QueueLong"]["pending"] == 1
    score = found["QueueLong"]["score"]
    assert (score["precision"], score["recall"], score["lead_seconds"]) == (1.0, 0.5, -60.0)
    states = {name: one["state"] for name, one in found.items()}
    assert states == {"QueueLong": "fired", "QueueGrows": "silent", "QueueYoung": "silent", "Nothing": "no_data"}
    assert [one["told_by"] for one in tree["incidents"]] == [["QueueLong"], []]


@pytest.mark.real
def test_text_says_what_the_rules_lacked(backtest: Backtest) -> None:
    """Data that begins late and data that is not there are told; what is on stdout is the report alone."""
    outcome = backtest()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(
        "4 alert rules, 2026-01-01 00:00 to 2026-01-03 00:00 (UTC), 2d\n1 fired: 2 firings, 1 flap"
    )
    assert "1 had no data: nothing is known of it" in outcome.out
    assert "QueueYoung  (queues)\n    ! what it reads begins at 2026-01-01 " in outcome.out
    assert "no data (1): Nothing\n" in outcome.out


@pytest.mark.real
def test_rules_are_chosen_by_name(backtest: Backtest) -> None:
    """Patterns, several of them; none that matches is an unusable argument."""
    tree = json.loads(backtest("--format", "json", "--rule", "Queue[GY]*", "--rule", "Nothing").out)
    assert [one["alert"] for one in tree["rules"]] == ["QueueGrows", "QueueYoung", "Nothing"]
    outcome = backtest("--rule", "Disk*")
    assert (outcome.code, outcome.err) == (2, "--rule: no alert in rules.yml is called Disk*")
    Path("older.yml").write_text("\n".join(line for line in RULES.splitlines() if "QueueGrows" not in line))
    tree = json.loads(backtest("--format", "json", "--rule", "QueueGrows", "--compare", "older.yml").out)
    assert [(one["alert"], one["kind"]) for one in tree["comparison"]["rules"]] == [("QueueGrows", "added")]


@pytest.mark.real
def test_the_step_takes_the_place_of_the_interval(backtest: Backtest) -> None:
    """Every ten minutes: what lasts longer than its `for` is found later, what is shorter is not."""
    tree = json.loads(backtest("--format", "json", "--rule", "QueueLong", "--step", "10m").out)
    assert [(one["start"], one["end"]) for one in tree["rules"][0]["firings"]] == [
        ("2026-01-01T10:10:00Z", "2026-01-01T10:30:00Z")
    ]


@pytest.mark.real
def test_compare(backtest: Backtest) -> None:
    """Before and after in every format; a rule that is as it was is evaluated once, or not at all."""
    Path("old").mkdir()
    lines = RULES.replace("> 80", "> 5").replace("for: 2m", "for: 20m").splitlines(keepends=True)
    Path("old/rules.yml").write_text("".join([*lines[:4], *lines[:3:-1]]))  # in another order
    compared = ("--compare", "old", "--incidents", "incidents.yml")
    tree = json.loads(backtest("--format", "json", *compared).out)
    [one] = tree["comparison"]["rules"]
    assert (one["alert"], one["kind"], [change["what"] for change in one["changes"]]) == (
        "QueueLong",
        "changed",
        ["expr", "for"],
    )
    assert (len(one["before"]["firings"]), len(one["after"]["firings"]), tree["comparison"]["unchanged"]) == (2, 2, 3)
    assert one["before"]["firing_seconds"] > one["after"]["firing_seconds"]

    few = json.loads(backtest("--format", "json", "--changed-only", *compared).out)
    assert [rule["alert"] for rule in few["rules"]] == ["QueueLong"]
    assert few["comparison"]["rules"] == tree["comparison"]["rules"]

    assert "compared with before: 1 changed, 3 unchanged" in backtest(*compared).out
    comment = backtest("--format", "markdown", *compared).out
    assert comment.startswith("<!-- tocsin:backtest -->\n\n### Backtest: 1 changed, 3 unchanged\n")
    assert "- queue:length:max > 5\n+ queue:length:max > 80\n" in comment


@pytest.mark.real
def test_the_page_draws_what_is_compared(backtest: Backtest) -> None:
    """The record's expression as a curve beside its threshold; the file takes the report, stdout nothing."""
    assert backtest("--format", "html", "-o", "out/report.html", "--incidents", "incidents.yml") == Outcome(0, "", "")
    page = Path("out/report.html").read_text()
    assert page.count('class="curve c0"') >= 3  # in pictures and legends
    assert "Fires where the value is &gt; 80 (dashed)" in page
    assert "Queue stuck" in page


@pytest.mark.real
def test_packs(backtest: Backtest) -> None:
    """Rulepacks are compiled first; what is wrong with one is told, and the rest is backtested."""
    threshold = "threshold: {expr: queue_length, above: %s}, severity: warning, summary: x"
    items = "".join(f"\n      - {{alert: {name}, {threshold % above}, state: {state}}}" for name, above, state in [
        ("Long", 80, "active"), ("Draft", 15, "draft")
    ])  # fmt: skip
    pack = (
        f"apiVersion: tocsin/v1alpha1\nkind: RulePack\nmetadata: {{name: q}}\ngroups:\n  - name: g\n    rules:{items}\n"
    )
    Path("q.yml").write_text(pack)
    tree = json.loads(backtest("--format", "json", paths=("q.yml",)).out)
    assert [(one["alert"], one["state"]) for one in tree["rules"]] == [("Long", "fired")]
    tree = json.loads(backtest("--format", "json", "--drafts", paths=("q.yml",)).out)
    assert [one["alert"] for one in tree["rules"]] == ["Long", "Draft"]
    both = backtest("--format", "json", paths=("q.yml", "bad.yml"))
    assert both.code == 1
    assert both.err.startswith("bad.yml:8:27: error: Test: expr: PromQL: unclosed left parenthesis")
    assert [one["alert"] for one in json.loads(both.out)["rules"]] == ["Long"]


@pytest.mark.real
def test_exit_codes(backtest: Backtest) -> None:
    """A rule that cannot be evaluated, and one that pages too often, fail a pipeline and say why."""
    loud = backtest("--max-pages-per-week", "6.9")
    assert (loud.code, loud.err) == (1, "QueueLong: 7.0 pages a week, more than --max-pages-per-week 6.9\n")
    assert backtest("--max-pages-per-week", "7").code == 0
    twice = 'queue_length or label_replace(queue_length, "queue", "z", "", "")'
    clash = f"groups: [{{name: g, rules: [{{alert: Clash, expr: 'queue_length * on () group_left () ({twice})'}}]}}]"
    Path("clash.yml").write_text(clash)
    failed = backtest(paths=("clash.yml",))
    assert failed.code == 1
    assert "clash.yml:1:" in failed.err
    assert "could not be evaluated" in failed.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Missing option '--prometheus.url'"),
        (("--prometheus.url", "localhost"), 2, "'localhost' is no address"),
        (("--prometheus.url", "http://a:b@localhost"), 2, "a name or password stands in the address"),
        (("--prometheus.url", "http://x", "--since", "yesterday"), 2, "'yesterday' is neither a time nor a duration"),
        (("--prometheus.url", "http://x", "--since", "0"), 2, "is empty, or longer than ten years"),
        (("--prometheus.url", "http://x", "--since", "20y"), 2, "is empty, or longer than ten years"),
        (("--prometheus.url", "http://x", "--until", "2026-13-01"), 2, "'2026-13-01' is neither a time nor a duration"),
        (("--prometheus.url", "http://x", "--step", "0s"), 2, "'0s' is too short; write 1s or more"),
        (("--prometheus.url", "http://x", "--timezone", "Mars"), 2, "there is no time zone 'Mars'"),
        (("--prometheus.url", "http://x", "--changed-only"), 2, "name them: --compare"),
        (("--prometheus.url", "http://x", "--format", "pdf"), 2, "'pdf' is not one of"),
        (("--prometheus.url", "http://x", "--http.config.file", "gone.yml"), 1, "1 problem"),
        (("--prometheus.url", "http://x", "--incidents", "gone.yml"), 1, "1 problem"),
        (("--prometheus.url", "http://x", "--incidents", "http://a:b@x"), 2, "a password stands in the address"),
    ],
)
def test_unusable_arguments(arguments: tuple[str, ...], code: int, message: str, run: Run) -> None:  # noqa: F811
    """One clear message each, before anybody is asked."""
    outcome = run("backtest", "good.yml", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err


def test_paths_that_do_not_exist(run: Run) -> None:  # noqa: F811
    """Neither the rules nor what they are compared with."""
    for paths in (("gone.yml",), ("good.yml", "--compare", "gone.yml")):
        outcome = run("backtest", *paths, "--prometheus.url", "http://127.0.0.1:9")
        assert (outcome.code, "gone.yml" in outcome.err) == (2, True)


def test_nobody_answers(run: Run) -> None:  # noqa: F811
    """Exit code 1, the server named once, and no word of silence: not one rule was looked at."""
    outcome = run("backtest", "good.yml", "--prometheus.url", "http://127.0.0.1:9")
    assert outcome.code == 1
    assert outcome.err.count("http://127.0.0.1:9: error: the server cannot be reached") == 1
    assert "1 not reached before the server was lost" in outcome.out
    assert "silent" not in outcome.out
    assert "nothing is known of it" in outcome.out


class Drowning(BaseHTTPRequestHandler):
    """A server that answers the small questions, and no range."""

    def do_GET(self) -> None:
        self._answer(404, {"status": "error", "error": "no such page"})

    def do_POST(self) -> None:
        if self.path.endswith("/query"):
            self._answer(200, {"status": "success", "data": {"resultType": "vector", "result": []}})
        else:
            self._answer(503, {"status": "error", "error": "query timed out in expression evaluation"})

    def _answer(self, status: int, tree: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(tree).encode())

    def log_message(self, *said: object) -> None:
        pass


def test_a_server_that_is_too_slow(run: Run) -> None:  # noqa: F811
    """Its rules are told as not evaluated, in the page too, where their curves are missing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drowning)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        outcome = run(
            "backtest", "good.yml", "--prometheus.url", address, "--since", "1h", "--format", "html", "-o", "r.html"
        )
    finally:
        server.shutdown()
        server.server_close()
    assert (outcome.code, outcome.out) == (1, "")
    assert "timed out" in outcome.err
    assert "nothing is known of it" in Path("r.html").read_text()


def test_what_cannot_be_written(run: Run) -> None:  # noqa: F811
    """A report without a place is an unusable argument."""
    outcome = run("backtest", "good.yml", "--prometheus.url", "http://127.0.0.1:9", "-o", "/proc/x/report.txt")
    assert outcome.code == 2
    assert "cannot be written" in outcome.err


def test_help_has_an_example() -> None:
    """Whoever asks for help sees a command to copy."""
    command = get_command(rules).commands["backtest"]  # type: ignore[attr-defined]
    assert "Example:\n  tocsin rules backtest " in command.help


def test_the_guide_knows_every_option_and_reads_what_it_shows(tmp_path: Path) -> None:
    """Each option stands in its table; the incidents that it shows are incidents, and its rules are rules."""
    text = GUIDE.read_text()
    command = get_command(rules).commands["backtest"]  # type: ignore[attr-defined]
    options = [option.opts[-1] for option in command.params if option.opts[0].startswith("-")]
    assert [option for option in options if f"`{option}`" not in text] == []
    shop, incidents = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    read = incident_file.read(written(tmp_path, "incidents.yml", incidents))
    assert (len(read.items), read.problems) == (3, ())
    assert [one.name for one in alerts(packs(shop))] == [
        "ShopErrorRatioHigh",
        "PlayerSlow",
        "DatabaseBusy",
        "QueueStuck",
    ]


def test_no_progress_where_nobody_looks(run: Run) -> None:  # noqa: F811
    """Without a terminal stderr holds problems alone."""
    outcome = run("backtest", "good.yml", "--prometheus.url", "http://127.0.0.1:9")
    assert "\r" not in outcome.err
    assert os.linesep in outcome.err
