"""What people say of points teaches their series, and only them; taking it back undoes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.assembly import model_of
from exporter.config import QuerySettings
from exporter.feedback.book import FILE, Book, NoSuchVerdict
from exporter.feedback.ear import Overhearing, QueryEar
from exporter.feedback.lessons import ALARM, CALM, MOST_GAIN, Evidence, Lessons
from exporter.feedback.teaching import Point, about, event_around, look, own_score
from exporter.feedback.verdict import Said, Verdict, Word
from exporter.frame import Floats, Frame
from exporter.models.evidence import PIECES, SIGNED
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case
from tests.exporter.series import STEP, THURSDAY, frame, make, times
from tocsin.errors import TocsinError

QUERY = QuerySettings.model_validate({"name": "q", "expr": "x", "step": "5m"})
KEY = (("series", "0"),)
ROWS = 3

numbers = st.lists(st.floats(-9, 9), min_size=2 * len(PIECES), max_size=2 * len(PIECES))
words: st.SearchStrategy[Word] = st.sampled_from(("normal", "anomaly"))


def column(found: list[float]) -> Evidence:
    """Evidence of one series: shares and sizes have the same sign, which only some pieces have."""
    shares, sizes = np.array(found).reshape(2, -1, 1)
    shares = np.concatenate([shares[:SIGNED], np.abs(shares[SIGNED:])])
    return Evidence(shares, 3.0 * np.sign(shares) * np.abs(sizes))


evidences = numbers.map(column)
said = st.lists(st.tuples(st.integers(0, ROWS - 1), words, evidences), max_size=6)
others = st.lists(evidences, min_size=ROWS, max_size=ROWS)
Spoken = list[tuple[int, Word, Evidence]]


def verdict(word: Word, evidence: Evidence, *, number: int = 0) -> Verdict:
    return Said("q", KEY, 0.0, word, "", "me", float(number)).verdict_on(
        about([Point(evidence, norm(evidence), 0)], word), 1.0
    )


def numbered(found: Spoken) -> list[tuple[int, Verdict]]:
    return [(row, verdict(word, each, number=number)) for number, (row, word, each) in enumerate(found)]


def norm(evidence: Evidence) -> Floats:
    length: Floats = np.sqrt((evidence.shares**2).sum(axis=0))
    return length


def together(found: list[Evidence]) -> Evidence:
    return Evidence(np.hstack([each.shares for each in found]), np.hstack([each.sizes for each in found]))


def times_(factor: float, evidence: Evidence) -> Evidence:
    return Evidence(factor * evidence.shares, factor * evidence.sizes)


def score(lessons: Lessons, evidence: Evidence) -> float:
    return float(lessons.score(evidence)[0])


@settings(max_examples=200, deadline=None)
@given(said, evidences, words, others)
def test_what_a_verdict_does(before: Spoken, evidence: Evidence, word: Word, rest: list[Evidence]) -> None:
    """After *normal* the same evidence scores below 1, after *anomaly* above it where it can; no other row changes.

    Whatever was said before; the last word counts.
    """
    rows = together([rest[0], evidence, rest[2]])
    earlier, later = numbered(before), numbered([*before, (1, word, evidence)])
    was, now = (Lessons.of(list_, PIECES).score(rows) for list_ in (earlier, later))
    np.testing.assert_array_equal(now[[0, 2]], was[[0, 2]])
    own = norm(evidence)[0]
    if word == "normal":
        assert now[1] <= min(CALM, own) + 1e-4
    else:
        assert now[1] >= min(ALARM, MOST_GAIN * own) - 1e-4
        assert now[1] >= was[1] - 1e-9


@settings(max_examples=100, deadline=None)
@given(said, st.integers(0, 5), others)
def test_taking_back_undoes(found: Spoken, which: int, rest: list[Evidence]) -> None:
    """Without a verdict, scores are those of a list in which it never stood; with none, evidence as it is."""
    verdicts, rows = numbered(found), together(rest)
    gone = [one for place, one in enumerate(verdicts) if place != which]
    never = numbered([one for place, one in enumerate(found) if place != which])
    np.testing.assert_array_equal(Lessons.of(gone, PIECES).score(rows), Lessons.of(never, PIECES).score(rows))
    np.testing.assert_array_equal(Lessons.of([], PIECES).score(rows), norm(rows))


@settings(max_examples=100, deadline=None)
@given(evidences, evidences, st.floats(1, 4))
def test_more_evidence_never_scores_less(normal: Evidence, other: Evidence, factor: float) -> None:
    """Under a *normal* verdict, larger evidence scores as much or more, and none more than without it."""
    lessons = Lessons.of([(0, verdict("normal", normal))], PIECES)
    small, large = score(lessons, other), score(lessons, times_(factor, other))
    assert large >= small - 1e-9
    assert small <= norm(other)[0] + 1e-9


def evidence_of(**pieces: float) -> Evidence:
    """Evidence whose sizes are ten times its shares."""
    shares = np.array([[pieces.get(piece, 0.0)] for piece in PIECES])
    return Evidence(shares, 10.0 * shares)


UP = {"sudden": 2.0, "minutes": 1.0}


@pytest.mark.parametrize(
    ("pieces", "part"),
    [
        (UP, 0.72 / 5**0.5),
        ({"sudden": 2.4, "minutes": 1.2}, 0.72 / 5**0.5),
        ({"sudden": 5.1, "minutes": 1.0}, 1.0),
        ({"sudden": 1.0, "minutes": 2.6}, 1.0),
        ({"sudden": -2.0, "minutes": -1.0}, 1.0),
        ({"still": 1.5}, 1.0),
        ({"sudden": 2.0, "minutes": 1.0, "still": 0.29}, 0.72 / 5**0.5),
        ({"sudden": 2.0, "minutes": 1.0, "still": 0.51}, 1.0),
    ],
)
def test_what_normal_covers(pieces: dict[str, float], part: float) -> None:
    """Covered is what is no larger than the event in any piece; much larger, another way or other pieces are not."""
    other = evidence_of(**pieces)
    assert score(Lessons.of([(0, verdict("normal", evidence_of(**UP)))], PIECES), other) == pytest.approx(
        part * norm(other)[0], rel=1e-4
    )


@pytest.mark.parametrize(
    ("pieces", "gain"),
    [
        ({"sudden": 0.4, "minutes": 0.2}, ALARM / 0.2**0.5),
        ({"sudden": 0.8, "minutes": 0.4}, ALARM / 0.2**0.5),
        ({"sudden": 0.2, "minutes": 0.1}, 1.0),
        ({"sudden": -0.4, "minutes": -0.2}, 1.0),
        ({"still": 0.45}, 1.0),
    ],
)
def test_what_an_anomaly_raises(pieces: dict[str, float], gain: float) -> None:
    """Raised is what points the same way and is about as strong, or stronger."""
    lessons, other = (
        Lessons.of([(0, verdict("anomaly", evidence_of(sudden=0.4, minutes=0.2)))], PIECES),
        evidence_of(**pieces),
    )
    assert score(lessons, other) == pytest.approx(gain * norm(other)[0], rel=1e-4)


def spiked(series: int = 3) -> Floats:
    values = make("daily", times(5), series=series, seed=7)
    values[:, -100:-90] += 150
    return values


def case(values: Floats) -> Case:
    span = Span(THURSDAY + (values.shape[1] - 300) * STEP, THURSDAY + (values.shape[1] - 1) * STEP)
    return Case(QUERY, [KEY], frame(values[:1]), span, model_of(QUERY))


def test_a_series_is_taught() -> None:
    """A spike called normal scores below 1 from then on, at its series alone, and no event is reported there."""
    values = spiked()
    at = THURSDAY + (values.shape[1] - 95) * STEP
    (point,) = look(case(values), at)
    event = event_around(point)
    assert event.start <= 300 - 100 + 1
    assert event.stop >= 300 - 90
    said_ = Said("q", KEY, at, "normal", "", "me", 1.0).verdict_on(about([point], "normal"), None)

    def scored(verdicts: tuple[Verdict, ...]) -> Any:
        model = Seasonal(ear=QueryEar("q", lambda: verdicts))
        return model.update(SeasonalState.fresh(3, STEP), frame(values))[1]

    plain, taught = scored(()), scored((said_,))
    assert plain.score[0, -100:-90].max() > 1
    assert plain.event[0, -110:].max() > 1
    assert taught.score[0, -100:-90].max() < 1
    assert taught.event[0, -110:].max() == 0
    np.testing.assert_array_equal(taught.score[1:], plain.score[1:])
    np.testing.assert_array_equal(taught.expected, plain.expected)
    elsewhere = scored((msgspec.structs.replace(said_, query="other"),))
    np.testing.assert_array_equal(elsewhere.score, plain.score)


def test_rows_move() -> None:
    """A lesson stays with its series when rows come and go."""
    values = spiked()
    (point,) = look(case(values), THURSDAY + (values.shape[1] - 95) * STEP)
    said_ = Said("q", KEY, 0.0, "normal", "", "me", 1.0).verdict_on(about([point], "normal"), None)
    verdicts = (said_,)
    model, whole = Seasonal(ear=QueryEar("q", lambda: verdicts)), frame(values)
    state, _ = model.update(SeasonalState.fresh(3, STEP), frame(values[:, :-150]))
    moved = np.array([2, 0])
    state = model.resize(state, moved)
    later = Frame(values[moved, -150:], [whole.labels[row] for row in moved], THURSDAY, STEP)
    later = replace(later, start=THURSDAY + (values.shape[1] - 150) * STEP)
    _, scores = model.update(state, later)
    assert scores.score[0, -100:-90].max() > 1
    assert scores.score[1, -100:-90].max() < 1


def test_overheard_evidence_makes_the_score() -> None:
    """What is noted is what the score is made of, before anybody's word is heard."""
    values = spiked(1)
    heard = Overhearing()
    _, scores = Seasonal(ear=heard).update(SeasonalState.fresh(1, STEP), frame(values))
    np.testing.assert_allclose(norm(together(heard.columns)), scores.score[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("scores", "column", "expected"),
    [
        ([0, 2, 2, 0, 0, 0, 0], 1, (1, 3)),
        ([2, 0, 2, 0, 0, 2, 0], 2, (0, 6)),
        ([2, 0, 0, 0, 0, 2, 0], 5, (5, 6)),
        ([2, 2, 0.5, 2, 2], 2, (2, 3)),
    ],
)
def test_an_event_around_a_point(scores: list[float], column: int, expected: tuple[int, int]) -> None:
    """An event goes on over short dips; a point that scores 1 or less stands alone."""
    found = event_around(Point(evidence_of(), np.array(scores, dtype=float), column))
    assert (found.start, found.stop) == expected


def test_the_book_keeps(tmp_path: Path) -> None:
    """Verdicts survive in the order said; one that is taken back is gone, and everybody who reads the file knows it."""
    book, other = Book(tmp_path / "new"), Book(tmp_path / "new")
    assert book.verdicts() == ()
    said_ = [verdict("normal", evidence_of(sudden=0.5), number=number) for number in range(3)]
    for one in said_:
        book.add(one)
    assert other.verdicts() == tuple(said_)
    assert other.verdicts() is other.verdicts()
    assert book.remove(said_[1].id[:8], by="me", said_at=5.0) == said_[1]
    assert other.verdicts() == Book(tmp_path / "new").verdicts() == (said_[0], said_[2])
    with pytest.raises(NoSuchVerdict, match="there is no verdict"):
        book.remove(said_[1].id, by="me", said_at=6.0)
    with pytest.raises(NoSuchVerdict, match="there is no verdict ''"):
        book.remove("", by="me", said_at=6.0)


@pytest.mark.parametrize(
    "rubbish",
    [b"not json\n", b'{"id": "x"}\n', b"\xff\xfe\n", b'{"id":"x","query":"q","labels":{},"at":0', b"[]\n", b"\n\n"],
)
def test_a_spoilt_line_is_passed_over(tmp_path: Path, rubbish: bytes) -> None:
    """A line that cannot be read is told once with its number, kept, and hinders no other; not even half a line."""
    book = Book(tmp_path)
    first, second = (verdict("normal", evidence_of(sudden=0.5), number=number) for number in (1, 2))
    book.add(first)
    with (tmp_path / FILE).open("ab") as stream:
        stream.write(rubbish)
    with capture_logs() as logs:
        book.add(second)
        assert book.verdicts() == (first, second)
        assert Book(tmp_path).verdicts() == (first, second)
    assert rubbish.strip() in (tmp_path / FILE).read_bytes()
    told = [line for line in logs if line["event"] == "a line of feedback is passed over"]
    assert [line["line"] for line in told] == ([2, 2] if rubbish.strip() else [])  # once a process


def test_a_book_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is none is one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TocsinError, match="cannot be written"):
        Book(tmp_path / "file").add(verdict("normal", evidence_of()))


def test_own_score() -> None:
    """A verdict's own evidence, heard."""
    strong = verdict("normal", evidence_of(**UP))
    assert own_score(strong, []) == pytest.approx(5**0.5)
    assert own_score(strong, [strong]) < 1
