"""Which files are rulepacks, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.load import load
from generator.pipeline import compile_packs
from generator.targets import rulefile
from tests.generator.packs import alert, pack
from tocsin.errors import UsageError

PACK = pack(alert("heartbeat:"))


def test_a_folder_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs are found at any depth in a stable order; what is hidden, no YAML, or somebody else's is left alone."""
    _write(tmp_path, "packs/b/pack.yml", PACK)
    _write(tmp_path, "packs/a.yaml", PACK)
    _write(tmp_path, "packs/.git/pack.yml", PACK)
    _write(tmp_path, "packs/.draft.yml", PACK)
    _write(tmp_path, "packs/README.md", PACK)
    _write(tmp_path, "packs/rules.yml", "groups: []\n")
    _write(tmp_path, "packs/chart.yml", "{{ .Values.broken }}: [\n")
    _write(tmp_path, "packs/tenant.yml", "apiVersion: tocsin/v1alpha1\nkind: Tenant\n")
    monkeypatch.chdir(tmp_path)
    sources, problems = load([Path("packs")])
    assert [source.name for source in sources] == ["packs/a.yaml", "packs/tenant.yml", "packs/b/pack.yml"]
    assert not problems


def test_examples_are_looked_into_where_they_are_named(tmp_path: Path) -> None:
    """A folder `examples` below another is for people; on the command line it is a folder like any other."""
    _write(tmp_path, "packs/pack.yml", PACK)
    _write(tmp_path, "packs/examples/shop/tenant.yml", "apiVersion: tocsin/v1alpha1\nkind: Tenant\n")
    kinds = {path: [source.kind for source in load([tmp_path / path])[0]] for path in ("packs", "packs/examples")}
    assert kinds == {"packs": ["RulePack"], "packs/examples": ["Tenant"]}


def test_a_broken_pack_in_a_folder_is_told(tmp_path: Path) -> None:
    """A file that says RulePack, or tocsin/v…, is meant to be one: its mistakes are not passed over."""
    _write(tmp_path, "broken.yml", "kind: RulePack\nmetadata: [\n")
    _write(tmp_path, "mistyped.yml", "apiVersion: tocsin/v1alpha1\nkind: RulPack\n")
    _, problems = load([tmp_path])
    assert [(Path(problem.at.file).name, problem.check) for problem in problems] == [
        ("broken.yml", "yaml"),
        ("mistyped.yml", "kind"),
    ]
    assert problems[1].hint == "did you mean 'RulePack'?"


def test_another_kind_of_ours(tmp_path: Path) -> None:
    """A runbook beside packs is passed over; one that is named, or mistyped, is told, with what looks at it."""
    _write(tmp_path, "packs/pack.yml", PACK)
    _write(tmp_path, "packs/runbooks/restart.yml", "apiVersion: tocsin/v1alpha1\nkind: Runbook\n")
    [source], problems = load([tmp_path / "packs"])
    assert Path(source.name).name == "pack.yml"
    assert not problems
    _, [named] = load([tmp_path / "packs/runbooks/restart.yml"])
    assert named.hint == "it is looked at by tocsin runbooks check"
    _write(tmp_path, "packs/runbooks/stop.yml", "apiVersion: tocsin/v1alpha1\nkind: Runbok\n")
    _, [mistyped] = load([tmp_path / "packs"])
    assert (Path(mistyped.at.file).name, mistyped.hint) == ("stop.yml", "did you mean 'Runbook'?")


def test_a_folder_of_another_kind_is_a_problem(tmp_path: Path) -> None:
    """A folder that holds runbooks alone has no rule in it, and does not pass for a clean one."""
    _write(tmp_path, "runbooks/restart.yml", "apiVersion: tocsin/v1alpha1\nkind: Runbook\n")
    sources, [problem] = load([tmp_path / "runbooks"])
    assert not sources
    assert problem.message == "holds no rulepack"


def test_a_folder_without_packs_is_a_problem(tmp_path: Path) -> None:
    """A mistyped folder in CI must not pass for a clean one."""
    sources, [problem] = load([tmp_path])
    assert not sources
    assert problem.message == "holds no rulepack"


def test_one_bad_pack_hides_no_other(tmp_path: Path) -> None:
    """Problems of all packs come together."""
    for name in ("a", "b"):
        _write(tmp_path, f"{name}.yml", PACK.replace("name: test", f"name: {name}").replace("heartbeat", f"beat{name}"))
    _write(tmp_path, "c.yml", PACK)
    compiled = compile_packs([tmp_path], rulefile.render)
    assert [problem.check for problem in compiled.problems] == ["unknown-template", "unknown-template"]
    assert not compiled.files


def test_packs_of_one_name(tmp_path: Path) -> None:
    """Two packs of one name would be one file: the second is a problem that says where the first is."""
    _write(tmp_path, "a.yml", PACK)
    _write(tmp_path, "b.yml", PACK)
    [problem] = compile_packs([tmp_path], rulefile.render).problems
    assert problem.check == "duplicate-pack"
    assert problem.at.file == str(tmp_path / "b.yml")
    assert f"{tmp_path / 'a.yml'}:3:18" in problem.message


def test_several_packs_in_one_file(tmp_path: Path) -> None:
    """YAML documents in one file are packs each, with lines counted through."""
    _write(tmp_path, "all.yml", PACK + "---\n" + PACK.replace("name: test", "name: other") + "---\n")
    sources, problems = load([tmp_path / "all.yml"])
    assert [source.document.data["metadata"]["name"] for source in sources] == ["test", "other"]
    assert sources[1].document.at("kind").line == 13
    assert not problems


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """`build packs packs/a.yml` is no collision."""
    _write(tmp_path, "a.yml", PACK)
    sources, problems = load([tmp_path, tmp_path / "a.yml"])
    assert len(sources) == 1
    assert not problems


def test_missing_paths_are_named(tmp_path: Path) -> None:
    """All paths that do not exist are told at once."""
    with pytest.raises(UsageError, match=r"nowhere, .*neither: no such file or folder"):
        load([tmp_path / "nowhere", tmp_path, tmp_path / "neither"])


def test_no_path_of_the_machine_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path is named from where one stands, or else from the folder that was given."""
    _write(tmp_path, "repo/packs/a.yml", PACK)
    monkeypatch.chdir(tmp_path / "repo")
    absolute = tmp_path / "repo" / "packs"
    assert [source.name for source in load([absolute])[0]] == ["packs/a.yml"]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [source.name for source in load([tmp_path / "repo"])[0]] == ["repo/packs/a.yml"]


def _write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
