"""Packs that tests bring to where rules run: as many groups as are asked for, a rule in each."""

from __future__ import annotations

from pathlib import Path

PACK = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {{name: {name}, owner: platform}}
groups:
"""
GROUP = """\
  - name: {group}
    interval: 60s
    rules:
      - alert: {group}High
        threshold: {{expr: 'sum by (job) (load{{group="{group}"}})', above: {above}}}
        for: 5m
        severity: warning
        summary: Load of {{{{ $labels.job }}}} is high
"""


def write(folder: Path, name: str = "node", groups: int = 3, above: int = 10) -> Path:
    """A pack of so many groups, in a folder of packs."""
    file = folder / "packs" / f"{name}.yml"
    file.parent.mkdir(exist_ok=True)
    text = PACK.format(name=name)
    file.write_text(text + "".join(GROUP.format(group=f"{name}{i}", above=above) for i in range(groups)))
    return file.parent
