"""Starts one program, watches it, and leaves nothing of it behind. Run by its path with `python -I -S`: it
imports nothing of ours, and has one thread, so that what is done between fork and exec is safe.

Its standard input is a line of JSON (what to start) and then stays open: when it ends, whoever wanted the program has
died or thought better of it, and the program is ended. Standard output becomes that of the program, its errors too; on
standard error goes one line of JSON: how it went. On Linux orphans of the program come to this process (a "subreaper"),
so that one that forked twice into a session of its own is found, too; elsewhere its process group alone is.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

SUBREAPER, DEATH_SIGNAL = 36, 1  # prctl(2)
TICK = 0.05  # seconds between looks at what still lives
KILLED_WITHIN = 2.0  # seconds after SIGKILL: what lives on then waits for a device
CALLED_OFF = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LINUX = sys.platform == "linux"


def main() -> None:
    """Does what the line on standard input says."""
    spec = json.loads(_line())
    report = os.dup(2)  # no descriptor that is made here passes to the program
    libc = ctypes.CDLL(None, use_errno=True) if LINUX else None
    if libc is not None:
        libc.prctl(SUBREAPER, 1, 0, 0, 0)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for name in (signal.SIGCHLD, *CALLED_OFF):
        signal.signal(name, lambda *_: None)  # each comes as a byte of `woken`
    said = _start(spec, libc)
    if isinstance(said, str):
        result: dict[str, Any] = {"error": said}
    else:
        result = Watch(said, spec["grace"]).until(time.monotonic() + spec["seconds"], woken)
    os.write(report, json.dumps(result).encode() + b"\n")


def _line() -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(0, 65_536)
        if not chunk:
            sys.exit("nothing to start")
        data += chunk
    return data


def _start(spec: dict[str, Any], libc: ctypes.CDLL | None) -> int | str:
    """The program's id, or why it could not be started."""
    us, (tells, told) = os.getpid(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _become(spec, us, libc)
        except BaseException as error:  # noqa: BLE001  whatever it is, this copy of us must not go on
            os.write(told, str(error).encode("utf-8", "replace")[:1_000])
        os._exit(127)
    os.close(told)
    said = os.read(tells, 1_000)  # empty when the program has taken this copy's place
    os.close(tells)
    if said:
        os.waitpid(child, 0)
        return said.decode("utf-8", "replace")
    return child


def _become(spec: dict[str, Any], parent: int, libc: ctypes.CDLL | None) -> None:
    os.setsid()
    if libc is not None:
        libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)
    for name in (signal.SIGCHLD, signal.SIGPIPE, *CALLED_OFF):
        signal.signal(name, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(1, 2)
    os.umask(spec["umask"])
    os.chdir(spec["directory"])
    for name, most in {"CORE": 0, **spec["limits"]}.items():  # a core file would hold secrets
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
    os.execve(spec["program"], spec["arguments"], spec["environment"])  # noqa: S606  a shell is what must not be there


class Watch:
    """The program and what it started."""

    def __init__(self, program: int, grace: float) -> None:
        self.program = program
        self.grace = grace
        self.status: int | None = None

    def until(self, deadline: float, woken: int) -> dict[str, Any]:
        """Waits for its end, the deadline, or the end of standard input, whichever is first; then ends the rest."""
        cut = ""
        while not cut and self._reap() and self.status is None:
            left = deadline - time.monotonic()
            if left <= 0:
                cut = "time"
                break
            ready, _, _ = select.select([0, woken], [], [], left)
            if woken in ready and set(os.read(woken, 4_096)) & set(CALLED_OFF):
                cut = "called off"
            if 0 in ready and not os.read(0, 4_096):
                cut = "called off"
        left_behind = self.end()
        if not LINUX:  # nothing tells who is left of its group
            _signal(self.program, signal.SIGKILL, group=True)
        result: dict[str, Any] = {"cut": cut, **left_behind}
        if self.status is not None:
            code = os.waitstatus_to_exitcode(self.status)
            result |= {"exit": code} if code >= 0 else {"signal": -code}
        return result

    def end(self) -> dict[str, int]:
        """Ends what still lives: asks it first, and waits; how many were left, and how many cannot be ended."""
        left, asked = 0, set[int]()
        kill_at = time.monotonic() + self.grace
        while self._reap():
            now = time.monotonic()
            if now > kill_at + KILLED_WITHIN:
                return {"left": left, "stuck": len(_children()) or 1}
            living = set(_children())
            fresh = living if now > kill_at else living - asked
            left += len((living - asked) - {self.program})
            asked |= living
            for one in fresh:
                _signal(one, signal.SIGKILL if now > kill_at else signal.SIGTERM, group=one == self.program)
            time.sleep(TICK)
        return {"left": left, "stuck": 0}

    def _reap(self) -> bool:
        """Takes note of who has ended; whether anybody lives."""
        while True:
            try:
                ended, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if ended == 0:
                return True
            if ended == self.program:
                self.status = status


def _signal(process: int, what: signal.Signals, *, group: bool) -> None:
    try:
        if group:
            os.killpg(process, what)
        else:
            os.kill(process, what)
    except (ProcessLookupError, PermissionError):
        pass  # gone meanwhile, or another user's: then it counts as stuck


def _children() -> list[int]:
    """Who has this process as its parent."""
    if not LINUX:
        return []
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if int(parent) == os.getpid() and state != b"Z":
            found.append(int(name))
    return found


if __name__ == "__main__":
    main()
