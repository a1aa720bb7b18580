"""The commands: what they print, how they end; servers and one of each kind as processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import tocsin
from tests.receiver.bodies import alert, body

TOCSIN = [str(Path(sys.executable).with_name("tocsin"))]


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command does in a process of its own."""
    return subprocess.run(
        TOCSIN + list(arguments), capture_output=True, text=True, timeout=60, env=os.environ | environment, check=False
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """A receiver process and its address, told by its own log."""
    process = subprocess.Popen(
        [*TOCSIN, "receiver", "run", "--web.listen-address", "127.0.0.1:0", "--storage.path", str(folder), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "event=listening" in line:
                yield line.split("address=")[1].split()[0]
                break
        else:
            pytest.fail("the receiver ended before it listened")
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        process.stderr.close()
        assert process.wait(30) == 0, rest
        assert "Traceback" not in rest


@pytest.mark.slow
def test_incident_from_the_command_line(tmp_path: Path) -> None:
    """list, show, ack and resolve tell what is, what was done, and what was already done."""
    with running(tmp_path) as url:
        urllib.request.urlopen(f"{url}/api/v2/hooks/alertmanager", body(alert(instance="p1"))).close()
        listed = process("incidents", "list", "--url", url)
        assert "PlayerErrors is up" in listed.stdout, listed
        incident = listed.stdout.splitlines()[1].split()[0]
        assert (
            "acknowledged: nobody else is told"
            in tocsin("incidents", "ack", incident[:6], "--by", "bob", "--url", url).stdout
        )
        assert "already acknowledged by bob" in tocsin("incidents", "ack", incident, TOCSIN_URL=url).stdout
        shown = tocsin("incidents", "show", incident, TOCSIN_URL=url).stdout
        assert "acknowledged by bob" in shown
        assert "instance=p1" in shown
        assert "1 of its alerts still fire" in tocsin("incidents", "resolve", incident, "--url", url).stdout
        assert tocsin("incidents", "list", "--url", url).stdout == "No incidents: all quiet.\n"
        assert '"status": "resolved"' in tocsin("incidents", "list", "--all", "--format", "json", "--url", url).stdout
        gone = process("incidents", "ack", "zzzz", "--url", url)
        assert (gone.returncode, gone.stderr) == (1, "tocsin: there is no incident zzzz\n")


def refused(result: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    """It ended with the code and a message, not a traceback."""
    assert result.returncode == code, result
    assert "Traceback" not in result.stderr
    for part in says:
        assert part in result.stderr


def test_port_in_use(tmp_path: Path) -> None:
    """A port in use ends the start with the address and the flag to change it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = process("receiver", "run", "--web.listen-address", address, "--storage.path", str(tmp_path))
    refused(result, 1, f"cannot listen on {address}", "is in use", "--web.listen-address")


def test_storage_that_cannot_be_written(tmp_path: Path) -> None:
    """A storage path that cannot be used ends the start with the path and the way out."""
    (tmp_path / "file").write_text("")
    result = process("receiver", "run", "--storage.path", str(tmp_path / "file" / "below"))
    refused(result, 1, "--storage.path", "cannot be written", "choose a folder")


def test_read_only_storage() -> None:
    """A folder where nothing can be created ends the start the same way, for root too."""
    refused(
        process("receiver", "run", "--storage.path", "/proc/tocsin"),
        1,
        "--storage.path /proc/tocsin",
        "cannot be written",
    )


@pytest.mark.slow
def test_storage_in_use(tmp_path: Path) -> None:
    """Two receivers never share one store."""
    with running(tmp_path):
        result = process("receiver", "run", "--web.listen-address", "127.0.0.1:0", "--storage.path", str(tmp_path))
    refused(result, 1, "another receiver is using it")


def test_storage_that_is_no_database(tmp_path: Path) -> None:
    """A store that is not one of ours is refused by name and left as it is."""
    (tmp_path / "tocsin.db").write_bytes(b"this is no database" * 100)
    refused(process("receiver", "run", "--storage.path", str(tmp_path)), 1, "tocsin.db", "cannot be opened")
    assert (tmp_path / "tocsin.db").read_bytes() == b"this is no database" * 100


def test_nobody_listens() -> None:
    """A client that reaches nobody says where it asked and what to check."""
    refused(
        tocsin("incidents", "list", "--url", "http://127.0.0.1:9"), 1, "http://127.0.0.1:9", "is the receiver running?"
    )


def test_unusable_arguments() -> None:
    """Arguments that cannot be used end with 2."""
    for arguments in (
        ["incidents", "list", "--url", "nonsense"],
        ["receiver", "run", "--web.listen-address", "nonsense"],
        ["receiver", "run", "--log.level", "loud"],
        ["incidents", "list", "--format", "xml", "--url", "http://127.0.0.1:9"],
    ):
        assert tocsin(*arguments).returncode == 2, arguments


BAD_CONFIG = """\
chanels: {}
channels:
  mail:
    email: {smarthost: localhost, from: tocsin@example.org, to: []}
  both:
    email: {smarthost: "localhost:25", from: t@example.org, to: [a@example.org]}
    webhook: {url: "http://x"}
escalation:
  steps:
    - {after: 5 minutes, notify: [mail]}
inbox_limit: ${NOT_SET}
"""


def test_config_check(tmp_path: Path) -> None:
    """Every problem of a configuration is shown at once, with its place and the way out."""
    file = tmp_path / "receiver.yml"
    file.write_text(BAD_CONFIG)
    first = process("config", "check", str(file))
    refused(first, 1, f"{file}:11:14: error", "NOT_SET is not set", "export NOT_SET=")
    result = tocsin("config", "check", str(file), NOT_SET="5")
    refused(
        result, 1,
        f"{file}:1:1: error: unknown key 'chanels'", "did you mean 'channels'?",
        f"{file}:4:24: error", f"{file}:4:65: error", f"{file}:10:15: error", "30s, 5m, 1h30m",
        "exactly one kind",
    )  # fmt: skip
    refused(process("receiver", "run", "--config.file", str(file), "--storage.path", str(tmp_path)), 1, "NOT_SET")
    refused(tocsin("config", "check", str(tmp_path / "gone.yml")), 1, "gone.yml", "cannot be read")


def test_channel_that_is_not_configured(tmp_path: Path) -> None:
    """An escalation to a channel that does not exist is refused before a night finds out."""
    file = tmp_path / "receiver.yml"
    file.write_text("escalation: {steps: [{notify: [phone]}]}\n")
    refused(tocsin("config", "check", str(file)), 1, "1:32: error", "'phone' is not a channel")


@pytest.mark.slow
def test_maintenance_from_the_command_line(tmp_path: Path) -> None:
    """A window is added, holds an alert back, is listed and ended; the alert is listed with its reason meanwhile."""
    with running(tmp_path) as url:
        added = tocsin(
            "maintenance", "add", "--name", "upgrade", "--for", "2h", "instance=p1", "--by", "eve", "--url", url
        )
        assert "upgrade: on until" in added.stdout, added
        urllib.request.urlopen(f"{url}/api/v2/hooks/alertmanager", body(alert(instance="p1"))).close()
        held = wait_for(lambda: tocsin("alerts", "list", "--suppressed", "--url", url).stdout, "PlayerErrors")
        assert "held back (maintenance): maintenance window 'upgrade', until" in held
        listed = tocsin("maintenance", "list", "--url", url).stdout
        assert "active" in listed
        assert "eve" in listed
        window = added.stdout.split()[0]
        assert "looked at again" in tocsin("maintenance", "end", window[:6], "--url", url).stdout
        assert "had been ended by" in tocsin("maintenance", "end", window, "--url", url).stdout
        wait_for(lambda: tocsin("incidents", "list", "--url", url).stdout, "PlayerErrors is up")
        assert tocsin("alerts", "list", "--suppressed", "--url", url).stdout == "No alerts are held back.\n"
        assert tocsin("maintenance", "list", "--url", url).stdout == "No maintenance is on or planned.\n"
        refused(tocsin("maintenance", "add", "--name", "x", "--for", "2h", "=", "--url", url), 1, "no matcher")
        refused(tocsin("maintenance", "end", "zzzz", "--url", url), 1, "no maintenance window zzzz")


TOPOLOGY = "topology: {edges: {web: [player], player: [db]}}\n"


@pytest.mark.slow
def test_decisions_from_the_command_line(tmp_path: Path) -> None:
    """Incidents are merged, split and marked from the command line; each says what it did; the tree is drawn."""
    (tmp_path / "receiver.yml").write_text(TOPOLOGY)
    with running(tmp_path, "--config.file", str(tmp_path / "receiver.yml")) as url:
        for name, service in (("DatabaseDown", "db"), ("WebErrors", "web"), ("CertificateExpires", "mail")):
            hook = f"{url}/api/v2/hooks/alertmanager"
            urllib.request.urlopen(hook, body(alert(name, service=service), group=name)).close()
        listed = wait_for(lambda: tocsin("incidents", "list", "--url", url).stdout, "CertificateExpires is up")
        found = {line.split()[-3]: line.split()[0] for line in listed.splitlines()[1:]}
        mail, db = found["CertificateExpires"], found["DatabaseDown"]

        def said(*arguments: str) -> str:
            result = tocsin("incidents", *arguments, "--by", "bob", "--url", url)
            assert result.returncode == 0, result
            return result.stdout

        assert said("merge", mail[:6], "--into", db[:6]) == f"bob merged {mail} into {db}\n"
        assert said("cause", db, "--name", "DatabaseDown").startswith("bob marked DatabaseDown (")
        assert said("noise", db, "--name", "CertificateExpires").endswith(f") of {db} as noise\n")
        shown = tocsin("incidents", "show", db, "--url", url).stdout
        assert "Cause, as bob says" in shown
        assert "\nNoise\n  CertificateExpires on mail" in shown
        split = tocsin("incidents", "split", db, "--name", "CertificateExpires", "--format", "json", "--url", url)
        new = json.loads(split.stdout)["incidents"][1]["id"]
        alert_id = json.loads(tocsin("alerts", "list", "--incident", new, "--format", "json", "--url", url).stdout)
        moved = said("move", new, alert_id["items"][0]["id"], "--to", db)
        assert moved.endswith(f") from {new} to {db}\n")
        picture = tmp_path / "picture.svg"
        assert tocsin("incidents", "graph", db, "--output", str(picture), "--url", url).stdout == ""
        assert picture.read_text().startswith("<svg")
        assert "flowchart LR" in tocsin("incidents", "graph", db, "--format", "mermaid", "--url", url).stdout
        refused(
            tocsin("incidents", "graph", db, "-o", str(tmp_path / "no" / "x"), "--url", url),
            2,
            "choose another --output",
        )
        refused(tocsin("incidents", "split", db, "--url", url), 1, "say which alerts")
        refused(tocsin("incidents", "merge", mail, "--into", db, "--url", url), 1, "decide about that one")
        refused(tocsin("incidents", "move", db, "x", "--to", "zzzz", "--url", url), 1, "there is no incident zzzz")


@pytest.mark.slow
def test_quarantine_from_the_command_line(tmp_path: Path) -> None:
    """A body that is not understood is listed, shown and re-run."""
    with running(tmp_path) as url:
        urllib.request.urlopen(f"{url}/api/v2/hooks/alertmanager", b'{"alerts": 5}').close()
        listed = wait_for(lambda: tocsin("receiver", "quarantine", "list", "--url", url).stdout, "alertmanager")
        number = listed.splitlines()[1].split()[0]
        assert '{"alerts": 5}' in tocsin("receiver", "quarantine", "show", number, "--url", url).stdout
        assert "back in the inbox" in tocsin("receiver", "quarantine", "retry", number, "--url", url).stdout
        refused(tocsin("receiver", "quarantine", "show", number, "--url", url), 1, "no body", "in quarantine")


def wait_for(ask: Callable[[], str], wanted: str) -> str:
    """What was answered as soon as it holds what is wanted; within 20 s."""
    deadline = time.monotonic() + 20
    while wanted not in (answer := ask()):
        assert time.monotonic() < deadline, answer
    return answer
