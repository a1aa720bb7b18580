"""Which of the paths on the command line are rulepacks, and which are other people's rule files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import configmaps
from generator.emit import TESTS_HEADER
from generator.foreign import NO_RULE_FILE, compile_document, looks_like_rules
from generator.load import SUFFIXES, TRACES, walk
from generator.rule import Pack
from tocsin import yamltree
from tocsin.problem import Level, Position, Problem, has_errors

# A file of a folder is opened if it says one of these; the rest is somebody else's.
FOREIGN_TRACES = (b"PrometheusRule", b"VMRule", b"Rules", b"groups")
TEMPLATE = re.compile(
    r"^\s*(- )?\{\{|\{\{-|-\}\}|\{\{\s*(\.Values|include|template|tpl|if|range|with|end)\b|\{%", re.MULTILINE
)
# What only templates say, also where YAML can be read: Helm's values, Jinja's blocks.
HELM = re.compile(r"\{\{-?\s*(?:\.(?:Values|Release|Chart|Capabilities)\b|include\s|tpl\s)|\{%-?\s*\w+")
JSONNET = frozenset({".jsonnet", ".libsonnet"})
RENDER = "render it first: helm template, ansible, or what it is for"
OLD_FORMAT = re.compile(r"^\s*ALERT\s+\w+\s*$[\s\S]*^\s*IF\s", re.MULTILINE)
# Files of Prometheus's neighbours, each by a key that they all have.
OTHERS = {"scrape_configs": "Prometheus's configuration", "route": "Alertmanager's configuration"}


@dataclass(frozen=True, slots=True)
class Split:
    """The arguments divided: `packs` go through the compiler, `foreign` were read here."""

    packs: tuple[Path, ...]
    foreign: tuple[Pack, ...]
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]


def split(paths: Sequence[Path]) -> Split:
    """Every file by what stands in it; a folder with rulepacks keeps its name for the compiler."""
    ours: list[Path] = []
    foreign: dict[Path, bool] = {}  # and whether the command line named it
    files: list[Path] = []
    for path in paths:
        found = list(walk(path)) if path.is_dir() else [path]
        kinds = [(file, _kind(file, named=not path.is_dir())) for file in found]
        theirs = [file for file, kind in kinds if kind == "foreign"]
        foreign.update(dict.fromkeys(theirs, not path.is_dir()))
        if not theirs or any(kind == "pack" for _, kind in kinds):
            ours.append(path)
        files += [file for file, kind in kinds if kind]
    packs: list[Pack] = []
    problems: list[Problem] = []
    for file, named in foreign.items():
        read, unread = _read(file, named=named)
        packs += read
        problems += unread
    return Split(tuple(ours), tuple(packs), tuple(problems), tuple(files))


def _kind(file: Path, *, named: bool) -> str:
    """`pack`, `foreign`, or nothing."""
    if named and file.suffix in JSONNET:
        return "foreign"
    try:
        content = file.read_bytes()
    except OSError:
        return "pack"  # the compiler tells why it cannot be read
    if not named and content.startswith(TESTS_HEADER.encode()):
        return ""
    if any(trace in content for trace in TRACES) and b"monitoring.coreos.com" not in content:
        return "pack"
    if named:
        return "foreign"
    return "foreign" if file.suffix in SUFFIXES and any(trace in content for trace in FOREIGN_TRACES) else ""


def _read(file: Path, *, named: bool) -> tuple[list[Pack], list[Problem]]:
    """The rules in a file; in a folder that is walked, what is no rule file at all is passed over."""
    if file.suffix in JSONNET:
        return [], [jsonnet(file)]
    documents, problems = yamltree.read(file)
    if problems and (template := template_in(file, named=named)):
        return [], [template] if named or mentions_rules(file) else []
    if problems and not named and not (mentions_rules(file) or any(map(looks_like_rules, documents))):
        return [], []
    if any(map(looks_like_rules, documents)) and says(file, HELM):
        amiss = [problem for document in documents for problem in compile_document(document)[1]]
        return [], [unrendered(file, "a template", RENDER, "error" if named and has_errors(amiss) else "warning")]
    if any(is_configmap(document.data) for document in documents):
        inner, amiss = configmaps.rule_files(documents, file.read_text(encoding="utf-8"))
        documents, problems = [*documents, *inner], [*problems, *amiss]
    packs: list[Pack] = []
    for document in documents:
        if looks_like_rules(document) or (named and _is_meant(document.data)):
            found, amiss = compile_document(document)
            if any(is_brace(problem) for problem in amiss) and (template := template_in(file, named=named)):
                return [], [template]
            packs += found
            problems += amiss
    if named and not packs and not problems:
        problems = [old_format(file) or no_rules(file, documents)]
    return packs, problems


def is_configmap(data: object) -> bool:
    return isinstance(data, dict) and data.get("kind") in ("ConfigMap", "List")


def jsonnet(file: Path) -> Problem:
    return unrendered(file, "Jsonnet", "render it first: jsonnet -S, or mixtool generate", "error")


def _is_meant(data: object) -> bool:
    return isinstance(data, dict) and ("groups" in data or "spec" in data or data.get("kind") == "List")


def is_brace(problem: Problem) -> bool:
    """Whether YAML read `{{ … }}` as a mapping, which only an unrendered template has."""
    return problem.check == "value" and "not a text" in problem.message


def mentions_rules(file: Path) -> bool:
    """Whether rules seem to stand in it, YAML or not."""
    return re.search(rb"^[\s-]*(alert|record):", file.read_bytes(), re.MULTILINE) is not None


def template_in(file: Path, *, named: bool) -> Problem | None:
    """What a file that is no YAML is instead: a template, or rules of Prometheus 1.x."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    level: Level = "error" if named else "warning"
    if TEMPLATE.search(text) is None:
        return old_format(file)
    return unrendered(file, "a template", RENDER, level)


def says(file: Path, pattern: re.Pattern[str]) -> bool:
    """Whether the pattern is found in the file."""
    return pattern.search(file.read_text(encoding="utf-8", errors="replace")) is not None


def old_format(file: Path) -> Problem | None:
    if not says(file, OLD_FORMAT):
        return None
    hint = "convert it by promtool update rules of Prometheus 2.0"
    return Problem("kind", "is in the rule format of Prometheus 1.x", Position(str(file), 1, 1), hint)


def unrendered(file: Path, what: str, hint: str, level: Level) -> Problem:
    """The problem of a file that must be rendered before its rules can be read."""
    return Problem("kind", f"is {what}: it cannot be read as it is", Position(str(file), 1, 1), hint, "", level)


def no_rules(file: Path, documents: Sequence[yamltree.Document]) -> Problem:
    """What a file holds in the place of rules."""
    data = documents[0].data if documents else None
    at = Position(str(file), 1, 1)
    if data is None:
        return Problem("kind", "holds nothing", at, NO_RULE_FILE, severity="warning")
    if isinstance(data, dict) and "tests" in data and "rule_files" in data:
        return Problem("kind", "holds promtool's unit tests, no rules", at, "run it by tocsin rules test")
    for key, what in OTHERS.items():
        if isinstance(data, dict) and key in data and "kind" not in data:
            return Problem("kind", f"holds {what}, no rules", at, "name the files that hold rules")
    if _of_grafana(data):
        return Problem("kind", "holds Grafana's alerting, no Prometheus rules", at, "export them as Prometheus rules")
    kind = data.get("kind") if isinstance(data, dict) else None
    message = f"kind {kind!r} holds no rules" if kind else "holds neither a rulepack nor Prometheus rules"
    return Problem(
        "kind", message, at, f"{NO_RULE_FILE}; a rulepack says kind: RulePack; see docs/reference/rulepacks.md"
    )


def _of_grafana(data: object) -> bool:
    """Whether it is a file by which Grafana provisions its own alert rules."""
    groups = data.get("groups") if isinstance(data, dict) else None
    first = groups[0] if isinstance(groups, list) and groups else None
    return isinstance(first, dict) and bool(first.keys() & {"orgId", "folder"})
