"""`tocsin rules check` and `checks`: formats, severities, comments, an online server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from textwrap import indent
from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from generator.checks import CHECKS
from generator.commands import rules as command
from tests.generator.foreign import found, rules

TEXT = rules("{alert: A, expr: x > 1 or up > 1}")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.yml").write_text(TEXT)
    return Path("rules.yml")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_text_has_a_caret_under_the_place(file: Path) -> None:
    """The line of the file, and a caret under the part that is wrong."""
    code, out, err = run("check", "rules.yml")
    place, source, caret, hint = err.splitlines()
    assert (code, out) == (0, "checked 1 rule file, 1 rule: 1 warning\n")
    assert place.startswith("rules.yml:4:34: warning: A: is never true: the left side is between 0 and 1")
    assert source[caret.index("^") :].startswith("up > 1")
    assert hint.startswith("    → ")


def test_sarif(file: Path) -> None:
    """SARIF 2.1.0: a rule for each check that found something, a result with its region."""
    [one] = json.loads(run("check", "rules.yml", "--format", "sarif")[1])["runs"]
    [result] = one["results"]
    assert one["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "constant-comparison"
    assert result["level"] == "warning"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "rules.yml"},
        "region": {"startLine": 4, "startColumn": 34},
    }


def test_github(file: Path) -> None:
    """A workflow command a problem; its text on one line."""
    [line] = run("check", "rules.yml", "--format", "github")[1].splitlines()
    assert line.startswith("::warning file=rules.yml,line=4,col=34,title=constant-comparison::A: is never true")


@pytest.mark.parametrize(
    ("level", "code", "tail"), [("error", 1, "1 error"), ("info", 0, "no problems"), ("off", 0, "no problems")]
)
def test_severities_are_configurable(level: str, code: int, tail: str, file: Path) -> None:
    """A check can weigh more, less, or nothing."""
    outcome = run("check", "rules.yml", "--severity", f"constant-comparison={level}")
    assert (outcome[0], outcome[1].endswith(f": {tail}\n")) == (code, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--severity", "nonsense=off"], "there is no check 'nonsense'"),
        (["--severity", "promql-syntax=loud"], "'loud' is none of error, warning, info, off"),
        (["--scrape-interval", "5"], "'5' is not a duration"),
        (["--prometheus-version", "new"], "'new' is no version"),
    ],
)
def test_unusable_arguments(arguments: list[str], message: str, file: Path) -> None:
    """Exit code 2, and what would do instead."""
    code, _, err = run("check", "rules.yml", *arguments)
    assert code == 2
    assert message in err


def test_checks_are_listed() -> None:
    """Each check with its severity and what it finds."""
    assert {line.split()[0] for line in run("checks")[1].splitlines()} == set(CHECKS)
    [*rows] = json.loads(run("checks", "--format", "json")[1])["checks"]
    assert {row["check"] for row in rows} == set(CHECKS)


WHY = "# tocsin: ignore constant-comparison: on purpose"
IGNORED = [
    f"- alert: A\n  expr: up > 1  {WHY}\n",
    f"- alert: A\n  {WHY}\n  expr: up > 1\n",
    f"{WHY}\n- alert: A\n  expr: up > 1\n",
    f"- alert: A  {WHY}\n  expr: |\n    up\n    > 1\n",
    f"- alert: A\n  expr: |\n    {WHY}\n    up > 1\n",
]


@pytest.mark.parametrize("rule", IGNORED)
def test_a_comment_with_a_reason_silences(rule: str, tmp_path: Path) -> None:
    """At the line, above it, at the rule, above the rule, and within the expression."""
    assert found(f"groups:\n- name: g\n  rules:\n{indent(rule, '  ')}", tmp_path) == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore constant-comparison", "no reason"),
        ("ignore", "no check or no reason"),
        ("ignore no-such-check: because", "there is no check 'no-such-check'"),
        ("ignore promql-syntax: because", "nothing here to ignore: 'promql-syntax'"),
    ],
)
def test_comments_that_do_not_count(comment: str, message: str, tmp_path: Path) -> None:
    """Without a reason, of an unknown check, or needed by nothing: told, and nothing is silenced."""
    text = f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up > 1  # tocsin: {comment}\n"
    problems = found(text, tmp_path)
    assert sorted(problem.check for problem in problems) == ["constant-comparison", "suppression"]
    assert any(message in problem.message for problem in problems)


class _Prometheus(BaseHTTPRequestHandler):
    """Knows the metric `up` without a label jbo, and nothing else."""

    def do_GET(self) -> None:
        self._answer({"up": [{"type": "gauge", "help": "", "unit": ""}]})

    def do_POST(self) -> None:
        query = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"][0]
        there = "jbo" not in query and "up" in query
        self._answer({"resultType": "vector", "result": [{"metric": {}, "value": [1, "3"]}] if there else []})

    def _answer(self, data: object) -> None:
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Prometheus)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_is_asked(prometheus: str, file: Path) -> None:
    """The label that does not exist is named, with its place."""
    file.write_text(rules("{alert: A, expr: 'up{jbo=\"x\"} == 0'}, {alert: B, expr: up == 0}"))
    problems = json.loads(run("check", "rules.yml", "--prometheus.url", prometheus, "--format", "json")[1])["problems"]
    assert [(p["check"], p["rule"], p["column"]) for p in problems] == [("unknown-series", "A", 29)]
    assert "up has no label jbo" in problems[0]["message"]


def test_an_unreachable_server_is_one_problem(file: Path) -> None:
    """The other checks are done all the same."""
    _, out, _ = run("check", "rules.yml", "--prometheus.url", "http://127.0.0.1:1", "--format", "json")
    assert sorted(problem["check"] for problem in json.loads(out)["problems"]) == ["constant-comparison", "online"]
