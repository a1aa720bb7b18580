"""Who is asked where other machines reach the receiver, at the start and later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.listening import Outside
from tests.receiver.access.people import CONFIG
from tests.tls import Authority
from tocsin.errors import UsageError
from tocsin.guard import Guard
from tocsin.serving import Listen

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
USERS = f"basic_auth_users: {{alice: '{HASH}'}}"
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: %s}"


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "token").write_text("t0ken")
    return {"sources": {"alertmanager": {"bearer_token_files": [str(tmp_path / "token")]}}}


@pytest.mark.parametrize(
    ("host", "web", "users", "known", "says"),
    [
        ("127.0.0.1", "", False, False, ""),
        ("127.8.8.8", "", False, False, ""),
        ("::1", "", False, False, ""),
        ("localhost", "", False, False, ""),
        ("0.0.0.0", "", False, False, "who calls"),
        ("::", "", False, False, "who calls"),
        ("192.0.2.7", "", False, True, "who calls"),
        ("tocsin.example.org", "", False, False, "who calls"),
        ("0.0.0.0", "", True, False, "who sends webhooks"),
        ("0.0.0.0", "", True, True, ""),
        ("0.0.0.0", USERS, False, False, ""),
        ("0.0.0.0", TLS % "RequireAndVerifyClientCert", False, False, ""),
        ("0.0.0.0", TLS % "VerifyClientCertIfGiven", False, False, "who calls"),
    ],
)
def test_who_is_asked(
    tmp_path: Path, sources: dict[str, Any], host: str, web: str, users: bool, known: bool, says: str
) -> None:
    """Beyond loopback callers are users or named by --web.config.file, and webhooks come from sources or are, too."""
    Authority(tmp_path).server()
    (tmp_path / "web.yml").write_text(web)
    guard = Guard(tmp_path / "web.yml" if web else None)
    config = ReceiverConfig.model_validate((CONFIG if users else {}) | (sources if known else {}))
    outside = Outside(Listen(host, 9095), guard)
    if says:
        with pytest.raises(UsageError, match=f"nothing asks {says}"):
            outside.checked(config)
    else:
        assert outside.checked(config) is config
        assert outside.only_tokens() is (host == "0.0.0.0" and not web)


def test_what_may_change_later(tmp_path: Path, sources: dict[str, Any]) -> None:
    """--web.config.file may stop asking only where users and sources ask; they may go only where it asks."""
    file = tmp_path / "web.yml"
    file.write_text(USERS)
    guard = Guard(file)
    outside = Outside(Listen("0.0.0.0", 9095), guard)
    full = ReceiverConfig.model_validate(CONFIG | sources)
    outside.taken(outside.checked(ReceiverConfig()))
    file.write_text("basic_auth_users: {}")
    with capture_logs() as logs:
        asks = guard.config.asks
    assert asks
    assert "the old one stays" in logs[0]["event"]
    outside.taken(outside.checked(ReceiverConfig.model_validate(CONFIG)))
    assert guard.must_ask  # webhooks would be open
    outside.taken(outside.checked(full))
    file.write_text("{}  # asks nobody")
    assert guard.config.asks is False
    with pytest.raises(UsageError):
        outside.checked(ReceiverConfig())
