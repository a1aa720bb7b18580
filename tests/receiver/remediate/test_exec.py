"""Steps of kind `exec`: what may be started, with what, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from receiver.engine.run_events import StepOutcome
from receiver.remediate.step import MOST_OUTPUT, CannotBegin, Done
from receiver.remediate.steps.exec import ExecEdge
from receiver.remediate.steps.exec_doer import ExecDoer
from receiver.remediate.values import Unfit, Values
from tests.receiver.remediate.programs import ABOUT, Folder, action, alive, step, until
from tocsin.masking import MASK

HOSTILE = ['"} or vector(1)', "-x", "$(reboot)", "`reboot`; reboot", "a\nb", "$(other)", "ü 🚀", "\\", "'\"", "%s"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "runbooks")


async def ran(edge: ExecEdge, what: object, *arguments: object, **settings: object) -> Done:
    doer = ExecDoer(edge, grace_seconds=0.1)
    planned = action(what, *arguments, **settings)  # type: ignore[arg-type]
    before = await doer.look(planned, ABOUT)
    return await doer.do(planned, before, ABOUT)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["rotate"], "no absolute path"),
        (["./rotate"], "no absolute path"),
        (["/opt/../bin/sh"], "no absolute path"),
        (["$(program)"], "comes from a value"),
        (["/opt/$(program)"], "comes from a value"),
        ([], "is empty"),
        (["/opt/x", "--$(name)"], "which option"),
        (["/opt/x", "a\0b"], "NUL"),
        (["/bin/sh", "-c", "restart $(name)"], "run as a program"),
        (["/bin/bash", "-euc", 'restart "$1"', "sh", "$(name)"], "run as a program"),
        (["/usr/bin/env", "bash", "-lc", "restart", "$(name)"], "run as a program"),
        (["/usr/bin/sudo", "/bin/dash", "-c", "$(name)"], "run as a program"),
        (["/bin/busybox", "sh", "-c", "x $(name)"], "run as a program"),
        (["/usr/bin/python3.11", "-Ic", "print($(name))"], "run as a program"),
        (["/usr/bin/python3", "-cprint('$(name)')"], "run as a program"),
        (["/usr/bin/perl", "-we", "$(name)"], "run as a program"),
        (["/usr/bin/node", "--eval=$(name)"], "run as a program"),
        (["/usr/bin/awk", "/$(name)/"], "run as a program"),
        (["/usr/bin/ssh", "web-1", "restart $(name)"], "run as a program"),
    ],
)
def test_an_unsafe_command_is_refused_at_check(command: list[str], says: str) -> None:
    """Nothing that an alert's value could turn into another command passes the check, and the message tells why."""
    with pytest.raises(ValidationError, match=says) as error:
        step(*command)
    assert all(one["ctx"]["hint"] for one in error.value.errors())


@pytest.mark.parametrize(
    "command",
    [
        ["/bin/sh", "-c", "restart it"],
        ["/bin/sh", "/opt/restart.sh", "$(name)"],
        ["/opt/x", "--host=$(name)", "-n$(name)", "$(name)"],
        ["/opt/x", "-c", "$(name)"],
        ["/usr/bin/python3", "/opt/x.py", "$(name)"],
        ["/opt/x", "$(REBOOT)", "$1"],
    ],
)
def test_a_safe_command_is_taken(command: list[str]) -> None:
    """A fixed text for a shell, and values as arguments of a program's file, are fine."""
    assert list(step(*command).command) == command


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "TOCSIN_RUN", "PYTHONPATH", "1X", "A-B", "A=B", ""])
@pytest.mark.parametrize("where", ["env", "secrets"])
def test_some_variables_may_not_be_set(where: str, name: str) -> None:
    """A runbook cannot change how programs are found, nor what Tocsin tells them."""
    with pytest.raises(ValidationError):
        step("/opt/x", **{where: {name: "x"}})


def test_a_variable_is_plain_or_a_secret() -> None:
    """One name in both is an error."""
    with pytest.raises(ValidationError, match="stands in env and in secrets"):
        step("/opt/x", env={"A": "x"}, secrets={"A": "x"})


@pytest.mark.parametrize("template", ["$(name)", "$(name)x", "$(empty)$(name)"])
def test_a_value_cannot_become_an_option(template: str) -> None:
    """An argument that a value makes begin with a dash is refused when planned; after `--opt=` it may stand."""
    values = Values({"name": "-rf", "empty": ""})
    with pytest.raises(Unfit, match="would be the option"):
        step("/opt/x", template).planned(values)
    _, arguments = step("/opt/x", "--host=$(name)", env={"HOST": "$(name)"}).planned(values)
    assert arguments["command"] == ["/opt/x", "--host=-rf"]
    assert arguments["env"] == {"HOST": "-rf"}


@pytest.mark.parametrize(("value", "says"), [("a\0b", "NUL"), ("a" * 1_000_000, "1,000,00. characters")])
@pytest.mark.parametrize("where", ["command", "env"])
def test_what_no_program_can_take_is_refused(where: str, value: str, says: str) -> None:
    """A NUL and a megabyte are found when planned, not when started."""
    one = step("/opt/x", "a=$(name)") if where == "command" else step("/opt/x", env={"A": "$(name)"})
    with pytest.raises(Unfit, match=says):
        one.planned(Values({"name": value}))


def test_what_will_be_done_is_told_in_words() -> None:
    """As a shell would take it, and nothing in it is hidden from whoever approves."""
    does, arguments = step("/opt/x", "--host=$(host)", "two words", "$(odd)", secrets={"TOKEN": "deploy"}).planned(
        Values({"host": "web-1", "odd": "a\nb"})
    )
    assert does == "run /opt/x --host=web-1 'two words' \"a\\nb\""
    assert arguments["secrets"] == {"TOKEN": "deploy"}


@pytest.mark.parametrize("value", HOSTILE)
async def test_values_arrive_as_they_are(folder: Folder, value: str) -> None:
    """Whatever a label holds, the program gets exactly that text, and no shell sees it."""
    program = folder.program('printf \'%s|%s|%s\' "$1" "$NAME" "$TOCSIN_LABEL_name"')
    planned = action(program, "--name=$(name)", env={"NAME": "$(name)"}, values={"name": value})
    done = await ExecDoer(folder.edge()).do(planned, {}, replace(ABOUT, labels={"name": value}))
    assert done.output == f"--name={value}|{value}|{value}"
    assert done.outcome == "succeeded"


async def test_the_environment_is_clean(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program gets what is written here, and nothing of what the worker has."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-worker")
    (tmp_path / "token").write_text("t0ken-value\n")
    program = folder.program("exec /usr/bin/env")
    planned = action(program, env={"HOST": "web-1"}, secrets={"TOKEN": "deploy"})
    labels = {"a.b": "1", "a_b": "2", "long": "x" * 5_000, "ünïcode": "3", "nul": "a\0b", "x=y": "4"}
    doer = ExecDoer(folder.edge(secrets={"deploy": str(tmp_path / "token")}))
    done = await doer.do(planned, {}, replace(ABOUT, labels=labels))
    got = dict(line.split("=", 1) for line in done.output.splitlines() if line)
    got.pop("PWD", None)  # the shell's own
    assert got == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TOCSIN_INCIDENT": "INC-1",
        "TOCSIN_RUN": "run-1",
        "TOCSIN_STEP_KEY": "run-1/step/1",
        "TOCSIN_LABEL_a_b": "2",
        "TOCSIN_LABEL__n_code": "3",
        "TOCSIN_LABEL_nul": "ab",
        "TOCSIN_LABEL_x_y": "4",
        "HOST": "web-1",
        "TOKEN": MASK,
    }
    assert not set(got) & (set(os.environ) - {"PATH", "LANG"})


async def test_nothing_else_of_the_worker_is_handed_on(folder: Folder) -> None:
    """Standard input is empty, no descriptor is open, nothing is to be read next door, and the session is its own."""
    program = folder.program("cat; cat /proc/$PPID/environ; ls /proc/self/fd | tr '\\n' ' '; ps -o sid= -p $$")
    done = await ran(folder.edge(), program)
    *descriptors, session = done.output.split()
    assert descriptors == ["0", "1", "2", "3"]  # the last one is that of ls itself
    assert session != str(os.getsid(0))


async def test_a_secret_does_not_show(folder: Folder, tmp_path: Path) -> None:
    """Not in the output, in whatever form; the plan holds its name alone."""
    (tmp_path / "token").write_text("s3cret token value\n")
    program = folder.program('echo "$TOKEN"; printf %s "$TOKEN" | base64; echo "x$TOKEN" >&2; exit 1')
    planned = action(program, secrets={"TOKEN": "deploy"})
    done = await ExecDoer(folder.edge(secrets={"deploy": str(tmp_path / "token")})).do(planned, {}, ABOUT)
    assert done.output == f"{MASK}\n{MASK}=\nx{MASK}\n".replace("=", done.output.split("\n")[1].removeprefix(MASK))
    assert "s3cret" not in repr(planned) + repr(done)


@pytest.mark.parametrize(
    ("text", "outcome", "reason", "output"),
    [
        ("echo done", "succeeded", "it ended with 0", "done\n"),
        ("echo oops >&2; exit 3", "failed", "it ended with 3", "oops\n"),
        ("exit 4", "succeeded", "it ended with 4", ""),
        ("kill -9 $$", "unknown", "signal 9 ended it; how much it had done is not known", ""),
        ("echo a; exec >&- 2>&-; sleep 0.1; exit 3", "failed", "it ended with 3", "a\n"),
        ("(sleep 60 &) ; echo x", "succeeded", "; what it left behind was ended (1)", "x\n"),
        ("(setsid sh -c 'setsid sleep 60 &' &) ; sleep 0.1; echo x", "succeeded", "left behind was ended", "x\n"),
        ("(trap '' TERM; setsid sleep 60 &) ; echo x", "succeeded", "left behind was ended", "x\n"),
    ],
)
async def test_how_a_program_ends(folder: Folder, text: str, outcome: StepOutcome, reason: str, output: str) -> None:
    """Its exit code decides; one that something else killed is unknown; what it leaves behind is ended with it."""
    done = await ran(folder.edge(), folder.program(text), expect_exit=[0, 4])
    assert (done.outcome, done.output) == (outcome, output)
    assert reason in done.reason
    assert children() == []


@pytest.mark.parametrize(
    "text",
    [
        "sleep 60",
        "trap '' TERM; sleep 60",
        "trap 'exit 0' TERM; sleep 60 & wait",
        "setsid sh -c \"trap '' TERM; sleep 60\"",
        "exec >&- 2>&-; sleep 60",
        "yes",
        "(trap '' TERM; setsid sleep 60 & setsid sleep 61 &); sleep 62",
    ],
)
async def test_a_program_that_takes_too_long_is_ended(folder: Folder, text: str) -> None:
    """Asked first, then killed, with all that it has started; what it had done nobody knows, so it is unknown."""
    began = time.monotonic()
    done = await ran(folder.edge(), folder.program(text), seconds=0.2)
    assert done.outcome == "unknown"
    assert done.reason == "it was not done after 0.2 s and was ended; how much it had done is not known"
    assert len(done.output) < MOST_OUTPUT + 100
    assert time.monotonic() - began < 20
    assert children() == []


async def test_a_cancelled_step_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    """Cancelled, it has ended the program before the cancellation goes on."""
    program = folder.program(f"trap '' TERM; echo $$ >{tmp_path}/pid; setsid sleep 60 & sleep 60")
    task = asyncio.create_task(ran(folder.edge(), program))
    await until((tmp_path / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []
    assert not alive((tmp_path / "pid").read_text())


@pytest.mark.parametrize("whom", ["worker", "launcher"])
async def test_a_killed_worker_leaves_no_program(folder: Folder, tmp_path: Path, whom: str) -> None:
    """Whoever is killed with -9, the worker or what watches the program: the program does not go on alone."""
    program = folder.program(f"echo $PPID $$ >{tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 60")
    code = (
        "import asyncio; from pathlib import Path; from receiver.remediate.program import Program, run\n"
        f"asyncio.run(run(Program(Path({str(program)!r}), ['x'], {{'PATH': '/usr/bin:/bin'}}, 60, grace_seconds=0.1)))"
    )
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await until((tmp_path / "pid").exists)
    launcher, started = (tmp_path / "pid").read_text().split()
    assert alive(started)
    os.kill(worker.pid if whom == "worker" else int(launcher), signal.SIGKILL)
    await until(lambda: not alive(started) and not alive(launcher))
    await worker.wait()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder.path / "gone", "is not there"),
        (lambda folder: folder.program("", mode=0o644), "chmod \\+x"),
        (lambda folder: folder.program("", mode=0o757), "can be written by everybody"),
        (lambda _: Path("/bin/sh"), "does not lie in remediation.exec.allow"),
        (lambda folder: linked(folder, Path("/bin/sh")), "it is .*does not lie in"),
        (lambda folder: folder.path, "is no file"),
        (lambda folder: open_folder(folder).program(""), "can be written by everybody"),
    ],
)
async def test_what_may_not_be_started_is_not(folder: Folder, make: Callable[[Folder], Path], says: str) -> None:
    """Only a program of an allowed folder, where not everybody can put one; looked at before and at the start."""
    planned = action(make(folder))
    doer = ExecDoer(folder.edge())
    with pytest.raises(CannotBegin, match=says):
        await doer.look(planned, ABOUT)
    done = await doer.do(planned, {}, ABOUT)
    assert done.outcome == "failed"
    assert "nothing was done" in done.reason


async def test_nothing_may_be_started_unless_configured(folder: Folder) -> None:
    """Without folders every program is refused, and the message names the key."""
    with pytest.raises(CannotBegin, match=r"remediation\.exec\.allow"):
        await ExecDoer(ExecEdge()).look(action(folder.program("echo")), ABOUT)


async def test_look_tells_which_program_it_is(folder: Folder) -> None:
    """Its real path and the hash of its content are on record; a link within the folders is followed."""
    program = folder.program("echo", name="v2")
    link = linked(folder, program)
    seen = await ExecDoer(folder.edge()).look(action(link), ABOUT)
    assert seen["program"] == str(program.resolve())
    assert len(seen["sha256"]) == 64


@pytest.mark.parametrize(("secrets", "says"), [({}, "no secret 'deploy'"), ({"deploy": "/gone"}, "cannot be read")])
async def test_a_missing_secret_stops_the_step(folder: Folder, secrets: dict[str, str], says: str) -> None:
    """Nothing is started that would run without it."""
    planned = action(folder.program("echo"), secrets={"TOKEN": "deploy"})
    with pytest.raises(CannotBegin, match=says):
        await ExecDoer(folder.edge(secrets=secrets)).look(planned, ABOUT)


@pytest.mark.parametrize(("text", "shown"), [("#!/nope\n", "No such file"), ("\x7fELF no", "Exec format")])
async def test_what_cannot_be_started_has_failed(folder: Folder, text: str, shown: str) -> None:
    """Nothing was done, so it is failed and not unknown."""
    program = folder.program("")
    program.write_text(text)
    done = await ran(folder.edge(), program)
    assert done.outcome == "failed"
    assert shown in done.reason
    assert "nothing was done" in done.reason


async def test_limits_and_umask_hold(folder: Folder, tmp_path: Path) -> None:
    """A program gets the resources that the worker's configuration gives it, and no core file."""
    program = folder.program(f"umask; ulimit -Hc; ulimit -n; ulimit -v; ulimit -t; pwd; : >{tmp_path}/made")
    edge = folder.edge(umask="027", open_files=64, memory_megabytes=512, processor_seconds=5)
    done = await ran(edge, program, directory=str(tmp_path))
    assert done.output.split() == ["0027", "0", "64", str(512 * 1024), "5", str(tmp_path)]
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o640


async def test_a_folder_that_is_gone_stops_the_step(folder: Folder) -> None:
    """A step that would run elsewhere does not run."""
    with pytest.raises(CannotBegin, match="the step would run in it"):
        await ExecDoer(folder.edge()).look(action(folder.program("echo"), directory="/gone"), ABOUT)


def linked(folder: Folder, to: Path) -> Path:
    link = folder.path / "link"
    link.symlink_to(to)
    return link


def open_folder(folder: Folder) -> Folder:
    inner = Folder(folder.path / "inner")
    inner.path.chmod(0o777)
    return inner


def children() -> list[str]:
    """What this process has started and is not over: launchers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if parent == str(os.getpid()) and state != "Z":
            found.append((stat.parent / "cmdline").read_text())
    return [one for one in found if "launcher" in one]
