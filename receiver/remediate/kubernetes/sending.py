"""One change: sent at most once so far as it could have been done, and then looked after.

What the API server refuses (4xx) was not done. What it may have done (5xx, no answer) is read back, and counts as done
or not done only where the object itself shows it; else nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import Deed, Read
from receiver.remediate.kubernetes.patience import Patience
from receiver.remediate.kubernetes.reading import read
from receiver.remediate.step import About, Done
from tocsin.kubernetes.call import JSON_PATCH, Call, Thing
from tocsin.kubernetes.reach import Answer, Cluster, NoAnswer, NotReached
from tocsin.kubernetes.refusal import Refused, in_words

CONFLICTS = 4  # so often a change is prepared anew, where only the status of the object had changed
PAUSE_SECONDS = 1.0  # between two looks
UNTOLD_SECONDS = 5.0  # how long it is waited after a 429 that does not say it, as `kubectl drain` does
LEAST_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One step in one cluster; `until` is when it must be over, by its patience's seconds."""

    cluster: Cluster
    deed: Deed
    before: Mapping[str, str]
    about: About
    now: datetime
    patience: Patience
    request_seconds: float
    until: float
    wait_ready: bool = False

    async def done(self) -> Done:
        """How it went."""
        refused = ""
        for _ in range(CONFLICTS):
            try:
                seen = await read(self.cluster, self.deed, self._seconds())
            except (NotReached, NoAnswer, Refused) as error:
                return _nothing(str(error))
            call = self.deed.change(seen, self.before, self.about, self.now)
            if isinstance(call, Done):
                return await self._ready(call) if call.outcome == "succeeded" else call
            result = await self._sent(call, seen)
            if isinstance(result, Done):
                return await self._ready(result) if result.outcome == "succeeded" else result
            refused = in_words(call, result, self.deed.target)
        return _nothing(refused)

    async def _sent(self, call: Call, seen: Read) -> Done | Answer:
        """What became of it; an answer: what was read is out of date, so it says, and nothing was done."""
        while True:
            seconds = self._seconds()
            over = self.patience.seconds() + 2 * seconds
            try:
                answer = await self.cluster.ask(call, seconds)
            except NotReached as error:
                return _nothing(str(error))
            except NoAnswer as error:
                return await self._proved(seen, str(error), over)
            if answer.fine:
                return Done("succeeded", output=self.deed.done(self.before))
            if answer.status >= 500:
                words = in_words(call, answer, self.deed.target)
                return await self._proved(seen, words, over)
            if answer.status == 409 or (answer.status == 422 and call.content == JSON_PATCH):
                return answer
            if answer.status != 429 or not await self._waited(answer):
                return self._refused(call, answer)

    def _refused(self, call: Call, answer: Answer) -> Done:
        if answer.status == 404 and call.verb == "delete":  # a deletion may have been sent twice, by the connection
            return Done("succeeded", output=f"{self.deed.target} is gone")
        return _nothing(in_words(call, answer, self.deed.target))

    async def _waited(self, answer: Answer) -> bool:
        """Whether there was time to wait as the API server asks."""
        seconds = UNTOLD_SECONDS if answer.retry_after_seconds is None else answer.retry_after_seconds
        if self.patience.seconds() + max(seconds, LEAST_SECONDS) >= self.until:
            return False
        await self.patience.sleep(max(seconds, LEAST_SECONDS))
        return True

    async def _proved(self, sent: Read, words: str, over: float) -> Done:
        """What the object itself shows; `over` is when the API server has surely ended what it was asked.

        That is twice the time that it was given: a 5xx does not say so, since its store may commit a little later, and
        a proxy may have given up before it.
        """
        while True:
            settled = self.patience.seconds() >= over
            try:
                found = await self._found()
            except (NotReached, NoAnswer, Refused):
                fate = "nobody knows"
                settled = False
            else:
                fate = self.deed.fate(found, sent, self.before, self.about)
            if fate == "done":
                return Done("succeeded", output=f"{self.deed.done(self.before)} (seen afterwards: {words})")
            if fate == "not done" or (fate == "not yet" and settled):
                return _nothing(words)
            if settled or self._left() <= PAUSE_SECONDS:
                return Done("unknown", reason=f"{words}; whether it was done does not show")
            await self.patience.sleep(PAUSE_SECONDS)

    async def _found(self) -> Read | None:
        try:
            return await read(self.cluster, self.deed, self._seconds())
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def _ready(self, done: Done) -> Done:
        """The same, once it is ready; where it does not become so in time, the step has failed."""
        if not self.wait_ready:
            return done
        words = "nothing tells whether it is ready"
        while True:
            try:
                state = self.deed.state(await self._watched())
            except (NotReached, NoAnswer, Refused) as error:
                words = str(error)
            else:
                words = state.words
                if state.ready:
                    return Done("succeeded", output=f"{done.output}; {words}")
                if state.failed:
                    return Done("failed", output=done.output, reason=words)
            if self._left() <= PAUSE_SECONDS:
                return Done("failed", output=done.output, reason=f"not ready in time: {words}")
            await self.patience.sleep(PAUSE_SECONDS)

    async def _watched(self) -> Thing | None:
        call = self.deed.watches()
        answer = await self.cluster.ask(call, self._seconds())
        if answer.status == 404:
            return None
        if not answer.fine:
            raise Refused(call, answer, self.deed.target)
        return answer.body

    def _left(self) -> float:
        return self.until - self.patience.seconds()

    def _seconds(self) -> float:
        """How long one request may take: never so long that no time is left to see what became of it."""
        return max(LEAST_SECONDS, min(self.request_seconds, self._left() / 2))


def _nothing(words: str) -> Done:
    return Done("failed", reason=f"{words}; nothing was done")
