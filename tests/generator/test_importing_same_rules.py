"""What is imported and built is what it was: the same groups, rules, texts, in the same order, and nothing beside."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.importing.importer import adopt
from generator.importing.recognition import FINDERS
from generator.pipeline import compile_packs
from generator.targets import TARGETS, rulefile
from tests import real
from tests.generator.rule_file_samples import EXPRESSIONS, as_yaml, meaning, read, rule_files
from tests.generator.test_wild_files import EXPRESSIONS as WILD
from tests.generator.test_wild_files import WHOLE, yaml_text
from tocsin.problem import as_text, has_errors

STYLES = [{}, {"default_flow_style": True}, {"default_style": '"'}, {"width": 30}]


# What is easily printed otherwise than it was read.
FURTHER = [
    *("-x ^ 2 > 1", "(-x) ^ 2 > 1", "x ^ y ^ z > 1", "(x ^ y) ^ z > 1", "a - b - c > 1", "a - (b - c) > 1"),
    *(
        "a and b or c unless d",
        "x @ 1609746000.123 > 1",
        "1e300 < x",
        "0.1 + 0.2 < x",
        "sum by () (x)",
        "min(x) without ()",
    ),
    *(
        "x offset -1h",
        "rate(x[5m:30s] offset 1m)",
        "max_over_time(x[5m:])",
        '{__name__=~"a.*"}',
        "1.5e-7 * x",
        "min(x) without ()",
    ),
    *("a / on () group_left b", "a * ignoring (x) group_right (y) b", "x @ end()", r'x{a="\\"}', r'x{a="\""}'),
]


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def imported(file: Path, text: str) -> str:
    """The pack that the only file of that text becomes."""
    file.write_text(text, encoding="utf-8", newline="")
    [one], problems = adopt([file])
    assert not has_errors(problems), as_text(problems)
    assert one.left_out == 0
    return one.file.text


def built(pack: str, into: Path) -> str:
    """The rule file that the pack builds to, for a Prometheus that knows all there is."""
    file = into / "pack.yml"
    file.write_text(pack, encoding="utf-8", newline="")
    compiled = compile_packs([file], partial(rulefile.render, version=(3, 5)))
    assert not has_errors(compiled.problems), as_text(compiled.problems)
    [rules] = compiled.files
    return rules.text


def told(pack: str) -> Any:
    """What the pack says, without the comments, which name the file that it came from."""
    return yaml.load(pack, Loader=yaml.BaseLoader)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule_files(), st.sampled_from(STYLES))
def test_import_then_build_gives_the_same_rules(tree: dict[str, Any], style: dict[str, Any]) -> None:
    """Of any rule file, in any style of YAML; and what was built is imported to the same pack again."""
    with folder() as here:
        pack = imported(here / "rules.yml", as_yaml(tree, **style))
        rules = built(pack, here)
        assert read(rules) == meaning(tree)
        assert told(imported(here / "rules.yml", rules)) == told(pack)


@pytest.mark.real
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule_files())
def test_the_samples_are_rule_files(tree: dict[str, Any]) -> None:
    """Prometheus takes what was made up here, and what was built of it."""
    with folder() as here:
        text = as_yaml(tree)
        rules = built(imported(here / "rules.yml", text), here)
        (here / "rules.yml").write_text(text, encoding="utf-8", newline="")
        (here / "built.yml").write_text(rules, encoding="utf-8", newline="")
        run = [str(real.pair("current").promtool), "check", "rules", "--lint=none", "rules.yml", "built.yml"]
        answer = subprocess.run(run, cwd=here, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr


@pytest.mark.real
def test_what_promtool_takes_can_be_imported(tmp_path: Path) -> None:
    """Files as they are found in the wild: each that Prometheus loads is imported, and builds to what it says."""
    texts = [text for text in WHOLE if text.strip("# \n") not in ("", "nothing")]
    texts += [f"groups: [{{name: g, rules: [{{alert: A, expr: {yaml_text(one)}}}]}}]" for one in WILD]
    files = [tmp_path / f"{number:03}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text.encode())
    run = [str(real.pair("current").promtool), "check", "rules", "--lint=none", *map(str, files)]
    answer = subprocess.run(run, capture_output=True, text=True, check=False)
    taken = [text for file, text in zip(files, texts, strict=True) if f"{file}:" not in answer.stderr]
    assert len(taken) > 50
    for text in taken:
        pack = imported(tmp_path / "one.yml", text)
        rules = built(pack, tmp_path)
        assert told(imported(tmp_path / "one.yml", rules)) == told(pack)
        if "<<" not in text:  # which the plainest of YAML readers does not know
            assert read(rules) == read(text)


@pytest.mark.parametrize("target", ["rulefile", "prometheusrule"])
def test_what_tocsin_built_can_be_imported(target: str, tmp_path: Path) -> None:
    """Rules of the packs that ship and of the demo, from rule files and objects alike: the same once more."""
    packs = [real.ROOT / "rulepacks", real.ROOT / "demo/rulepack/shop.yml"]
    files = compile_packs(packs, partial(TARGETS[target], version=(3, 5))).files
    rules = {file.name: file.text for file in compile_packs(packs, partial(rulefile.render, version=(3, 5))).files}
    assert len(files) > 3
    for file in files:
        text = built(imported(tmp_path / file.name, file.text), tmp_path)
        assert text.partition("\n")[2] == rules[file.name].partition("\n")[2]


def test_templates_are_recognised_in_what_they_built(tmp_path: Path) -> None:
    """Of the packs that ship, every alert on a template without records is that template again."""
    compiled = compile_packs([real.ROOT / "rulepacks"], partial(rulefile.render, version=(3, 5)))
    for pack, file in zip(compiled.packs, compiled.files, strict=True):
        text = imported(tmp_path / file.name, file.text)
        [*groups] = told(text)["groups"]
        found = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
        recorded = {rule.recorded_for for rule in pack.rules}
        of = {rule.name: rule.template for rule in pack.rules if rule.kind == "alert" and rule.name not in recorded}
        lost = {name for name, template in of.items() if template in dict(FINDERS) and template not in found[name]}
        assert lost == set()


@pytest.mark.real
@pytest.mark.slow(8)
def test_prometheus_reads_the_same_expression(tmp_path: Path) -> None:
    """Its own printer says the same of what was built as of what was imported."""
    expressions = [*EXPRESSIONS, *FURTHER]
    text = as_yaml({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expr} for expr in expressions]}]})
    [group] = read(built(imported(tmp_path / "rules.yml", text), tmp_path))
    pairs = zip(expressions, (rule["expr"] for rule in group["rules"]), strict=True)
    other = [(before, after) for before, after in pairs if before != after]
    assert len(other) > 10
    assert [formatted(after) for _, after in other] == [formatted(before) for before, _ in other]


def formatted(expr: str) -> str:
    run = [str(real.pair("current").promtool), "--experimental", "promql", "format", "--", expr]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


@pytest.mark.real
def test_every_prometheus_takes_what_is_built(promtool: Path, tmp_path: Path) -> None:
    """Where the rules need nothing that is young, a build for the oldest one is taken by all."""
    text = as_yaml({"groups": [{"name": " ", "rules": [{"alert": "A b", "expr": "x > 1", "labels": {"a": "on"}}]}]})
    file = tmp_path / "pack.yml"
    file.write_text(imported(tmp_path / "rules.yml", text))
    [one] = compile_packs([file], rulefile.render).files
    (tmp_path / "built.yml").write_text(one.text)
    run = [str(promtool), "check", "rules", str(tmp_path / "built.yml")]
    assert "1 rules found" in subprocess.run(run, capture_output=True, text=True, check=True).stdout
