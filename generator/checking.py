"""Paths to problems: rulepacks through the compiler, other people's rule files as they are, then every check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.check import check, weighed
from generator.checks import CHECKS
from generator.context import Server, Settings
from generator.gathering import gather
from generator.places import lines_of
from generator.rule import Pack
from generator.suppress import rule_starts, suppress
from generator.version import OLDEST
from tocsin.problem import Problem
from tocsin.words import plural


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, the lines of the files it was found in, and how much was looked at."""

    problems: tuple[Problem, ...]
    sources: Mapping[str, Sequence[str]]
    counted: str


def check_paths(
    paths: Sequence[Path], settings: Settings, prometheus_url: str = "", http_config: Path | None = None
) -> Checked:
    """Everything that is wrong with the rulepacks and rule files; asks the server if there is an address.

    Raises:
        UsageError: a path does not exist.
    """
    gathered = gather(paths, settings.prometheus_version or OLDEST)
    packs = gathered.packs
    if prometheus_url:
        settings = replace(settings, server=_asked(prometheus_url, http_config, packs))
    server_problems = settings.server.problems if settings.server else ()
    found = [*gathered.problems, *server_problems, *check(packs, settings)]
    sources = lines_of(_files(found, packs))
    found = list(dict.fromkeys(found))  # a pack of several tenants tells it once
    left = weighed(suppress(found, sources, rule_starts(packs), CHECKS, settings.off), settings)
    return Checked(tuple(left), sources, _counted(len(gathered.compiled), gathered.foreign, packs))


def _asked(url: str, http_config: Path | None, packs: Sequence[Pack]) -> Server:
    from generator.online import ask
    from tocsin.http_config import HttpConfig, read

    http, problems = read(http_config) if http_config else (HttpConfig(), [])
    return Server(problems=tuple(problems)) if http is None else ask(url, packs, http)


def _files(problems: Iterable[Problem], packs: Iterable[Pack]) -> list[str]:
    """The files that have problems or rules, each once."""
    of_rules = (rule.origin.document.file for pack in packs for rule in pack.rules)
    return list(dict.fromkeys([*(problem.at.file for problem in problems), *of_rules]))


def _counted(compiled: int, foreign: Sequence[Pack], packs: Sequence[Pack]) -> str:
    files = len({pack.source for pack in foreign})
    parts = [plural(compiled, "pack")] if compiled or not files else []
    parts += [plural(files, "rule file")] if files else []
    return ", ".join([*parts, plural(sum(len(pack.rules) for pack in packs), "rule")])
