"""Bodies played through the engine, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from receiver.engine.notification import Body
from receiver.engine.pipeline import Rules
from receiver.replay.played import Played
from receiver.replay.world import World

NOTHING = Played((), (), {}, {}, (), ())


class _Broke(Exception):
    """A body breaks the engine."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position
        self.why = why


def play(bodies: Callable[[], Iterable[Body]], rules: Callable[[], Rules]) -> Played:
    """What bodies come to, each at the time when it was received; those times never go back.

    A body that breaks the engine may leave half of its doings in the world: everything begins anew, with that body in
    quarantine. So both arguments are asked as often as it takes.
    """
    broken: dict[int, str] = {}
    while True:
        try:
            return _play(bodies(), rules(), broken)
        except _Broke as error:
            if error.position in broken:
                raise
            broken[error.position] = error.why


def _play(bodies: Iterable[Body], rules: Rules, broken: Mapping[int, str]) -> Played:
    world: World | None = None
    for body in bodies:
        world = world or World(rules, body.received_at)
        try:
            world.take(body, broken.get(body.position, ""))
        except Exception as error:
            raise _Broke(body.position, f"{type(error).__name__}: {error}") from error
    return world.played() if world else NOTHING
