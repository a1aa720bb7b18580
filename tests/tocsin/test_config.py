"""Configuration files become typed models, or problems with their places."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from tocsin import config, yamltree
from tocsin.config import Duration, Settings
from tocsin.errors import InputError, TocsinError
from tocsin.problem import Problem


class Channel(Settings):
    kind: str
    token_file: Path | None = None
    timeout: Duration = timedelta(seconds=10)


class Example(Settings):
    listen: str = Field("127.0.0.1:9095", alias="listenAddress")
    channels: list[Channel] = Field(default_factory=list)


def _load(text: str, folder: Path, **environment: str) -> Example:
    (folder / "c.yml").write_text(text)
    return config.load(folder / "c.yml", Example, environment)


def _problems(text: str, folder: Path, **environment: str) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        _load(text, folder, **environment)
    return sorted(caught.value.problems, key=lambda problem: problem.at)


def test_defaults_fill_what_is_absent(tmp_path: Path) -> None:
    """An empty file is a valid configuration."""
    assert _load("", tmp_path) == Example()
    assert _load("# nothing\n", tmp_path).listen == "127.0.0.1:9095"


def test_values_are_typed(tmp_path: Path) -> None:
    """Durations are read, variables put in, and files counted from the configuration's own folder."""
    text = "listenAddress: '${HOST}:1'\nchannels: [{kind: webhook, token_file: secret, timeout: 1h30m}]\n"
    loaded = _load(text, tmp_path, HOST="::1")
    assert loaded.listen == "::1:1"
    assert loaded.channels == [Channel(kind="webhook", token_file=tmp_path / "secret", timeout=timedelta(minutes=90))]


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("listenAdress: x", (1, 1), "unknown key 'listenAdress'", "did you mean 'listenAddress'?"),
        ("zzz: x", (1, 1), "unknown key 'zzz'", "known here: channels, listenAddress"),
        (
            "channels:\n  - {kind: x, tiemout: 1m}",
            (2, 15),
            "unknown key 'channels.0.tiemout'",
            "did you mean 'timeout'?",
        ),
        ("channels:\n  - {timeout: 1m}", (2, 5), "the key 'kind' is missing", "add kind: …"),
        ("channels: [{kind: x, timeout: 5}]", (1, 31), "5 is not a duration", "see docs/reference/configuration.md"),
        ("channels: [{kind: x, timeout: soon}]", (1, 31), "'soon' is not a duration", "see docs/"),
        ("channels: 5", (1, 11), "channels: must be a list", "write [first, second]; see docs/"),
        ("listenAddress: ${NOWHERE}", (1, 16), "variable NOWHERE is not set", "export NOWHERE=…"),
        ("a: 1\n---\nb: 2", (3, 1), "more than one document", "remove '---'"),
    ],
)
def test_mistakes_have_their_place(text: str, place: tuple[int, int], message: str, hint: str, tmp_path: Path) -> None:
    """Each mistake is told with file, line, column and a way out."""
    [problem] = _problems(text, tmp_path)
    assert (problem.at.line, problem.at.column) == place
    assert message in problem.message
    assert problem.hint.startswith(hint)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Nobody has to run it three times to learn of three mistakes."""
    text = "listenAdress: x\nchannels:\n  - {timeout: soon}\n"
    assert [problem.check for problem in _problems(text, tmp_path)] == ["unknown-key", "missing-key", "value"]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    """A configuration that cannot be read is told like one that is wrong."""
    with pytest.raises(InputError) as caught:
        config.load(tmp_path / "none.yml", Example, {})
    assert "No such file" in caught.value.problems[0].message


def _polite(word: str) -> str:
    raise PydanticCustomError("opinion", "{word} is rude", {"word": word, "hint": "ask again"})


class Request(Settings):
    word: Annotated[str, AfterValidator(_polite)]


def test_a_validator_may_know_the_way_out() -> None:
    """A custom error with a hint is a problem of its own name."""
    [document], _ = yamltree.parse("word: '{now}'\n", "c.yml")
    value, [problem] = config.validate(document, Request, {})
    assert value is None
    assert (problem.check, problem.message, problem.hint) == ("opinion", "word: {now} is rude", "ask again")


def test_a_part_of_a_document_is_explained_in_its_place() -> None:
    """`under` says where in the document a model stands: places are the document's, names the model's."""
    [document], _ = yamltree.parse("channels:\n  - {kind: x, tiemout: 1m}\n", "c.yml")
    with pytest.raises(ValidationError) as caught:
        Channel.model_validate(document.data["channels"][0])
    [problem] = config.explain(caught.value, document, Channel, under=("channels", 0), guide="guide.md")
    assert problem.message == "unknown key 'tiemout'"
    assert (problem.at.line, problem.at.column) == (2, 15)


def test_secrets_are_read_without_the_line_end(tmp_path: Path) -> None:
    """A secret that is missing or empty is an error that names its file, and never its content."""
    (tmp_path / "secret").write_text("s3cret\n")
    assert config.read_secret(tmp_path / "secret") == "s3cret"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(TocsinError, match="empty: the secret is empty"):
        config.read_secret(tmp_path / "empty")
    with pytest.raises(TocsinError, match="none: the secret cannot be read"):
        config.read_secret(tmp_path / "none")
