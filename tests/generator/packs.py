"""Packs for tests: written short, compiled in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from generator.pipeline import Compiled, compile_packs
from generator.targets import rulefile
from tocsin.problem import Problem

HEAD = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: test, owner: platform}
"""


def pack(rules: str, params: str = "") -> str:
    """A whole pack of one group; the first rule stands on line 7 (8 with parameters), column 7."""
    declared = f"params: {params}\n" if params else ""
    return f"{HEAD}{declared}groups:\n  - name: group\n    rules:\n{indent(dedent(rules).strip(), '      ')}\n"


def alert(template: str, **facts: str) -> str:
    """One alert with what every alert needs; each fact is a line of YAML."""
    given = {"severity": "info", "summary": "It happens", **facts}
    lines = [f"  {key.rstrip('_')}: {value}" for key, value in given.items()]
    return "\n".join(["- alert: Test", f"  {template}", *lines])


def compile_text(text: str | bytes, folder: Path) -> Compiled:
    """The pack in the text, compiled."""
    file = folder / "pack.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return compile_packs([file], rulefile.render)


def shown(problems: tuple[Problem, ...]) -> list[tuple[str, str, str]]:
    """Each problem as (line:column, check, message), in the order of their places."""
    return [
        (f"{problem.at.line}:{problem.at.column}", problem.check, problem.message)
        for problem in sorted(problems, key=lambda problem: problem.at)
    ]
