"""Work spread over cores gives what work in one process gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from generator import spread
from generator.load import begin
from generator.pipeline import build_packs, compile_packs
from generator.spread import Work
from generator.targets import rulefile
from tests.generator.packs import alert, pack

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cores, and as if the tests' own threads were none."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(spread.threading, "active_count", lambda: 1)  # type: ignore[attr-defined]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Packs that read one another's records, one of them with an error, others with warnings."""
    for number in range(20):
        expr = "sum(" if number == 7 else f"job:x:rate5m_{(number + 1) % 20}"
        text = pack(
            f"- record: job:x:rate5m_{number}\n  expr: sum by (job) (rate(x_total[5m]))\n"
            + alert(f"threshold: {{expr: '{expr}', above: 1}}", severity="critical", summary="'{{ $labels.pod }}'")
        )
        (tmp_path / f"{number:02}.yml").write_text(text.replace("name: test", f"name: test-{number:02}"))
    return tmp_path


@pytest.mark.parametrize("broken", [True, False])
def test_a_build_on_all_cores(folder: Path, broken: bool) -> None:
    """Files, counts and problems are those of one process, what rests on other packs' records included."""
    if not broken:
        file = folder / "07.yml"
        file.write_text(file.read_text().replace("expr: 'sum('", "expr: 'job:x:rate5m_8'"))
    alone = compile_packs([folder], rulefile.render)
    built = build_packs(begin([folder]), rulefile.render)
    assert built.problems == alone.problems
    assert built.files == alone.files
    assert len(built.files) == (0 if broken else 20)
    assert (built.packs, built.rules) == (len(alone.packs), sum(len(one.rules) for one in alone.packs))
    found = [problem.check for problem in built.problems]
    assert found.count("dropped-label") == (19 if broken else 20)


@pytest.mark.parametrize("count", [0, 1, spread.WORTH, 50])
def test_everybody_hears_of_everybody(count: int) -> None:
    """Each item's result is made of what all told, in the items' order; what is shared comes back as itself."""
    shared = [object(), object()]
    pids = set()

    def conclude(kept: int, known: Sequence[object]) -> tuple[int, int, object, int]:
        return kept, len(known), shared[kept % 2], os.getpid()

    work = Work[int, int, object, Sequence[object], tuple[int, int, object, int]](
        lambda item: (item, shared[item % 2]), lambda told: [one for one in told if one in shared], conclude, shared
    )
    for number, (kept, heard, thing, pid) in enumerate(spread.on_all_cores(range(count), work)):
        assert (kept, heard, thing) == (number, count, shared[number % 2])
        pids.add(pid)
    assert len(pids) == (min(count, 1) if count < spread.WORTH else 3)


@pytest.mark.parametrize("step", ["survey", "conclude"])
def test_where_a_child_dies(step: str) -> None:
    """Its part, and all else, is done here."""
    parent = os.getpid()

    def dying(name: str) -> Callable[[int], int]:
        def run(item: int) -> int:
            if name == step and os.getpid() != parent:
                os._exit(1)
            return item

        return run

    survey, conclude = dying("survey"), dying("conclude")
    work = Work[int, int, int, int, int](
        lambda item: (survey(item), item), sum, lambda kept, known: conclude(kept) + known
    )
    assert spread.on_all_cores(range(30), work) == [number + 435 for number in range(30)]


def test_a_mistake_in_the_work_is_told() -> None:
    """An error that every process meets is raised here as ever."""
    work = Work[int, int, int, int, int](lambda item: (1 // (item - 20), 0), sum, lambda kept, _: kept)
    with pytest.raises(ZeroDivisionError):
        spread.on_all_cores(range(30), work)


def test_what_is_ignored_stops_no_build(tmp_path: Path) -> None:
    """A finding that a comment in the pack explains is none for a build either, on however many cores."""
    rule = "- record: a:b  # tocsin: ignore experimental-function: started with the flag\n  expr: limitk(3, a)\n"
    for number in range(20):
        text = pack(rule).replace("name: test", f"name: test-{number:02}")
        (tmp_path / f"{number:02}.yml").write_text(text)
    young = partial(rulefile.render, version=(3, 5))
    for built in (build_packs(begin([tmp_path]), young), compile_packs([tmp_path], young)):
        assert built.problems == ()
        assert len(built.files) == 20
    (tmp_path / "00.yml").write_text(
        pack(rule.replace("limitk(3, a)", "a").replace("started", "b"), params="{x: {default: 5}}")
    )
    built = build_packs(begin([tmp_path]), young)
    assert sorted(problem.check for problem in built.problems) == ["suppression", "unused-parameter"]
