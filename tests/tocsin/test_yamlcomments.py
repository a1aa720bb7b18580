"""Comments of YAML, and scalars as they were written: what plain data leaves out."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import yamltree
from tocsin.yamltree import Document

TEXT = """\
# head
a: plain # behind
b: "# no" # yes
c: 'x''# no'
d: no#comment
e: |
  # no

  # no
# after a block
f: >-
  folded # no
g: several
  lines # of g
h: {i: 1, # in a flow
    j: [2]}
  # deeper
k:
  - # of an item
    l: 1
# tail"""

COMMENTS = [
    (1, 1, " head", True),
    (2, 10, " behind", False),
    (3, 11, " yes", False),
    (10, 1, " after a block", True),
    (14, 9, " of g", False),
    (15, 11, " in a flow", False),
    (17, 3, " deeper", True),
    (19, 3, " of an item", True),
    (21, 1, " tail", True),
]


def documents(text: str) -> list[Document]:
    found, problems = yamltree.parse(text, "file.yml")
    assert problems == []
    return found


def comments(text: str) -> list[list[str]]:
    return [[comment.text for comment in document.written().comments] for document in documents(text)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["", "\ufeff"])
def test_comments_and_their_places(line_end: str, first: str) -> None:
    """What looks like one within a scalar is none; the lines' ends and a byte order mark change nothing."""
    [document] = documents(first + TEXT.replace("\n", line_end))
    found = [(one.line, one.column, one.text, one.alone) for one in document.written().comments]
    assert found == COMMENTS


def test_comments_of_several_documents() -> None:
    """Each has what stands behind its own `---`, the last one the rest."""
    text = "---\n# b\na: 1\n# c\n---\n# d\n--- # e\nb: 2\n...\n# f\n---\nc: 3 # g\n# h\n"
    assert comments(text) == [[" b", " c"], [" d"], [" e", " f"], [" g", " h"]]


def test_comments_beside_an_error() -> None:
    """Documents in front of one that cannot be read have theirs."""
    found, problems = yamltree.parse("a: 1 # a\n---\nb: [\n", "file.yml")
    assert len(problems) == 1
    assert [comment.text for comment in found[0].written().comments] == [" a"]


def test_scalars_as_they_were_written() -> None:
    """What YAML takes for something else than a text, by its path; through anchors and merges, too."""
    text = dedent("""\
        a: 1.10
        b: &b {on: yes, 5: "5", t: text}
        c: [~, 0x1F, 2024-01-01]
        d: {<<: *b, e: 1_000}
        """)
    [document] = documents(text)
    assert document.written().scalars == {
        ("a",): "1.10",
        ("b", "on"): "yes",
        ("c", 0): "~",
        ("c", 1): "0x1F",
        ("c", 2): "2024-01-01",
        ("d", "on"): "yes",
        ("d", "e"): "1_000",
    }


def test_a_document_that_was_made_has_none() -> None:
    """What was never a text was never written."""
    written = Document("file.yml", {"a": 1}, {}, {}).written()
    assert (dict(written.scalars), list(written.comments)) == ({}, [])


LINES = st.sampled_from(["# c", "a{}: x # c", "a{}: '#'", "a{}: |\n  # t", "a{}: [1, # c\n 2]", "", "a{}: x#y"])


@given(st.lists(LINES, max_size=12))
def test_every_comment_is_found(lines: list[str]) -> None:
    """Each once, whatever stands around it."""
    text = "\n".join(line.format(number) for number, line in enumerate(lines)) + "\na: 1\n"
    assert comments(text) == [[" c"] * sum(line.count("# c") for line in lines)]
