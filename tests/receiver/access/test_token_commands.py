"""`tocsin tokens`, and the other commands where somebody must be known, as processes."""

from __future__ import annotations

import json
import re
import stat
import urllib.request
from pathlib import Path

import pytest

from receiver.access.tokens import WRITTEN
from tests.commands import tocsin
from tests.receiver.access.people import CONFIG
from tests.receiver.bodies import alert, body
from tests.receiver.test_commands import process, refused, running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "receiver.yml"
    file.write_text(json.dumps(CONFIG))
    return file


def test_on_the_store(tmp_path: Path, config: Path) -> None:
    """Without a receiver: a token is made into a file for its owner alone, listed, revoked, and never shown again."""
    there = ["--config.file", str(config), "--storage.path", str(tmp_path / "store")]
    file = tmp_path / "token"
    made = tocsin("tokens", "create", "--user", "alice", "--scope", "incidents:read", "--output", str(file), *there)
    assert (made.returncode, made.stdout) == (0, ""), made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_text().strip()
    assert WRITTEN.fullmatch(written)
    listed = tocsin("tokens", "list", *there).stdout
    name = listed.splitlines()[1].split()[0]
    assert re.search(rf"{name} +alice +active .* never +incidents:read +the user's", listed)
    assert (
        "on the store"
        in json.loads(tocsin("tokens", "list", "--format", "json", *there).stdout)["items"][0]["created_by"]
    )
    assert "of alice: revoked" in tocsin("tokens", "revoke", name, *there).stdout
    assert "had been revoked by" in tocsin("tokens", "revoke", name, *there).stdout
    assert tocsin("tokens", "list", *there).stdout == "No tokens.\n"
    assert "revoked" in tocsin("tokens", "list", "--all", *there).stdout
    assert written[-43:] not in listed + made.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--user", "mallory", "--scope", "incidents:read"], 1, "there is no user mallory; add it under users"),
        (["--user", "alice", "--scope", "admin:all"], 1, "alice may not do admin:all (theirs: incidents:read"),
        (["--user", "alice", "--scope", "everything"], 1, "'everything' is no scope; there are admin:all"),
        (["--user", "alice", "--scope", "rules:read", "--expires", "long"], 1, "'long' is not a duration"),
        (["--user", "alice", "--scope", "rules:read", "--output", "/proc/x/y"], 2, "choose another --output"),
        (["--user", "alice"], 2, "--scope"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, config: Path, arguments: list[str], code: int, says: str) -> None:
    """What is wrong is one line with the way out."""
    there = ["--config.file", str(config), "--storage.path", str(tmp_path / "store")]
    refused(tocsin("tokens", "create", *arguments, *there), code, says)


@pytest.mark.slow
def test_beside_a_running_receiver(tmp_path: Path, config: Path) -> None:
    """While the receiver runs: the first token on the store, more over the API, and each command under its name."""
    store = tmp_path / "store"
    there = ["--config.file", str(config), "--storage.path", str(store)]
    with running(store, "--config.file", str(config)) as url:
        urllib.request.urlopen(f"{url}/api/v2/hooks/alertmanager", body(alert(tenant="acme"))).close()
        refused(tocsin("incidents", "list", TOCSIN_URL=url), 1, "asks who calls", "TOCSIN_TOKEN_FILE", "tokens create")
        root, alice = tmp_path / "root", tmp_path / "alice"
        asked = ["--scope", "admin:all", "--output", str(root)]
        assert tocsin("tokens", "create", "--user", "root", *asked, *there).returncode == 0
        by_root = {"TOCSIN_URL": url, "TOCSIN_TOKEN_FILE": str(root)}
        by_alice = {"TOCSIN_URL": url, "TOCSIN_TOKEN_FILE": str(alice)}
        asked = ["--scope", "incidents:read,incidents:write", "--expires", "1d", "--note", "phone"]
        made = tocsin("tokens", "create", "--user", "alice", *asked, **by_root)
        assert WRITTEN.fullmatch(made.stdout.strip()), made
        alice.write_text(made.stdout)
        incident = tocsin("incidents", "list", **by_alice).stdout.splitlines()[1].split()[0]
        acknowledged = tocsin("incidents", "ack", incident, **by_alice)
        assert acknowledged.returncode == 0, acknowledged
        assert "acknowledged by alice" in tocsin("incidents", "show", incident, **by_alice).stdout
        refused(tocsin("incidents", "resolve", incident, "--by", "bob", **by_alice), 1, "alice asks: leave it out")
        refused(
            tocsin("receiver", "quarantine", "list", **by_alice), 1, "takes the scope admin:all", "give the user a role"
        )
        listed = tocsin("tokens", "list", **by_root).stdout
        assert re.search(r"alice +active .*phone", listed)
        name = made.stdout[7:19]
        assert "of alice: revoked" in tocsin("tokens", "revoke", name, *there).stdout
        refused(tocsin("incidents", "list", **by_alice), 1, f"the token {name} of alice was revoked on")


@pytest.mark.parametrize(
    ("address", "configured", "says"),
    [
        ("0.0.0.0:0", {}, "nothing asks who calls: configure users"),
        ("[::]:0", {}, "nothing asks who calls: configure users"),
        (":0", {}, "nothing asks who calls: configure users"),
        ("0.0.0.0:0", CONFIG, "nothing asks who sends webhooks: configure sources"),
    ],
)
def test_nothing_is_open_to_other_machines(
    tmp_path: Path, address: str, configured: dict[str, object], says: str
) -> None:
    """The receiver does not begin to listen where others would come in unasked; the message names each way out."""
    (tmp_path / "receiver.yml").write_text(json.dumps(configured))
    store = tmp_path / "store"
    ran = process(
        "receiver", "run", "--web.listen-address", address, "--storage.path", str(store),
        "--config.file", str(tmp_path / "receiver.yml"),
    )  # fmt: skip
    refused(ran, 2, says, "basic_auth_users or client certificates in --web.config.file", "or listen on 127.0.0.1")
    assert not store.exists()


def test_nor_is_the_exporter(tmp_path: Path) -> None:
    """The exporter likewise; it has --web.config.file alone."""
    (tmp_path / "exporter.yml").write_text("prometheus: {url: 'http://127.0.0.1:1'}\nqueries: []\n")
    ran = tocsin(
        "exporter", "run", "--config.file", str(tmp_path / "exporter.yml"), "--web.listen-address", "0.0.0.0:0"
    )
    refused(ran, 2, "nothing asks who calls: give --web.config.file with basic_auth_users", "127.0.0.1:0")
