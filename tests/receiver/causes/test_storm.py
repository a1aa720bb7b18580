"""Above a rate, new incidents are folded into one; it ends by itself and says so."""

from __future__ import annotations

from datetime import timedelta

from receiver.engine.causes.settings import StormSettings
from receiver.engine.causes.storm import BY, Storms
from receiver.engine.effects import LookAgain
from receiver.engine.held import marker
from tests.receiver.bodies import START
from tests.receiver.causes.playing import Play, rules

STORMS = Storms(StormSettings(incidents=3, within=timedelta(minutes=1), calm=timedelta(minutes=5)))


def many(count: int, *, begin: float = 0, tenant: str = "", play: Play | None = None) -> Play:
    """So many alerts, one a second, that nothing explains."""
    play = play or Play(rules({}, storms=STORMS))
    for number in range(count):
        of = {"tenant": tenant} if tenant else {}
        play.fires("ServiceDown", f"svc-{begin:.0f}-{number}", at=begin + number, told=begin + number, **of)
    return play


def test_what_comes_above_the_rate_is_one_incident() -> None:
    """Three open as usual, the rest is one that says what it stands for."""
    play = many(10)
    summary = play.of("ServiceDown", "svc-0-3")
    assert {play.of("ServiceDown", f"svc-0-{n}").id for n in range(3, 10)} == {summary.id}
    assert len({play.of("ServiceDown", f"svc-0-{n}").id for n in range(3)}) == 3
    assert (summary.storm, summary.alerts) == (True, 7)
    assert summary.title == "Storm: more than 3 new incidents in 1m, folded into this one"
    assert play.kinds(summary.id)[:3] == ["opened", "storm_began", "alerts_joined"]


def test_consequences_of_what_was_folded_are_folded() -> None:
    """What is explained by an incident that is part of the storm goes there."""
    play = Play(rules(storms=STORMS))
    for number in range(4):
        play.fires("ServiceDown", f"svc-{number}", at=number, told=number)
    play.fires("DatabaseDown", "catalog", at=5)
    assert (
        play.fires("HighErrorRate", "player", at=40) == play.of("DatabaseDown").id == play.of("ServiceDown", "svc-3").id
    )


def test_a_storm_ends_by_itself_and_says_what_it_was() -> None:
    """After the calm that was asked for, not before; then incidents open again."""
    play = many(6)
    summary = play.of("ServiceDown", "svc-0-5").id
    due = max(effect.due_at for effect in play.effects if isinstance(effect, LookAgain))
    assert due == START + timedelta(seconds=5, minutes=5)
    play.take(marker(START + timedelta(minutes=4), by=BY + "default"))
    assert play.work.incidents[summary].storm
    play.take(marker(due, by=BY + "default"))
    assert not play.work.incidents[summary].storm
    (_, ended) = play.events[-1]
    assert ended.reason == (  # type: ignore[union-attr]
        "calm for 5m; folded were 3 would-be incidents: svc-0-3 1, svc-0-4 1, svc-0-5 1; likeliest causes: ServiceDown"
    )
    assert play.fires("ServiceDown", "later", at=400) != summary


def test_one_tenants_storm_is_not_anothers() -> None:
    """A quiet tenant's incidents open beside it."""
    play = many(10, tenant="loud")
    quiet = play.fires("ServiceDown", "search", at=12, tenant="quiet")
    assert not play.work.incidents[quiet].storm
