"""The line on a terminal that tells how much history was read."""

from __future__ import annotations

import io

from exporter.progress import ProgressLine, line


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_a_line_for_all_queries() -> None:
    """The bar shows the mean and names the query that is behind."""
    assert line({"a": 0.5, "b": 1.0}) == "reading history " + "█" * 22 + "░" * 8 + "  75%  a and 1 more"
    assert line({"a": 0.0}) == "reading history " + "░" * 30 + "   0%  a"
    assert line({}) == ""


def test_a_terminal_is_told() -> None:
    """Each change rewrites the line, and once all is read it is gone."""
    terminal = Terminal()
    progress = ProgressLine(terminal)
    for query, share in (("a", 0.5), ("a", 0.5), ("b", 0.5), ("a", 1.0), ("b", 1.0)):
        progress.of(query)(share)
    written = terminal.getvalue().split("\r\033[K")
    assert [text[48:] for text in written] == ["", "50%  a", "50%  a and 1 more", "50%  b", ""]


def test_others_are_left_alone() -> None:
    """A file or a pipe gets no bar."""
    stream = io.StringIO()
    ProgressLine(stream).of("a")(0.5)
    assert stream.getvalue() == ""
