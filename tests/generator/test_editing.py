"""`tocsin rules set`: one value moves, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.editing import set_param
from generator.pipeline import compile_packs
from generator.targets import rulefile
from tests.generator.packs import alert, pack
from tocsin.errors import UsageError

RULES = alert("threshold: {expr: 'load{job=\"$(job)\"}', above: $(limit)}", runbook="https://example.org/up")
PACK = "# whose it is: é 🔔\n" + pack(
    RULES, params="{limit: {default: 90,   min: 0, max: 100}, job: {default: 'a'}} # why"
)
TENANT = """\
# a tenant
apiVersion: tocsin/v1alpha1
kind: Tenant
metadata: {name:   acme}   # odd spaces
packs:
- test
rules: {}  # none yet
"""

# (what, parameter, value, the text that moves, what it becomes)
VALUES = [
    ("a number", "limit", "85", "default: 90,", "default: 85,"),
    ("a share", "limit", "0.5", "default: 90,", "default: 0.5,"),
    ("an exponent", "limit", "1e1", "default: 90,", "default: 10.0,"),
    ("with its pack's name", "test.limit", "85", "default: 90,", "default: 85,"),
    ("a word", "job", "api", "default: 'a'}", "default: api}"),
    ("a text", "job", "a, b}: #c", "default: 'a'}", 'default: "a, b}: #c"}'),
    ("a text of digits", "job", "5", "default: 'a'}", 'default: "5"}'),
]


@pytest.mark.parametrize(("name", "value", "old", "new"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_one_value_moves(name: str, value: str, old: str, new: str, tmp_path: Path) -> None:
    """Every other byte of a pack stays, comments and odd spaces too; the pack still compiles."""
    file = _write(tmp_path, "pack.yml", PACK)
    assert set_param(file, name, value, []).problems == ()
    assert file.read_text() == PACK.replace(old, new)
    assert compile_packs([file], rulefile.render).problems == ()


def test_the_ends_of_lines_stay(tmp_path: Path) -> None:
    """A file from Windows keeps its CRLF, and its byte order mark."""
    file = tmp_path / "pack.yml"
    before = ("\ufeff" + PACK.replace("\n", "\r\n")).encode()
    file.write_bytes(before)
    assert set_param(file, "limit", "85", []).problems == ()
    assert file.read_bytes() == before.replace(b"default: 90,", b"default: 85,")


def test_a_tenant_gets_a_value_and_then_another(tmp_path: Path) -> None:
    """A parameter that the tenant did not set is added by ruamel.yaml; afterwards it is replaced where it stands."""
    file, packs = _write(tmp_path, "acme.yml", TENANT), [_write(tmp_path, "pack.yml", PACK)]
    assert set_param(file, "test.limit", "85", packs).problems == ()
    added = file.read_text()
    assert [line for line in added.splitlines() if "test.limit: 85" in line]
    assert all(comment in added for comment in ("# a tenant", "# odd spaces", "# none yet"))
    edit = set_param(file, "test.limit", "80", packs)
    assert (edit.before, edit.after) == (85, 80)
    assert file.read_text() == added.replace("test.limit: 85", "test.limit: 80")
    [built] = compile_packs([file, *packs], rulefile.render).packs
    assert built.rules[0].expr.text.endswith("> 80")


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("limit", "101", "param"),
        ("limit", "high", "param"),
        ("limit", "nan", "param"),
        ("limt", "5", "unknown-parameter"),
    ],
)
def test_a_value_that_cannot_be_changes_nothing(name: str, value: str, check: str, tmp_path: Path) -> None:
    """Bounds and types are checked before a byte is written, in packs and for tenants."""
    file, tenant = _write(tmp_path, "pack.yml", PACK), _write(tmp_path, "acme.yml", TENANT)
    for edited, full in ((file, name), (tenant, f"test.{name}")):
        before = edited.read_bytes()
        [problem] = set_param(edited, full, value, [file]).problems
        assert (problem.check, bool(problem.hint)) == (check, True)
        assert edited.read_bytes() == before


def test_a_failed_write_leaves_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told, and the file is as it was."""
    file = _write(tmp_path, "pack.yml", PACK)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        set_param(file, "limit", "5", [])
    assert file.read_text() == PACK
    assert [path.name for path in tmp_path.iterdir()] == ["pack.yml"]


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    """A rule file has no parameters; a broken pack is shown as `check` shows it."""
    assert set_param(_write(tmp_path, "rules.yml", "groups: []\n"), "a", "1", []).problems[0].check == "kind"
    assert set_param(_write(tmp_path, "broken.yml", "kind: [\n"), "a", "1", []).problems[0].check == "yaml"
    with pytest.raises(UsageError, match="no such file"):
        set_param(tmp_path / "nowhere.yml", "a", "1", [])


def _write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file
