"""A build found again: the same bytes, sooner, and never a stale one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from generator.cache import store
from generator.cache.key import key
from generator.cache.remember import remembered
from generator.commands import rules
from generator.emit import File
from generator.outcome import Outcome
from tests.generator.packs import alert, pack
from tocsin.problem import Position, Problem

WARNED = Problem("a", "é \n", Position("f.yml", 1, 2), "hint", "Rule", "warning")
OUTCOME = Outcome((WARNED,), (File("a.yml", "# text: é\n", 3),), packs=1, rules=3)


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one pack, and the working directory beside it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "one.yml").write_text(pack(alert("heartbeat:")))
    return folder


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """Problems and files come back as they were."""
    store.write(tmp_path / "cache", "k", OUTCOME)
    assert store.read(tmp_path / "cache", "k") == OUTCOME
    assert store.read(tmp_path / "cache", "other") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"\n{}", b"\xff\n\xff"])
def test_what_is_damaged_is_not_there(damage: bytes, tmp_path: Path) -> None:
    """An entry that was cut, changed or written by somebody else is made anew."""
    store.write(tmp_path, "k", OUTCOME)
    (tmp_path / "k.json").write_bytes(damage)
    assert store.read(tmp_path, "k") is None


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    """The digest stands over all of it."""
    store.write(tmp_path, "k", OUTCOME)
    content = bytearray((tmp_path / "k.json").read_bytes())
    content[content.index(b"text")] ^= 1
    (tmp_path / "k.json").write_bytes(content)
    assert store.read(tmp_path, "k") is None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A cache that does not work is none: the build goes on."""
    (tmp_path / "file").write_text("")
    store.write(tmp_path / "file" / "below", "k", OUTCOME)
    assert store.read(tmp_path / "file" / "below", "k") is None


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries together stay below a bound; what was used last stays."""
    for age, name in enumerate(["new", "old"]):
        store.write(tmp_path, name, OUTCOME)
        os.utime(tmp_path / f"{name}.json", (1e9 - age, 1e9 - age))
    monkeypatch.setattr(store, "MAX_BYTES", (tmp_path / "old.json").stat().st_size * 2)
    store.write(tmp_path, "newest", OUTCOME)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.json", "newest.json"]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/home/me"}, "/x/tocsin/rules"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.cache/tocsin/rules"),
        ({"HOME": "/home/me"}, "/home/me/.cache/tocsin/rules"),
    ],
)
def test_where_it_lies(environment: Mapping[str, str], folder: str) -> None:
    """By the XDG specification."""
    assert str(store.folder(environment)) == folder


def test_what_the_key_depends_on(packs: Path) -> None:
    """Another file, byte, name, option or folder is another key; the same is the same."""
    keys = [key([packs], {"target": "rulefile"})]
    assert key([packs], {"target": "rulefile"}) == keys[0]
    keys += [key([packs], {"target": "prometheusrule"}), key([Path("packs")], {"target": "rulefile"})]
    (packs / "one.yml").write_text(pack(alert("heartbeat:", for_="1m")))
    keys.append(key([packs], {"target": "rulefile"}))
    (packs / "two.yaml").write_text("")
    keys.append(key([packs], {"target": "rulefile"}))
    (packs / "two.yaml").rename(packs / "three.yaml")
    keys.append(key([packs], {"target": "rulefile"}))
    os.chdir(packs)
    keys.append(key([packs], {"target": "rulefile"}))
    assert len(set(keys)) == len(keys)


def test_made_once(packs: Path, tmp_path: Path) -> None:
    """The second time nothing is made."""
    made = []

    def make() -> Outcome:
        made.append(1)
        return OUTCOME

    assert remembered([packs], {}, tmp_path / "cache", make) == remembered([packs], {}, tmp_path / "cache", make)
    assert made == [1]


def test_what_is_not_kept(packs: Path, tmp_path: Path) -> None:
    """Neither an outcome with errors nor one whose inputs changed while it was made."""

    def change() -> Outcome:
        (packs / "one.yml").write_text("")
        return OUTCOME

    error = Problem("a", "b", Position("f"))
    remembered([packs], {}, tmp_path / "cache", lambda: Outcome((error,), (), 1, 0))
    remembered([packs], {}, tmp_path / "cache", change)
    assert not (tmp_path / "cache").exists()


def test_a_build_found_again_says_and_writes_the_same(packs: Path, cache_of_ones_own: Path) -> None:
    """The same bytes, warnings and counts, also into another folder; and `--no-cache` leaves no trace."""
    (packs / "one.yml").write_text(pack(alert("threshold: {expr: x, above: 1}", severity="critical")))
    run = CliRunner()
    plain = run.invoke(rules, ["build", "packs", "-o", "a", "--no-cache"])
    assert not any(cache_of_ones_own.rglob("*.json"))
    first = run.invoke(rules, ["build", "packs", "-o", "b"])
    again = run.invoke(rules, ["build", "packs", "-o", "c"])
    assert len(list(cache_of_ones_own.rglob("*.json"))) == 1
    outputs = [(one.exit_code, one.stderr, one.stdout.partition(" to ")[0]) for one in (plain, first, again)]
    assert "missing-runbook" in first.stderr
    assert outputs[0] == outputs[1] == outputs[2]
    assert Path("a/test.yml").read_bytes() == Path("b/test.yml").read_bytes() == Path("c/test.yml").read_bytes()


def test_a_build_found_again_loads_nothing_heavy(packs: Path) -> None:
    """Neither YAML nor PromQL nor the compiler is imported: that is what makes it quick."""
    CliRunner().invoke(rules, ["build", "packs", "-o", "rules"])
    script = (
        "import sys; from generator.commands import rules\n"
        "try: rules(['build', 'packs', '-o', 'rules'])\n"
        "except SystemExit: print(sorted({'yaml', 'promql_parser', 'generator.pipeline'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "wrote 0 files, 1 rule to rules/ (1 unchanged)\n[]\n"
