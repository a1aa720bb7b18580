"""`sources` in the receiver's configuration: what may stand there, and what the receiver says of it at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from receiver.web.authentication import Authentication
from receiver.web.sources import SourceSettings, TokenSettings, read_token
from tocsin.config import load
from tocsin.errors import InputError, TocsinError


def one_source(folder: Path) -> ReceiverConfig:
    (folder / "token").write_text("t0ken\n")
    return ReceiverConfig.model_validate({"sources": {"alertmanager": {"bearer_token_files": [folder / "token"]}}})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "the secret cannot be read"),
        (b"", "the secret is empty"),
        (b" \n", "the secret is empty"),
        (b"two words\n", "one word"),
        ("tökén\n".encode(), "visible ASCII"),
        (b"\xff\n", "the secret cannot be read"),
    ],
)
def test_a_file_without_a_token(tmp_path: Path, content: bytes | None, says: str) -> None:
    """A token file that holds no token is a problem at its place in the configuration, with the way out."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    file = tmp_path / "receiver.yml"
    file.write_text("sources:\n  alertmanager:\n    bearer_token_files:\n      - token\n")
    with pytest.raises(InputError) as caught:
        load(file, ReceiverConfig)
    [problem] = caught.value.problems
    assert (problem.check, problem.at.line, problem.at.column) == ("secret", 4, 9)
    assert says in problem.message
    assert str(tmp_path / "token") in problem.hint


@pytest.mark.parametrize("inside", ["{}", "{bearer_token_files: []}", "{bearer_token_file: x}", "{password: x}"])
def test_a_source_without_a_proof(tmp_path: Path, inside: str) -> None:
    """A listed source cannot be without a proof, be it by a slip of the pen."""
    file = tmp_path / "receiver.yml"
    file.write_text(f"sources:\n  alertmanager: {inside}\n")
    with pytest.raises(InputError):
        load(file, ReceiverConfig)


def test_files_count_from_the_configuration(tmp_path: Path) -> None:
    """Relative paths count from the configuration's folder, and white space around a token is not part of it."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/token").write_text("  t0ken \r\n\n")
    (tmp_path / "receiver.yml").write_text("sources: {alertmanager: {bearer_token_files: [secrets/token]}}\n")
    settings = load(tmp_path / "receiver.yml", ReceiverConfig).sources["alertmanager"]
    assert settings == SourceSettings(bearer_token_files=(TokenSettings(token_file=tmp_path / "secrets/token"),))
    assert read_token(tmp_path / "secrets/token") == b"t0ken"


def test_a_token_that_went_away(tmp_path: Path) -> None:
    """A file that vanishes between the check and the start is one clear error."""
    config = one_source(tmp_path)
    (tmp_path / "token").unlink()
    with pytest.raises(TocsinError, match="token: the secret cannot be read"):
        Authentication.read(config.sources)
