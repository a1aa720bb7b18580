"""Steps of kind `ansible`: what may be played where, and how it ends. The plays are real ones, on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.engine.run_events import StepOutcome
from receiver.engine.runs_planned import Action
from receiver.remediate.step import CannotBegin, NotNow
from receiver.remediate.steps.ansible import AnsibleEdge, AnsibleStep
from receiver.remediate.steps.ansible_doer import AnsibleDoer, variables_file
from receiver.remediate.steps.ansible_result import Host, Result, judged
from receiver.remediate.values import Unfit, Values
from tests.real import unavailable
from tests.receiver.remediate.programs import ABOUT, alive, until
from tocsin.errors import MissingExtra
from tocsin.masking import MASK

TEMPLATE = "{{ lookup('pipe', 'touch %s') }}"
PLAY = """
- hosts: all
  gather_facts: false
  vars: {key: "{{ lookup('env', 'TOCSIN_STEP_KEY') }}"}
  tasks:
    - name: write
      copy: {content: "{{ text }}|{{ number + 1 }}|{{ key }}", dest: "%s/{{ inventory_hostname }}"}
    - name: fail
      command: /bin/false
      when: fails | default(false)
    - name: print
      debug: {msg: "the password is {{ lookup('file', '%s/vault') }}"}
    - name: how hosts are known
      vars: {ssh: {plugin_type: connection, plugin_name: ssh}}
      debug: {msg: "keys verified: {{ lookup('config', 'host_key_checking', **ssh) }}"}
"""


def step(**settings: object) -> AnsibleStep:
    return AnsibleStep.model_validate({"playbook": "play.yml", "limit": "$(host)", **settings})


def planned(host: str = "web-1", seconds: float = 60, **settings: object) -> Action:
    one = step(**settings).model_copy(update={"timeout": timedelta(seconds=seconds)})
    return one.action(Values({"host": host, "label": TEMPLATE}))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"playbook": "/etc/play.yml"}, "no playbook of the folder"),
        ({"playbook": "../play.yml"}, "no playbook of the folder"),
        ({"playbook": "-i.yml"}, "no playbook of the folder"),
        ({"playbook": "play.sh"}, "no playbook of the folder"),
        ({"playbook": "$(name).yml"}, "comes from a value"),
        ({"limit": "@/etc/passwd"}, "is no host"),
        ({"limit": "--flush-cache"}, "is no host"),
        ({"limit": ""}, "at least 1 character"),
        ({"extra_vars": {"ansible_ssh_common_args": "-o ProxyCommand=$(host)"}}, "says how Ansible connects"),
        ({"extra_vars": {"a-b": "x"}}, "match pattern"),
        ({"tags": ["$(tag)"]}, "comes from a value"),
    ],
)
def test_an_unsafe_play_is_refused_at_check(settings: dict[str, object], says: str) -> None:
    """A value chooses neither the playbook, nor its tags, nor how Ansible connects."""
    with pytest.raises(ValidationError, match=says):
        step(**settings)


@pytest.mark.parametrize(
    "host", ["all:!web-1", "*", "~web.*", "@/etc/passwd", "-x", "a,b", "web[0]", "a b", "", "a\nb"]
)
def test_a_value_cannot_name_more_than_a_host(host: str) -> None:
    """Ansible's patterns, lists and files are no host's name: refused when planned."""
    with pytest.raises(Unfit, match="no host's name"):
        planned(host)


def test_what_will_be_played_is_told_in_words() -> None:
    """The playbook, the host, the variables with their values, and whether it is only a check."""
    action = planned(extra_vars={"text": "$(label)", "number": 1}, tags=["restart"], check=True)
    shown = json.dumps(TEMPLATE)
    assert action.does == f"play play.yml on web-1 with text={shown} number=1, tags restart, in check mode"
    assert action.arguments["one_host"] is True
    assert planned(limit="web").arguments["one_host"] is False


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))  # type: ignore[arg-type]


@given(st.text(), st.integers(), st.booleans())
def test_every_text_is_marked_as_no_template(text: str, number: int, flag: bool) -> None:
    """Whatever a label holds, the file of variables gives back exactly that, marked; numbers stay numbers."""
    written = variables_file({"text": text, "number": number, "flag": flag})
    read = yaml.load(written, _Loader)
    assert read == {"text": ("unsafe", text), "number": number, "flag": flag}


@pytest.mark.parametrize(
    ("result", "outcome", "says"),
    [
        (None, "unknown", "did not tell"),
        (Result(4, 0, False, {}), "failed", "before any task; nothing was done"),
        (Result(1, 3, False, {}), "unknown", "in mid-play"),
        (Result(0, 0, True, {}), "failed", "no host was left"),
        (Result(0, 2, True, {"a": Host(ok=2, changed=1)}), "succeeded", "a: 2 ok, 1 changed"),
        (Result(2, 2, True, {"a": Host(ok=1, failures=1)}), "failed", "a: 1 ok, 0 changed, 1 failed"),
        (Result(4, 1, True, {"a": Host(dark=1)}), "failed", "a: 0 ok, 0 changed, unreachable"),
        (Result(4, 2, True, {"a": Host(dark=1, ok=1)}), "unknown", "lost in mid-play"),
        (Result(4, 2, True, {"a": Host(dark=1), "b": Host(ok=1)}), "failed", "b: 1 ok"),
        (Result(250, 2, True, {"a": Host(ok=1)}), "failed", "a: 1 ok"),
    ],
)
def test_what_a_play_tells_decides(result: Result | None, outcome: StepOutcome, says: str) -> None:
    """A host that was never reached had nothing done to it; one that was lost on the way may have had anything."""
    done = judged(result)
    assert done.outcome == outcome
    assert says in done.reason


def test_without_ansible_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who configures playbooks without having installed Ansible is told at the start what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"tocsin\[ansible\]"):
        AnsibleDoer(AnsibleEdge(directory=tmp_path, inventory_file=tmp_path / "hosts"))


@pytest.fixture
def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnsibleEdge:
    """A folder of playbooks, and an inventory in which every host but one is this machine."""
    try:
        import ansible_runner  # noqa: F401
    except ImportError:
        unavailable("ansible-runner is not installed: make venv")
    plays = tmp_path / "plays"
    plays.mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (plays / "play.yml").write_text(PLAY % (tmp_path, tmp_path))
    (tmp_path / "vault").write_text("s3cret-of-the-vault\n")
    here = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text(
        f"[web]\nweb-1 {here}\nweb-2 {here}\n[away]\ndb-1 ansible_host=127.0.0.1 ansible_port=1\n"
    )
    return AnsibleEdge(
        directory=plays, inventory_file=tmp_path / "hosts", vault_password_file=tmp_path / "vault", environment={}
    )


@pytest.fixture
async def doer(edge: AnsibleEdge) -> AsyncIterator[AnsibleDoer]:
    one = AnsibleDoer(edge, grace_seconds=0.5)
    yield one
    await one.close()


VARIABLES: Mapping[str, Any] = {"text": "$(label)", "number": 41}


@pytest.mark.slow(8)
async def test_a_play_runs_on_its_host_alone(doer: AnsibleDoer, tmp_path: Path) -> None:
    """Values arrive as text that Ansible does not evaluate; the secrets it was given do not show; nothing is left."""
    trap = tmp_path / "evaluated"
    one = step(extra_vars=VARIABLES).model_copy(update={"timeout": timedelta(minutes=2)})
    action = one.action(Values({"host": "web-1", "label": TEMPLATE % trap}))
    before = await doer.look(action, ABOUT)
    done = await doer.do(action, before, ABOUT)
    assert before["hosts"] == "web-1"
    assert (done.outcome, done.reason) == ("succeeded", "web-1: 3 ok, 1 changed")
    assert (tmp_path / "web-1").read_text() == f"{TEMPLATE % trap}|42|{ABOUT.key}"
    assert not trap.exists()
    assert not (tmp_path / "web-2").exists()
    assert f"the password is {MASK}" in done.output
    assert "keys verified: True" in done.output
    assert "s3cret" not in repr(done)
    assert left_behind(tmp_path) == []


@pytest.mark.slow(8)
@pytest.mark.parametrize(
    ("host", "variables", "outcome", "says"),
    [
        ("web-2", {"fails": True}, "failed", "web-2: 1 ok, 1 changed, 1 failed"),
        ("db-1", {}, "failed", "db-1: 0 ok, 0 changed, unreachable"),
    ],
)
async def test_a_play_that_fails_says_where(
    doer: AnsibleDoer, host: str, variables: dict[str, object], outcome: StepOutcome, says: str
) -> None:
    """A task that fails and a host that cannot be reached are told by host."""
    done = await doer.do(planned(host, extra_vars={**VARIABLES, **variables}), {}, ABOUT)
    assert (done.outcome, done.reason) == (outcome, says)


@pytest.mark.slow(5)
async def test_a_check_changes_nothing(doer: AnsibleDoer, tmp_path: Path) -> None:
    """In Ansible's check mode it tells what it would change."""
    done = await doer.do(planned(extra_vars=VARIABLES, check=True), {}, ABOUT)
    assert "1 changed" in done.reason
    assert not (tmp_path / "web-1").exists()


@pytest.mark.slow(5)
@pytest.mark.parametrize("host", ["web-9", "web"])
async def test_a_host_that_is_not_there_stops_the_step(doer: AnsibleDoer, host: str) -> None:
    """A host that left the inventory, and a group, are no host; nothing is begun."""
    with pytest.raises(CannotBegin, match="it vanished"):
        await doer.look(planned(host, extra_vars=VARIABLES), ABOUT)


@pytest.mark.slow(5)
async def test_a_broken_playbook_stops_the_step(doer: AnsibleDoer, edge: AnsibleEdge) -> None:
    """What Ansible says of it is told; nothing is begun."""
    (edge.directory / "play.yml").write_text("- hosts: all\n  tusks: []\n")
    with pytest.raises(CannotBegin, match="tusks"):
        await doer.look(planned(extra_vars=VARIABLES), ABOUT)


@pytest.mark.slow(5)
async def test_a_cancelled_play_leaves_nothing(doer: AnsibleDoer, edge: AnsibleEdge, tmp_path: Path) -> None:
    """Ansible ends, and whatever it has started, also what ignores SIGTERM in a session of its own."""
    stubborn = {"shell": f"trap '' TERM; echo $$ >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 97"}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [stubborn]}]
    (edge.directory / "play.yml").write_text(yaml.safe_dump(plays))
    task = asyncio.create_task(doer.do(planned(seconds=100), {}, ABOUT))
    await until((tmp_path / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive((tmp_path / "pid").read_text())
    assert left_behind(tmp_path) == []


async def test_a_play_that_takes_too_long_is_unknown(doer: AnsibleDoer) -> None:
    """How far it came nobody knows."""
    done = await doer.do(planned(seconds=0.1), {}, ABOUT)
    assert (done.outcome, done.reason[:30]) == ("unknown", "it was not done after 0.1 s an")


async def test_a_slow_inventory_is_tried_again(doer: AnsibleDoer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inventory that does not answer in time is no reason to say that the host is gone."""
    monkeypatch.setattr("receiver.remediate.steps.ansible_doer.LOOK_SECONDS", 0.05)
    with pytest.raises(NotNow, match="did not tell its hosts"):
        await doer.look(planned(extra_vars=VARIABLES), ABOUT)


@pytest.mark.parametrize("change", ["gone", "link", "open", "inventory"])
async def test_what_may_not_be_played_is_not(doer: AnsibleDoer, edge: AnsibleEdge, change: str) -> None:
    """A playbook that is gone, lies elsewhere, or that anybody could have written; an inventory that is gone."""
    play = edge.directory / "play.yml"
    match change:
        case "gone":
            play.unlink()
        case "link":
            play.rename(edge.directory.parent / "elsewhere.yml")
            play.symlink_to(edge.directory.parent / "elsewhere.yml")
        case "open":
            play.chmod(0o666)
        case "inventory":
            edge.inventory_file.unlink()
    with pytest.raises(CannotBegin):
        await doer.look(planned(), ABOUT)
    done = await doer.do(planned(), {}, ABOUT)
    assert done.outcome == "failed"
    assert "nothing was done" in done.reason


def left_behind(folder: Path) -> list[str]:
    """Processes of plays that this one has started, and folders of them."""
    children = ["ps", "-o", "args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(children, check=False, capture_output=True, text=True).stdout.splitlines()
    running = [line for line in listed if "launcher" in line or "ansible" in line]
    return running + [str(left) for left in (folder / "tmp").iterdir()]
