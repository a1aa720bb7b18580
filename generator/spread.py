"""Work spread over the machine's cores by forked children.

`on_all_cores` works in two steps, between which everybody hears of everybody; `ahead` works while this process does
something else. What is read before the fork is shared and never sent; what a child keeps between the steps never leaves
it.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Generic, TypeVar

Item = TypeVar("Item")
Kept = TypeVar("Kept")
Told = TypeVar("Told")
Known = TypeVar("Known")
Made = TypeVar("Made")

# Below so many items the children cost more than they save.
WORTH = 16


@dataclass(frozen=True)
class Work(Generic[Item, Kept, Told, Known, Made]):
    """What is done with each item: `survey` gives what is kept and what is told, `conclude` sees what all told.

    `gather` makes one thing of all that was told. `shared` are things that exist before the work begins and that what
    is told or made refers to.
    """

    survey: Callable[[Item], tuple[Kept, Told]]
    gather: Callable[[Sequence[Told]], Known]
    conclude: Callable[[Kept, Known], Made]
    shared: Sequence[object] = ()


def on_all_cores(items: Sequence[Item], work: Work[Item, Kept, Told, Known, Made]) -> list[Made]:
    """What is made of each item, in the items' order; where a child fails, all is done here, and fails as ever."""
    cores = _cores(items)
    if cores < 2:
        return alone(items, work)
    children = [_start(partial(_child, items, work, part, cores), work.shared) for part in range(1, cores)]
    try:
        return _together(items, work, children)
    except ChildError:
        return alone(items, work)
    finally:
        for child in children:
            child.end()


def ahead(items: Sequence[Item], make: Callable[[Item], Made]) -> Ahead[Item, Made]:
    """Begins to make something of each item, in as many children as there are cores: this process has other work.

    What fails is made when it is asked for, and so is everything where there is one core.
    """
    cores = _cores(items)

    def part_of(part: int, pipe: _Pipe) -> None:
        pipe.send([make(item) for item in items[part::cores]])

    return Ahead(items, make, [_start(partial(part_of, part), ()) for part in range(cores)] if cores > 1 else [])


@dataclass(frozen=True)
class Ahead(Generic[Item, Made]):
    """What is being made of items."""

    items: Sequence[Item]
    make: Callable[[Item], Made]
    children: Sequence[_Pipe]

    def all(self) -> list[Made]:
        """What is made of each item, in the items' order; to be asked for once."""
        try:
            if self.children:
                return _woven([child.receive() for child in self.children], len(self.items))
        except ChildError:
            pass  # it fails here, too, and can be seen
        finally:
            for child in self.children:
                child.end()
        return [self.make(item) for item in self.items]


def _cores(items: Sequence[object]) -> int:
    """How many processes are worth it."""
    if len(items) < WORTH or threading.active_count() > 1:  # to fork beside threads is not safe
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def alone(items: Sequence[Item], work: Work[Item, Kept, Told, Known, Made]) -> list[Made]:
    """The same in this process."""
    surveyed = [work.survey(item) for item in items]
    known = work.gather([tells for _, tells in surveyed])
    return [work.conclude(kept, known) for kept, _ in surveyed]


def _together(
    items: Sequence[Item], work: Work[Item, Kept, Told, Known, Made], children: Sequence[_Pipe]
) -> list[Made]:
    """The parent's own part, and between the steps what everybody told to everybody."""
    cores = len(children) + 1
    surveyed = [work.survey(item) for item in items[::cores]]
    told = _woven([[tells for _, tells in surveyed], *(child.receive() for child in children)], len(items))
    for child in children:
        child.send(told)
    known = work.gather(told)
    made = [work.conclude(kept, known) for kept, _ in surveyed]
    return _woven([made, *(child.receive() for child in children)], len(items))


def _child(
    items: Sequence[Item], work: Work[Item, Kept, Told, Known, Made], part: int, cores: int, pipe: _Pipe
) -> None:
    surveyed = [work.survey(item) for item in items[part::cores]]
    own = [tells for _, tells in surveyed]
    pipe.send(own)
    told = pipe.receive()
    told[part::cores] = own  # not copies of them
    known = work.gather(told)
    pipe.send([work.conclude(kept, known) for kept, _ in surveyed])


def _woven(parts: Sequence[Sequence[Any]], count: int) -> list[Any]:
    return [parts[index % len(parts)][index // len(parts)] for index in range(count)]


class ChildError(Exception):
    """A child ended without an answer."""


@dataclass(slots=True)
class _Pipe:
    """Two pipes to another process: messages are its length and a pickle, which only our own processes write."""

    reading: BinaryIO
    writing: BinaryIO
    shared: Sequence[object]
    pid: int = 0

    def send(self, message: object) -> None:
        """Raises ChildError where nobody reads any more."""
        stream = io.BytesIO()
        _Pickler(stream, self.shared).dump(message)
        try:
            self.writing.write(struct.pack("!Q", stream.tell()))
            self.writing.write(stream.getbuffer())
            self.writing.flush()
        except BrokenPipeError:
            raise ChildError from None

    def receive(self) -> list[Any]:
        """Raises ChildError where nothing comes, or half of it."""
        head = self.reading.read(8)
        size = struct.unpack("!Q", head)[0] if len(head) == 8 else 0
        content = self.reading.read(size)
        if not size or len(content) < size:
            raise ChildError
        message: list[Any] = _Unpickler(io.BytesIO(content), self.shared).load()
        return message

    def end(self) -> None:
        self.reading.close()
        with suppress(BrokenPipeError):  # what a dead child left unread
            self.writing.close()
        os.waitpid(self.pid, 0)


def _start(run: Callable[[_Pipe], None], shared: Sequence[object]) -> _Pipe:
    """A child that runs this and ends; the parent's end of its pipe."""
    to_child, to_parent = os.pipe(), os.pipe()
    pid = os.fork()
    if pid:
        os.close(to_child[0])
        os.close(to_parent[1])
        return _Pipe(os.fdopen(to_parent[0], "rb"), os.fdopen(to_child[1], "wb"), shared, pid)
    code = 1
    try:
        gc.disable()  # a child ends before a search for cycles is worth it
        os.close(to_child[1])
        os.close(to_parent[0])
        run(_Pipe(os.fdopen(to_child[0], "rb"), os.fdopen(to_parent[1], "wb"), shared))
        code = 0
    finally:
        os._exit(code)  # neither the parent's buffers nor its exit handlers are the child's


class _Pickler(pickle.Pickler):
    """Names what is shared by its number."""

    def __init__(self, stream: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._numbers = {id(thing): number for number, thing in enumerate(shared)}

    def persistent_id(self, thing: Any) -> int | None:
        return self._numbers.get(id(thing))


class _Unpickler(pickle.Unpickler):
    """Puts the process's own in again."""

    def __init__(self, stream: io.BytesIO, shared: Sequence[object]) -> None:
        super().__init__(stream)
        self._shared = shared

    def persistent_load(self, number: Any) -> object:
        return self._shared[int(number)]
