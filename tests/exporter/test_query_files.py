"""Queries in files of their own: which are read, what is refused and where, and that a reload reads them anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.metrics import Metrics
from tests.commands import tocsin
from tests.exporter.fake import Fake, prometheus
from tocsin import data
from tocsin.clock import ManualClock
from tocsin.config import load
from tocsin.errors import InputError
from tocsin.problem import Problem
from tocsin.reload import Reloader

MAIN = "prometheus: {url: http://127.0.0.1:1}\n"


def files(folder: Path, **texts: str) -> Path:
    """`exporter.yml` as `main`, and `queries/NAME.yml` of each other."""
    (folder / "queries").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "queries" / f"{name}.yml").write_text(text)
    file = folder / "exporter.yml"
    file.write_text(MAIN + texts.get("main", "query_files: [queries/*.yml]\n"))
    (folder / "queries" / "main.yml").unlink(missing_ok=True)
    return file


def asked(file: Path) -> list[str]:
    return [query.name for query in load(file, ExporterConfig).every_query]


def refused(file: Path) -> list[Problem]:
    with pytest.raises(InputError) as found:
        load(file, ExporterConfig)
    return list(found.value.problems)


def test_files_beside_the_configuration(tmp_path: Path) -> None:
    """Patterns count from the configuration's folder; each file counts once, after the configuration's own queries."""
    main = "queries: [{name: own, expr: up}]\nquery_files: [queries/b.yml, 'queries/**/*.yml']\n"
    one = "queries: [{name: a, expr: up, step: 30s}]\n"
    file = files(tmp_path, a=one, b="queries:\n  - {name: b, expr: up}\n  - {name: c, expr: up}\n", main=main)
    assert asked(file) == ["own", "b", "c", "a"]


def test_only_files(tmp_path: Path) -> None:
    """No query needs to stand in the configuration itself; with neither, there is nothing to do."""
    assert asked(files(tmp_path, a="queries: [{name: a, expr: up}]\n")) == ["a"]
    problem = refused(files(tmp_path, main=""))[0]
    assert "there are no queries" in problem.message
    assert "query_files" in problem.hint


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ("queries:\n  - name: a\n    exprr: up\n", 3, "unknown key 'queries.0.exprr'", "did you mean 'expr'?"),
        ("queries: [{name: a, expr: up}]\nprometheus: {}\n", 2, "unknown key 'prometheus'", "known here: queries"),
        ("queries: []\n", 1, "is empty", "name at least one"),
        ("", 1, "the key 'queries' is missing", "add queries"),
        ("- {name: a, expr: up}\n", 1, "must be a mapping", "keys and values"),
        ("queries:\n  - name: a\n\texpr: up\n", 3, "not valid YAML", "spaces"),
        ("queries:\n  - {name: a, expr: up}\n  - {name: a, expr: up}\n", 2, "a stands there twice", "its own"),
    ],
)
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, line: int, said: str, hint: str) -> None:
    """It is told with the file's own name and line, and a way out."""
    problem = next(problem for problem in refused(files(tmp_path, a=text)) if said in problem.message)
    assert problem.at.file == str(tmp_path / "queries/a.yml")
    assert abs(problem.at.line - line) <= 1
    assert hint in problem.hint


def test_every_file_is_told_at_once(tmp_path: Path) -> None:
    """Two wrong files and a pattern in vain are three problems of one reading."""
    main = "query_files: [queries/*.yml, none/*.yml]\n"
    found = refused(files(tmp_path, a="queries: 1\n", b="b: 1\nqueries: [{name: b, expr: up}]\n", main=main))
    assert [problem.check for problem in found] == ["value", "unknown-key", "files"]
    assert "none/*.yml: no such file" in found[2].message
    assert found[2].at.file == str(tmp_path)


def test_a_name_in_two_files(tmp_path: Path) -> None:
    """Both places are named, whichever files they are in."""
    text = "queries:\n  - {name: same, expr: up}\n"
    main = "queries:\n  - {name: own, expr: up}\nquery_files: [queries/*.yml]\n"
    problem = refused(files(tmp_path, a=text, b="# again\n" + text))[0]
    assert (problem.at.file, problem.at.line) == (str(tmp_path / "queries/b.yml"), 3)
    assert f"the other one: {tmp_path / 'queries/a.yml'}:2:" in problem.hint
    problem = refused(files(tmp_path, a=text.replace("same", "own"), b=text, main=main))[0]
    assert (problem.at.file, problem.at.line) == (str(tmp_path / "exporter.yml"), 3)
    assert f"the other one: {tmp_path / 'queries/a.yml'}:2:" in problem.hint


def test_those_of_packs_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`builtin:NAME` is the file beside a pack, `builtin:*` all of them; one that is not there is told."""
    for pack in ("node", "redis"):
        (tmp_path / "rulepacks" / pack).mkdir(parents=True)
        (tmp_path / "rulepacks" / pack / "queries.yml").write_text(f"queries: [{{name: {pack}_x, expr: up}}]\n")
    monkeypatch.setattr(data, "folder", lambda name: tmp_path / name)
    assert asked(files(tmp_path, main="query_files: ['builtin:redis']\n")) == ["redis_x"]
    assert asked(files(tmp_path, main="query_files: ['builtin:*']\n")) == ["node_x", "redis_x"]
    assert refused(files(tmp_path, main="query_files: ['builtin:nodes']\n"))[0].hint == "did you mean builtin:node?"


def test_the_queries_that_ship(tmp_path: Path) -> None:
    """They can be used as they are, one pack's and all together."""
    packs = sorted(file.parent.name for file in data.folder("rulepacks").glob("*/queries.yml"))
    alone = [name for pack in packs for name in asked(files(tmp_path, main=f"query_files: ['builtin:{pack}']\n"))]
    if packs:
        assert asked(files(tmp_path, main="query_files: ['builtin:*']\n")) == alone


def test_the_check_knows_them(tmp_path: Path) -> None:
    """`tocsin config check` takes the configuration for an exporter's, and tells what is wrong in a file."""
    file = files(tmp_path, a="queries: [{name: a, expr: up, stepp: 1m}]\n")
    ran = tocsin("config", "check", str(file), "--format", "json")
    assert ran.returncode == 1
    told = json.loads(ran.stdout)["problems"]
    assert [(problem["file"], problem["line"], problem["check"]) for problem in told] == [
        (str(tmp_path / "queries/a.yml"), 1, "unknown-key")
    ]


async def test_a_reload_reads_them_anew(tmp_path: Path) -> None:
    """A query that came into a file is watched, one that went is not, and a broken file changes nothing."""
    file = files(tmp_path, a="queries: [{name: a, expr: up}, {name: stays, expr: up}]\n")
    clock, metrics = ManualClock(datetime(2026, 11, 21, tzinfo=UTC)), Metrics()
    async with prometheus(Fake({})) as server:

        async def take(config: ExporterConfig) -> None:
            exporter.take(config, server)

        exporter = Exporter.build(load(file, ExporterConfig), server, clock, metrics=metrics)
        stays = exporter.watches[1]
        reloader = Reloader(lambda: load(file, ExporterConfig), take, registry=metrics.registry, clock=clock)
        files(tmp_path, a="queries: [{name: stays, expr: up}, {name: came, expr: up}]\n")
        assert await reloader.reload() == ""
        assert [watch.query.name for watch in exporter.watches] == ["stays", "came"]
        assert exporter.watches[0] is stays
        files(tmp_path, a="queries: 1\n")
        assert "a.yml:1" in await reloader.reload()
        assert [watch.query.name for watch in exporter.watches] == ["stays", "came"]
