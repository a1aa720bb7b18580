"""A server is asked as `--http.config.file` says; whatever is wrong with it is one clear problem."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt
import pytest
import yaml
from typer.testing import CliRunner

from generator.commands import rules
from generator.context import Server
from generator.foreign import compile_document
from generator.online import ask
from generator.rule import Pack
from tests import real
from tests.tls import Authority
from tocsin import yamltree
from tocsin.errors import UsageError
from tocsin.http_config import HttpConfig, read

PATIENCE_SECONDS = 30
RULES = "groups: [{name: g, rules: [{alert: A, expr: made > 5}, {alert: B, expr: 'made{jbo=\"x\"} > 5'}]}]\n"
RECORDS = {"groups": [{"name": "g", "interval": "1s", "rules": [{"record": "made", "expr": "vector(1)"}]}]}


def packs() -> list[Pack]:
    documents, _ = yamltree.parse(RULES, "rules.yml")
    return compile_document(documents[0])[0]


def configured(folder: Path, tree: object) -> HttpConfig:
    (folder / "http.yml").write_text(yaml.safe_dump(tree))
    config, problems = read(folder / "http.yml")
    assert problems == []
    assert config is not None
    return config


def said(server: Server) -> str:
    """The one problem that there is, with its way out."""
    [problem] = server.problems
    assert (problem.check, problem.severity) == ("online", "error")
    assert server.counts == {}
    return f"{problem.message} → {problem.hint}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real Prometheus behind TLS, with a password and a client's certificate; a folder with all that it takes."""
    folder = tmp_path_factory.mktemp("guarded")
    binary = real.pair("current").prometheus
    authority = Authority(folder)
    authority.server()
    authority.server("client")
    (folder / "password").write_text("open sesame\n")
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    tls = {"cert_file": "server.pem", "key_file": "server.key", "client_ca_file": "ca.pem"}
    tls["client_auth_type"] = "RequireAndVerifyClientCert"
    (folder / "web.yml").write_text(json.dumps({"tls_server_config": tls, "basic_auth_users": {"ann": hashed}}))
    (folder / "rules.yml").write_text(json.dumps(RECORDS))
    (folder / "prometheus.yml").write_text('{"rule_files": ["rules.yml"]}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["config.file=prometheus.yml", "storage.tsdb.path=data", "web.config.file=web.yml"]
    command = [str(binary), *(f"--{option}" for option in options), f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            config = configured(folder, ALL)
            until = time.monotonic() + PATIENCE_SECONDS
            while not ask(f"https://127.0.0.1:{port}", packs(), config).counts.get("made"):
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.2)  # a real process has no clock that a test could move
            yield f"https://127.0.0.1:{port}", folder
        finally:
            process.terminate()


LOGIN = {"username": "ann", "password_file": "password"}
SHOWN = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}
ALL = {"basic_auth": LOGIN, "tls_config": SHOWN}


@pytest.mark.real
def test_a_guarded_prometheus_answers(guarded: tuple[str, Path]) -> None:
    """With a password, a custom authority and a client's certificate it says what exists, and what does not."""
    url, folder = guarded
    server = ask(url + "/", packs(), configured(folder, ALL))
    assert server.problems == ()
    assert server.counts == {"made": 1, 'made{jbo="x"}': 0, 'made{jbo!=""}': 0}


@pytest.mark.real
@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"tls_config": SHOWN}, "refuses us (401) → say who asks in --http.config.file; add basic_auth"),
        (
            {**ALL, "basic_auth": {**LOGIN, "username": "bob"}},
            "refuses us (401) → say who asks in --http.config.file; check",
        ),
        ({"basic_auth": LOGIN}, "a certificate that is not trusted"),
        ({**ALL, "tls_config": {**SHOWN, "server_name": "other.example"}}, "Hostname mismatch"),
        ({**ALL, "tls_config": {"ca_file": "ca.pem"}}, "hangs up"),
    ],
)
def test_a_guarded_prometheus_refuses(tree: object, message: str, guarded: tuple[str, Path]) -> None:
    """Each missing thing is one problem that names it."""
    url, folder = guarded
    assert message in said(ask(url, packs(), configured(folder, tree)))


@pytest.mark.real
def test_whom_nobody_must_believe(guarded: tuple[str, Path]) -> None:
    """`insecure_skip_verify` takes any certificate; a server_name is what is compared."""
    url, folder = guarded
    for tls in ({"insecure_skip_verify": True, "ca_file": None}, {"server_name": "localhost"}):
        assert ask(url, packs(), configured(folder, {**ALL, "tls_config": {**SHOWN, **tls}})).problems == ()


Answer = Callable[[BaseHTTPRequestHandler], tuple[int, str, str]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers so: status, kind and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, kind, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 - the base class's name

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


VECTOR = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})
PAGE = "<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (200, PAGE, "answers a page of HTML, not as a Prometheus → a login page"),
        (200, "pong", "answers no JSON, not as a Prometheus"),
        (200, '{"status": "success", "data": 5}', "answers otherwise than a Prometheus does"),
        (403, PAGE, "refuses us (403)"),
        (404, "404 page not found", "has no Prometheus API there (404) → add the path"),
        (500, "oops", "answers 500 → look at the server"),
        (503, PAGE, "answers 503"),
    ],
)
def test_what_is_no_prometheus(status: int, body: str, message: str) -> None:
    """Whatever answers in its place is one problem, with a way out; nobody sees a traceback."""
    with serving(lambda _: (status, "text/html", body)) as url:
        assert message in said(ask(url, packs()))


def test_a_slow_server_is_one_problem() -> None:
    """It is waited for as long as a request may take, not once for each selector."""
    done = threading.Event()

    def answer(_: BaseHTTPRequestHandler) -> tuple[int, str, str]:
        done.wait(10)
        return 200, "text/plain", VECTOR

    with serving(answer) as url:
        assert "does not answer within 0.2 s" in said(ask(url, packs(), timeout_seconds=0.2))
        done.set()


def test_where_nobody_listens() -> None:
    """A closed port, and a port that speaks no TLS, are told apart."""
    with serving(lambda _: (200, "", "")) as url:
        assert "speaks another TLS than we, or none" in said(ask(url.replace("http:", "https:"), packs()))
    assert "cannot be reached: Connection refused → check --prometheus.url" in said(ask(url, packs()))


def test_what_fails_midway_is_one_problem() -> None:
    """The first answers, the others are refused: the first reason is told, once."""
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, str, str]:
        asked.append(request.path)
        return (200, "text/plain", VECTOR) if len(asked) == 1 else (404 if len(asked) == 2 else 401, "text/plain", "")

    with serving(answer) as url:
        assert "refuses us (401)" in said(ask(url, packs()))


def test_selectors_that_are_refused_are_counted() -> None:
    """A server that is alive and will not answer some of the questions: a warning with its own words."""

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, str, str]:
        asked.append(request.path)
        refusal = json.dumps({"status": "error", "errorType": "timeout", "error": "query timed out"})
        return (200, "text/plain", VECTOR) if len(asked) == 1 else (503, "text/plain", refusal)

    asked: list[str] = []
    with serving(lambda request: (501, "", "") if "metadata" in request.path else answer(request)) as url:
        [problem] = ask(url, packs()).problems
    assert problem.severity == "warning"
    assert "does not answer for 2 selectors of the rules: query timed out" in problem.message


def test_headers_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token from a file, another from the environment, headers with several values: with every request."""
    seen: list[dict[str, list[str]]] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, str, str]:
        seen.append({name: request.headers.get_all(name) or [] for name in ("Authorization", "X-Scope-OrgID", "X-Key")})
        return (404, "", "") if "metadata" in request.path else (200, "application/json", VECTOR)

    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "key").write_text("s3cret\n")
    headers = {"X-Scope-OrgID": {"values": ["a", "b"]}, "X-Key": {"files": ["key"], "secrets": ["${EXTRA}"]}}
    monkeypatch.setenv("EXTRA", "m0re")
    for given, sent in (
        ({"authorization": {"credentials_file": "token"}}, "Bearer t0ken"),
        ({"authorization": {"type": "Token", "credentials": "${EXTRA}"}}, "Token m0re"),
        (
            {"basic_auth": {"username": "ann", "password": "${EXTRA}"}},
            f"Basic {base64.b64encode(b'ann:m0re').decode()}",
        ),
    ):
        seen.clear()
        with serving(answer) as url:
            config, problems = read(_written(tmp_path, {**given, "http_headers": headers}), os.environ)
            assert (problems, config is None) == ([], False)
            assert ask(url, packs(), config).problems == ()
        assert len(seen) >= 5
        assert {str(headers) for headers in seen} == {
            str({"Authorization": [sent], "X-Scope-OrgID": ["a", "b"], "X-Key": ["m0re", "s3cret"]})
        }


def _written(folder: Path, tree: object) -> Path:
    (folder / "http.yml").write_text(yaml.safe_dump(tree))
    return folder / "http.yml"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("basic_auth: {username: a, password: b}", "password stands in the file itself", "write password_file"),
        ("authorization: {credentials: b}", "credentials stands in the file itself", "credentials_file"),
        ("bearer_token: b", "bearer_token stands in the file itself", "authorization: {credentials_file"),
        ("http_headers: {X-A: {secrets: [b]}}", "secrets stands in the file itself", "files: [<file>]"),
        ("basic_auth: {username: a, password: '${NOT_SET}'}", "NOT_SET is not set", "export NOT_SET"),
        ("basic_auth: {username: a, password_file: nowhere}", "the secret cannot be read", "one line"),
        (
            "basic_auth: {username: a}\nauthorization: {credentials_file: x}",
            "has basic_auth and authorization",
            "keep one",
        ),
        ("authorization: {type: Basic, credentials_file: x}", "is what basic_auth is for", "basic_auth"),
        ("authorization: {}", "needs credentials_file", "credentials_file"),
        ("tls_config: {ca_file: nowhere.pem}", "nowhere.pem: cannot be read", "folder"),
        ("tls_config: {ca_file: http.yml}", "TLS cannot be set up", "PEM"),
        ("tls_config: {cert_file: a.pem}", "belong together", "both"),
        ("tls_confg: {}", "unknown key 'tls_confg'", "tls_config"),
        ("http_headers: {'a b': {values: [c]}}", "should match pattern", ""),
        ("basic_auth: [", "not valid YAML", ""),
    ],
)
def test_a_configuration_that_cannot_be(text: str, message: str, hint: str, tmp_path: Path) -> None:
    """Each mistake is one problem at its line; no secret is printed; the offline checks are done all the same."""
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up > 1}]}]\n")
    file = tmp_path / "http.yml"
    file.write_text(text)
    asked = ["--prometheus.url", "http://127.0.0.1:1", "--http.config.file", str(file)]
    outcome = CliRunner().invoke(rules, ["check", str(tmp_path / "rules.yml"), *asked, "--format", "json"])
    found = json.loads(outcome.stdout)["problems"]
    [problem] = [one for one in found if one["check"] != "constant-comparison"]
    assert len(found) == 2
    assert (message in problem["message"], problem["file"], outcome.exit_code) == (True, str(file), 1)
    assert hint in problem["hint"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--http.config.file", "x.yml"], "name it: --prometheus.url"),
        (["--prometheus.url", "prometheus:9090"], "is no address"),
        (["--prometheus.url", "http://ann:secret@127.0.0.1"], "a name or password stands in the address"),
    ],
)
def test_unusable_arguments(arguments: list[str], message: str) -> None:
    """Exit code 2, one message, and no secret in it."""
    error = CliRunner().invoke(rules, ["check", "rules.yml", *arguments]).exception
    assert isinstance(error, UsageError)
    assert message in str(error)
    assert "secret" not in str(error)
