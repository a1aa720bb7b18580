"""The script that blocks an address: only one that is public and not our own, and only for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.receiver.remediate.shipped import as_module, program, run_script

SCRIPT = as_module("block-address")


@pytest.fixture
def never(tmp_path: Path) -> Path:
    """The machine's own addresses."""
    file = tmp_path / "never-block"
    file.write_text("# the office\n198.41.0.0/24  # and its guests\n2606:4700::/32\n8.8.8.8\n")
    file.chmod(0o644)
    return file


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",
        "ff02::1", "2001:db8::1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::808:808", "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::8.8.8.8",
        "8.8.8.8/8", "8.8.8", "0x08080808", "134744072", "010.8.8.8", "8.8.8.8 }; flush ruleset", "$(reboot)",
        "-x", "", "8.8.8.8\n", "٨.8.8.8", "example.org",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(text: str) -> None:
    """Nothing but one public address, in its plain spelling, is ever blocked."""
    with pytest.raises(SCRIPT.Refused):
        SCRIPT.address(text)


@pytest.mark.parametrize(("text", "plain"), [("9.9.9.9", "9.9.9.9"), ("2620:00FE::00FE", "2620:fe::fe")])
def test_public_addresses(text: str, plain: str) -> None:
    """A public address is taken in either version."""
    assert str(SCRIPT.address(text)) == plain


@pytest.mark.parametrize("text", ["198.41.0.4", "2606:4700:4700::1111", "8.8.8.8"])
def test_our_own(never: Path, text: str) -> None:
    """What the machine's file names, or a network there holds, is never blocked; the line is told."""
    with pytest.raises(SCRIPT.Refused, match=r"never-block:[234] says"):
        SCRIPT.not_our_own(SCRIPT.address(text), never)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [(None, 0o644, "cannot be read"), ("", 0o666, "written by others"), ("the office\n", 0o644, ":1: 'the office'")],
)
def test_own_addresses_that_are_not_known(tmp_path: Path, content: str | None, mode: int, why: str) -> None:
    """Where nobody can say what is our own, nothing is blocked."""
    file = tmp_path / "never-block"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(SCRIPT.Refused, match=why):
        SCRIPT.not_our_own(SCRIPT.address("9.9.9.9"), file)


def block(never: Path, nft: Path, *arguments: str) -> tuple[int, str]:
    """Exit code, and everything that it said."""
    ended = run_script("block-address", f"--never={never}", f"--nft={nft}", *arguments)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


def test_what_nft_is_told(tmp_path: Path, never: Path) -> None:
    """The set of its version gets the address with a time, as words of their own."""
    nft = program(tmp_path / "nft", f'printf "%s|" "$@" >> {tmp_path}/heard')
    for address in ("9.9.9.9", "2620:fe::fe"):
        code, said = block(never, nft, f"--address={address}", "--for=2h")
        assert (code, "is blocked for 7200 s" in said) == (0, True), said
    assert block(never, nft, "--address=9.9.9.9", "--remove")[0] == 0
    assert (tmp_path / "heard").read_text() == (
        "add|element|inet|tocsin|blocked4|{ 9.9.9.9 timeout 7200s }|"
        "add|element|inet|tocsin|blocked6|{ 2620:fe::fe timeout 7200s }|"
        "delete|element|inet|tocsin|blocked4|{ 9.9.9.9 }|"
    )


def test_dry_run(tmp_path: Path, never: Path) -> None:
    """It says what it would run, and runs nothing."""
    code, said = block(never, tmp_path / "there-is-none", "--address=9.9.9.9", "--dry-run")
    assert code == 0
    assert "would run: " in said


@pytest.mark.parametrize(
    ("script", "arguments", "code", "says"),
    [
        ("echo no such table >&2; exit 1", ("--address=9.9.9.9",), 1, "no such table"),
        ("[ $1 = list ] && exit 0; exit 1", ("--address=9.9.9.9", "--remove"), 0, "is free"),
        ("[ $1 = list ] && echo 9.9.9.9 expires 3s && exit 0; exit 1", ("--address=9.9.9.9", "--remove"), 1, "code 1"),
        ("exit 1", ("--address=9.9.9.9", "--remove"), 1, "exit code 1"),
        ("exit 0", ("--address=10.0.0.1",), 2, "not public"),
        ("exit 0", ("--address=8.8.8.8",), 2, "our own"),
        ("exit 0", ("--address=9.9.9.9", "--set=x"), 2, "FAMILY/TABLE/SET"),
        ("exit 0", ("--address=9.9.9.9", "--set=inet/t/s;flush ruleset"), 2, "FAMILY/TABLE/SET"),
        ("exit 0", ("--address=9.9.9.9", "--for=8d"), 2, "at most 7d"),
        ("exit 0", ("--address=9.9.9.9", "--for=0s"), 2, "at most 7d"),
    ],
)
def test_how_it_ends(
    tmp_path: Path, never: Path, script: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    """0 only where it is as it was asked for: an address that is free already counts."""
    ended, said = block(never, program(tmp_path / "nft", script), *arguments)
    assert (ended, says in said) == (code, True), said


def test_no_nft(tmp_path: Path, never: Path) -> None:
    """A machine without nftables is told of."""
    assert block(never, tmp_path / "there-is-none", "--address=9.9.9.9")[0] == 1
