"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tocsin.files import replacing, replacing_bytes


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """While the block runs, and when it fails, the old content is there; nothing else is left in the folder."""
    file = tmp_path / "f"
    file.write_text("old")
    with pytest.raises(RuntimeError), replacing(file) as stream:  # noqa: PT012 - the block is what fails
        stream.write("half")
        assert file.read_text() == "old"
        raise RuntimeError
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])
    with replacing(file) as stream:
        stream.write("new")
    assert (file.read_text(), list(tmp_path.iterdir())) == ("new", [file])


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that a link leads to is replaced, also where it is not there yet."""
    for name in ("there", "new"):
        link, file = tmp_path / f"{name}.link", tmp_path / name
        link.symlink_to(file)
        with replacing(link) as stream:
            stream.write("text")
        assert link.is_symlink()
        assert file.read_text() == "text"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """What is no file stays what it is."""
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replacing_bytes(pipe) as stream:
        stream.write(b"text")
    reader.join(10)
    assert (read, pipe.is_fifo()) == (["text"], True)


@pytest.mark.parametrize("folder", [".", "..", "/", "here"])
def test_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """A folder is no file that can be replaced: an error like any other that the system raises."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsADirectoryError), replacing(Path(folder)):
        raise AssertionError("nothing may be written")
