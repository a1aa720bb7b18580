"""YAML is read as plain data that knows where it stood, and bad YAML as problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin import yamltree
from tocsin.problem import Position

TEXT = """\
# a comment
name: x
list:
  - {a: 1, "b": two}
  - |
    text
"""


def test_every_value_and_key_has_its_place() -> None:
    """Lines and columns count from 1; a value that is not there has its nearest parent's place."""
    [document], problems = yamltree.parse(TEXT, "f.yml")
    assert not problems
    assert document.data == {"name": "x", "list": [{"a": 1, "b": "two"}, "text\n"]}
    assert document.at() == Position("f.yml", 2, 1)
    assert document.at("name") == Position("f.yml", 2, 7)
    assert document.at_key("name") == Position("f.yml", 2, 1)
    assert document.at("list", 0, "b") == Position("f.yml", 4, 17)
    assert document.at_key("list", 0, "b") == Position("f.yml", 4, 12)
    assert document.at("list", 1) == Position("f.yml", 5, 5)
    assert document.at("list", 0, "c", "d") == document.at("list", 0)


def test_documents_count_lines_through() -> None:
    """A file may hold several documents; an empty one is None."""
    documents, problems = yamltree.parse("a: 1\n---\n---\nb: 2\n", "f.yml")
    assert not problems
    assert [document.data for document in documents] == [{"a": 1}, None, {"b": 2}]
    assert documents[2].at("b") == Position("f.yml", 4, 4)


def test_aliases_and_merge_keys() -> None:
    """Anchors mean what YAML says; an own key wins over a merged one."""
    [document], problems = yamltree.parse("base: &b {x: 1, y: 2}\nown: &o {<<: *b, y: 3}\nagain: *o\n", "f.yml")
    assert not problems
    assert document.data["own"] == document.data["again"] == {"x": 1, "y": 3}
    assert document.at("own", "y") == Position("f.yml", 2, 21)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: [1\n", "f.yml:2:1", "not valid YAML"),
        ("a: b: c\n", "f.yml:1:5", "mapping values are not allowed"),
        ("a:\n\tb: 1\n", "f.yml:2:1", "cannot start any token"),
        ("a: 1\nb: 2\na: 3\n", "f.yml:3:1", "the key 'a' stands twice"),
        ("? [1]\n: 2\n", "f.yml:1:3", "a key must be a plain word"),
        ("a: !!python/name:os.system x\n", "f.yml:1:4", "cannot be read"),
        ("a: 2024-13-45\n", "f.yml:1:4", "cannot be read"),
        ("a: \x07\n", "f.yml", "not valid YAML"),
        ("a: *nobody\n", "f.yml:1:4", "undefined alias"),
        ("[" * 2_000 + "]" * 2_000, "f.yml", "nests too deep"),
    ],
)
def test_bad_yaml_is_a_problem(text: str, place: str, message: str) -> None:
    """Each mistake has its place and a hint; nothing is thrown."""
    _, [problem] = yamltree.parse(text, "f.yml")
    assert str(problem.at) == place
    assert message in problem.message
    assert problem.hint


def test_an_alias_bomb_is_refused() -> None:
    """Aliases that expand without end do not fill the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, [problem] = yamltree.parse("\n".join(lines), "f.yml")
    assert "expands to over" in problem.message


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe", "is not UTF-8")],
)
def test_unreadable_files(content: bytes | None, message: str, tmp_path: Path) -> None:
    """A file that is missing or binary is a problem too."""
    file = tmp_path / "f.yml"
    if content is not None:
        file.write_bytes(content)
    documents, [problem] = yamltree.read(file)
    assert not documents
    assert message in problem.message


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file that people write is larger than the bound."""
    monkeypatch.setattr(yamltree, "MAX_BYTES", 10)
    (tmp_path / "f.yml").write_text("a: " + "x" * 20)
    _, [problem] = yamltree.read(tmp_path / "f.yml")
    assert "is larger than" in problem.message
