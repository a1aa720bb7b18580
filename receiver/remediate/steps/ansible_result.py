"""What Ansible tells, before a play and after it, and what that means for the step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from receiver.engine.runs_planned import Action
from receiver.remediate.program import Ran
from receiver.remediate.step import CannotBegin, Done, NotNow

MOST_TOLD = 20  # hosts


class Host(msgspec.Struct, frozen=True):
    """How many tasks went how; "dark" is Ansible's word for unreachable."""

    ok: int = 0
    changed: int = 0
    dark: int = 0
    failures: int = 0


class Result(msgspec.Struct, frozen=True):
    """What ansible_run.py writes: how many tasks began, whether the play came to its end, and how it went by host."""

    exit: int
    began: int
    over: bool
    hosts: dict[str, Host]


def hosts_of(ran: Ran, action: Action) -> Sequence[str]:
    """The hosts in what `--list-hosts` prints.

    Raises:
        CannotBegin: there is none, or not the one that is meant.
        NotNow: the inventory did not answer in time.
    """
    limit, ending = action.arguments["limit"], ran.ending
    if ending is None or ending.cut or ending.exit is None:
        raise NotNow(f"Ansible did not tell its hosts in time: {ran.output[-300:].strip()}")
    found = sorted(set(re.findall(r"^ {6}(\S+)$", ran.output, re.MULTILINE)))
    if ending.exit != 0 and "no hosts to target" not in ran.output:
        raise CannotBegin(f"Ansible refuses {action.arguments['playbook']}: {ran.output[-1_000:].strip()}")
    if not found or (action.arguments.get("one_host") and found != [limit]):
        raise CannotBegin(
            f"{limit} is no host of the inventory that {action.arguments['playbook']} is for: it vanished"
        )
    return found


def result_of(folder: Path) -> Result | None:
    """What ansible_run.py has written into the folder of a run, if it has."""
    try:
        return msgspec.json.decode((folder / "result.json").read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError):
        return None


def judged(result: Result | None) -> Done:
    """What a play tells. A host never reached had nothing done to it; one lost on the way may have had anything."""
    if result is None:
        return Done("unknown", reason="ansible-runner did not tell how it went")
    if not result.over:
        if not result.began:
            return Done("failed", reason=f"Ansible ended with {result.exit} before any task; nothing was done")
        return Done("unknown", reason=f"Ansible ended with {result.exit} in mid-play; how much was done is not known")
    words = "; ".join(f"{name}: {_counted(host)}" for name, host in list(result.hosts.items())[:MOST_TOLD])
    if any(host.dark and host.ok for host in result.hosts.values()):
        return Done("unknown", reason=f"a host was lost in mid-play, and may have done more than it told: {words}")
    if not result.hosts:
        return Done("failed", reason="no host was left to play on; nothing was done")
    failed = result.exit != 0 or any(host.dark or host.failures for host in result.hosts.values())
    return Done("failed" if failed else "succeeded", reason=words)


def _counted(host: Host) -> str:
    counts = [f"{host.ok} ok", f"{host.changed} changed"]
    counts += [f"{host.failures} failed"] if host.failures else []
    return ", ".join([*counts, *(["unreachable"] if host.dark else [])])
