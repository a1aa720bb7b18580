"""Runs one playbook by ansible-runner, in a process of its own. Run by its path, with the folder of the run: there
`spec.json` holds the arguments of `ansible_runner.run`, and `result.json` is written at the end. It imports nothing of
ours.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ansible_runner

COUNTS = ("ok", "changed", "dark", "failures")  # "dark" is Ansible's word for unreachable


def main(folder: Path) -> None:
    """Runs it, and writes down what its events tell."""
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    hosts: dict[str, dict[str, int]] = {}
    result: dict[str, Any] = {"began": 0, "over": False, "hosts": hosts}

    def event(one: dict[str, Any]) -> bool:
        if one["event"] == "runner_on_start":
            result["began"] += 1
        if one["event"] == "playbook_on_stats":
            result["over"] = True
            told = one["event_data"]
            for host in told.get("processed", {}):
                hosts[host] = {count: told.get(count, {}).get(host, 0) for count in COUNTS}
        return False  # it need not be kept in a file

    runner = ansible_runner.run(private_data_dir=str(folder), event_handler=event, suppress_env_files=True, **spec)
    result["exit"] = runner.rc
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
