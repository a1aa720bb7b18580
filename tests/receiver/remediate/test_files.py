"""Runbooks from files: which documents are read, what the configuration changes, what is told of faults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.remediate.files import read
from receiver.remediate.settings import OverrideSettings
from tests.receiver.remediate.books import runbook, text, there
from tocsin import data


def test_every_document_of_every_file_is_read(tmp_path: Path) -> None:
    """Globs, several documents a file, a file that two patterns mean; a document of another kind is left out."""
    (tmp_path / "books").mkdir()
    other = "---\nkind: RulePack\nmetadata: {name: node}\n---\n"
    (tmp_path / "books/a.yml").write_text(text() + other + text(metadata={"name": "second"}))
    (tmp_path / "books/b.yml").write_text("---\n" + text(metadata={"name": "third"}) + "---\n# nothing\n---\n7\n")
    (tmp_path / "books/b.txt").write_text("no runbook")
    runbooks, problems = read(["books/*.yml", "books/a.yml"], tmp_path, {})
    assert list(runbooks) == ["restart", "second", "third"]
    assert [
        (Path(one.where.file).name, there(Path(one.where.file).read_text(), one.where)) for one in runbooks.values()
    ] == [("a.yml", "restart"), ("a.yml", "second"), ("b.yml", "third")]
    assert [(one.severity, one.message) for one in problems] == [
        ("info", "left out: kind 'RulePack'"),
        ("info", "left out: no kind"),
    ]


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (text() + "mod: apply\n", "mod: apply", "unknown key 'mod'"),
        (text().replace("kind: Runbook\n", ""), "apiVersion: tocsin/v1alpha1", "kind: the key 'kind' is missing"),
        (text().replace("kind: Runbook", "kind: RunBook"), "RunBook", "kind: Input should be 'Runbook'"),
        (text().replace("v1alpha1", "v2"), "tocsin/v2", "apiVersion: Input should be 'tocsin/v1alpha1'"),
        (text(steps=[]), "[]", "steps: is empty"),
        (text(steps=[{"wait": {"for": "1s"}}] * 21), "- &id001", "steps: has more than 20 steps"),
        (text(steps=[{"exec": None}]), "exec: null", "steps.0: a step has exactly one kind of "),
        (
            text(steps=[{"wait": {"for": "1s"}, "exec": {"command": ["/bin/a"]}}]),
            "wait:",
            "a step has exactly one kind of ",
        ),
        (text(steps=[{"dance": {}}]), "dance: {}", "unknown key 'steps.0.dance'"),
        (text(values={"a": {"label": "a", "pattern": "("}}), "(", "'(' is no regular expression (RE2)"),
        (text(values={"a": {"label": "a", "annotation": "a"}}), "label: a", "label or annotation, one of them"),
        (text(values={"A b": {"label": "a"}}), "label: a", "should match pattern"),
        (text(target={"is": "x", "allow_matching": ["a", "["]}), "'['", "'[' is no regular expression (RE2)"),
        (text(limits={"per_target": {"most": 1, "within": "0s"}}), "0s", "must be 1s or more"),
        (text(hold_page="1h"), "1h", "a page cannot be held back for longer than 15m"),
        (
            text(verify={"conditions": [{"expr": "up"}], "within": "5s"}),
            "conditions:",
            "lasting and every must be shorter",
        ),
        (text(match=['alertname=~".*"']), '- alertname=~".*"', "would match every alert"),
        (
            text().replace("is: ", "is: ${NOWHERE_TO_BE_FOUND}"),
            "${NOWHERE_TO_BE_FOUND}$(namespace)/$(deployment)",
            "NOWHERE_TO_BE_FOUND is not set",
        ),
        (text() + "\tx", "\tx", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_runbook(content: str, place: str, message: str, tmp_path: Path) -> None:
    """Each fault is told with its place; nothing of a document with faults is in force."""
    (tmp_path / "a.yml").write_text(content)
    runbooks, (problem,) = read(["a.yml"], tmp_path, {})
    assert not runbooks
    assert (problem.severity, problem.at.file) == ("error", str(tmp_path / "a.yml"))
    assert there(content, problem.at) == place
    assert message in problem.message


def test_a_name_is_one_runbooks(tmp_path: Path) -> None:
    """Of two runbooks of one name the second is refused, and told where the first stands."""
    (tmp_path / "a.yml").write_text(text())
    (tmp_path / "b.yml").write_text(text(mode="apply"))
    runbooks, (problem,) = read(["*.yml"], tmp_path, {})
    assert runbooks["restart"].settings.mode == "dry-run"
    assert problem.message == "there are two runbooks named 'restart'"
    assert (problem.at.file, str(runbooks["restart"].where) in problem.hint) == (f"{tmp_path}/b.yml", True)


def test_a_pattern_that_means_no_file(tmp_path: Path) -> None:
    """A file that is not there is told, and so is a runbook that does not ship."""
    _, problems = read(["no/*.yml", "builtin:no-such"], tmp_path, {})
    assert [one.message for one in problems] == [
        "no/*.yml: no such file",
        "builtin:no-such: no such runbook ships",
    ]


def test_runbooks_that_ship(tmp_path: Path) -> None:
    """`builtin:NAME` is the file of that name among those that ship, `builtin:*` all of them."""
    ready = sorted(file.stem for file in (data.folder("rulepacks") / "runbooks").glob("*.yml"))
    for name in ready:
        runbooks, problems = read([f"builtin:{name}"], tmp_path, {})
        assert [*runbooks] == [name]
        assert not problems
    assert sorted(read(["builtin:*"], tmp_path, {})[0]) == ready
    for name in ready[:1]:
        (problem,) = read([f"builtin:{name}x"], tmp_path, {})[1]
        assert problem.hint == f"did you mean builtin:{name}?"


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ({"mode": "apply"}, "mode", "apply"),
        ({"automatic": False}, "automatic", False),
        ({"tenants": ["acme"]}, "tenants", ("acme",)),
        ({"allow": ["a/b"]}, "target", {"allow": ("a/b",), "allow_matching": ("shop/.+",)}),
        ({"allow": []}, "target", {"allow": (), "allow_matching": ("shop/.+",)}),
        ({"allow_matching": ["x"]}, "target", {"allow": ("shop/checkout",), "allow_matching": ("x",)}),
        ({"params": {"grace": 5}}, "params", {"grace": 5, "force": False}),
        ({"approval": {"count": 3}}, "approval", {"count": 3, "role": "admin"}),
        ({"approval": {"role": None}}, "approval", {"count": 1, "role": None}),
        ({"no_approval": True}, "approval", None),
        ({"limits": {"at_once": 4}}, "limits", {"at_once": 4, "cool_down": timedelta(hours=3)}),
        ({"hold_page": "3m"}, "hold_page", timedelta(minutes=3)),
    ],
)
def test_the_configuration_has_the_last_word(override: dict[str, Any], key: str, value: Any) -> None:
    """What the configuration says of a runbook takes the place of what the runbook says, and changes its hash."""
    own: dict[str, Any] = {
        "params": {"grace": 30, "force": False},
        "target": {"is": "x", "allow": ["shop/checkout"], "allow_matching": ["shop/.+"]},
        "approval": {"role": "admin"},
        "limits": {"cool_down": "3h"},
    }
    before, after = runbook(**own), runbook(override, **own)
    found = getattr(after.settings, key)
    if isinstance(value, dict) and not isinstance(found, dict):
        assert {name: getattr(found, name) for name in value} == value
    else:
        assert found == value
    assert after.hash != before.hash
    others = {name: getattr(after.settings, name) for name in type(after.settings).model_fields if name != key}
    assert others == {name: getattr(before.settings, name) for name in others}


def test_what_a_configuration_does_not_say_stays() -> None:
    """An empty override changes nothing, not even the hash."""
    assert runbook({}).hash == runbook().hash
    assert OverrideSettings().model_fields_set == set()
