"""The script that frees a disk: it works where it may, on nothing but logs, and loses none."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from tests.receiver.remediate.shipped import program, run_script

LINES = b"a line of a log\n" * 1000
NEVER_ENOUGH = "--until-free=101"  # so that everything is done that may be


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with logs, and the file that allows it."""
    logs = tmp_path / "var" / "log"
    logs.mkdir(parents=True)
    (tmp_path / "allowed").write_text(f"# where logs may be rotated\n{logs}\n")
    (tmp_path / "allowed").chmod(0o644)
    return logs


def rotate(place: Path, *more: str, below: Path | str | None = None, path: str = os.defpath) -> tuple[int, str]:
    """Exit code, and everything that it said."""
    arguments = f"--below={below or place}", f"--allowed={place.parents[1] / 'allowed'}", "--larger-than=1K"
    ended = run_script("rotate-logs", *arguments, *more, path=path)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


def test_logs_are_compressed(place: Path) -> None:
    """A log that is written keeps its file, empty; a rotated one goes; each line is in what takes its place."""
    (place / "app").mkdir()
    live, rotated, other = place / "app/app.log", place / "old.log.1", place / "data.db"
    for file in (live, rotated, other):
        file.write_bytes(LINES)
    live.chmod(0o640)
    with live.open("ab") as writer:
        code, said = rotate(place, NEVER_ENOUGH)
        writer.write(b"the next line\n")
    assert code == 1, said
    assert "not enough" in said
    assert live.read_bytes() == b"the next line\n"
    [packed] = (place / "app").glob("app.log.*.gz")
    assert gzip.decompress(packed.read_bytes()) == gzip.decompress((place / "old.log.1.gz").read_bytes()) == LINES
    assert packed.stat().st_mode & 0o777 == 0o640
    assert not rotated.exists()
    assert other.read_bytes() == LINES
    assert sorted(file.name for file in place.iterdir()) == ["app", "data.db", "old.log.1.gz"]


def test_enough_is_free(place: Path) -> None:
    """Where enough is free nothing is done, and that is a success."""
    (place / "app.log").write_bytes(LINES)
    code, said = rotate(place, "--until-free=0", "--remove-older-than=0.001")
    assert (code, (place / "app.log").read_bytes()) == (0, LINES), said


def test_dry_run(place: Path) -> None:
    """It says what it would do, and changes nothing."""
    for name in ("app.log", "old.log.1"):
        (place / name).write_bytes(LINES)
    code, said = rotate(place, NEVER_ENOUGH, "--dry-run")
    assert code == 0
    assert "would compress" in said
    assert "would rotate" in said
    assert sorted(file.name for file in place.iterdir()) == ["app.log", "old.log.1"]


def test_nothing_is_removed_unasked(place: Path) -> None:
    """Old rotated logs are removed only with the option, and those that are younger, or are being written, never."""
    old, young, live = place / "a.log.2.gz", place / "a.log.1.gz", place / "a.log"
    for file in (old, young, live):
        file.write_bytes(b"x")
    weeks_ago = time.time() - 30 * 86_400
    for file in (old, live):
        os.utime(file, (weeks_ago, weeks_ago))
    rotate(place, NEVER_ENOUGH)
    assert old.exists()
    plain = place / "a.log.3"
    plain.write_bytes(LINES)
    os.utime(plain, (weeks_ago, weeks_ago))
    _, said = rotate(place, NEVER_ENOUGH, "--remove-older-than=14")
    assert not plain.exists()
    assert "not done" not in said
    assert [file.exists() for file in (old, young, live)] == [False, True, True]


def test_the_time_of_a_log_is_kept(place: Path) -> None:
    """A log that is compressed is as old as it was: else it would never be removed."""
    log = place / "a.log.1"
    log.write_bytes(LINES)
    os.utime(log, (1_000_000, 1_000_000))
    rotate(place, NEVER_ENOUGH)
    assert (place / "a.log.1.gz").stat().st_mtime == 1_000_000


def test_links_and_what_is_no_file(place: Path) -> None:
    """Links, files with two names, pipes and hidden files are left alone, wherever they lead."""
    secret = place.parents[1] / "secret.log"
    outside = place.parents[1] / "outside"
    outside.mkdir()
    for file in (secret, outside / "app.log", place / "two.log", place / ".hidden.log"):
        file.write_bytes(LINES)
    (place / "link.log").symlink_to(secret)
    (place / "folder").symlink_to(outside)
    (place / "again.log").hardlink_to(place / "two.log")
    os.mkfifo(place / "pipe.log")
    code, said = rotate(place, NEVER_ENOUGH, "--remove-older-than=0.0000001")
    assert "0 logs" in said
    assert code == 1
    assert secret.read_bytes() == (outside / "app.log").read_bytes() == (place / "two.log").read_bytes() == LINES
    assert sorted(file.name for file in outside.iterdir()) == ["app.log"]


def test_no_file_is_replaced(place: Path) -> None:
    """A file that is called as the compressed log would be stays, and so does the log."""
    (place / "a.log.1").write_bytes(LINES)
    (place / "a.log.1.gz").write_bytes(b"yesterday's")
    _, said = rotate(place, NEVER_ENOUGH)
    assert "not done: File exists" in said
    assert (place / "a.log.1").read_bytes() == LINES
    assert (place / "a.log.1.gz").read_bytes() == b"yesterday's"
    assert len(list(place.iterdir())) == 2


@pytest.mark.parametrize(
    ("below", "why"),
    [
        ("/", "two parts"),
        ("/etc", "two parts"),
        ("var/log", "absolute"),
        ("{place}/../../var/log", "'..'"),
        ("{place}-other", "does not allow"),
        ("{place}/missing", "missing is no directory"),
        ("{place}/link", "link is no directory"),
        ("/etc/ssl", "does not allow"),
    ],
)
def test_directories_that_are_refused(place: Path, below: str, why: str) -> None:
    """Where it may not work it does nothing, and says why."""
    (place / "link").symlink_to("/etc")
    code, said = rotate(place, NEVER_ENOUGH, below=below.format(place=place))
    assert (code, "refused: " in said, why in said) == (2, True, True), said


def test_the_machine_allows(place: Path) -> None:
    """Without the machine's own file, or with one that others may write, nothing is done."""
    allowed = place.parents[1] / "allowed"
    allowed.chmod(0o666)
    assert "can be written by others" in rotate(place)[1]
    allowed.unlink()
    assert "cannot be read" in rotate(place)[1]


def test_another_disk(place: Path) -> None:
    """Rotating logs on another disk than the one that is full would not help: it is refused."""
    code, said = rotate(place, NEVER_ENOUGH, "--disk=/proc")
    assert (code, "would not help" in said) == (2, True), said
    code, said = rotate(place, NEVER_ENOUGH, f"--disk={place}")
    assert (code, "nothing is mounted there" in said) == (2, True), said


@pytest.mark.parametrize("host", ["-oProxyCommand=reboot", "a b", "$(reboot)", "web-1;reboot", "web-1\nreboot", "@x"])
def test_hosts_that_are_refused(place: Path, host: str) -> None:
    """What is no host's name never reaches ssh."""
    program(place.parents[1] / "ssh", "touch reached")
    code, said = rotate(place, f"--on={host}", path=str(place.parents[1]))
    assert (code, "is no host" in said) == (2, True), said
    assert not (place.parents[1] / "reached").exists()


def test_another_machine(place: Path) -> None:
    """Elsewhere it runs with the same options, whatever is in them, and without the port of an instance."""
    odd = place / "it's $(touch reached)"
    odd.mkdir()
    (odd / "app.log").write_bytes(LINES)
    heard = place.parents[1] / "heard"
    # The far side's shell gets one text, as ssh would hand it over.
    ssh = f'for last; do :; done; printf "%s\\n" "$@" > {heard}; exec /bin/sh -c "$last"'
    program(place.parents[1] / "ssh", ssh)
    code, said = rotate(
        place, NEVER_ENOUGH, "--on=web-1:9100", below=odd, path=f"{place.parents[1]}:{os.environ['PATH']}"
    )
    assert code == 1, said
    assert "web-1" in heard.read_text().splitlines()
    assert (odd / "app.log").read_bytes() == b""
    assert not list(place.parents[1].rglob("reached"))
