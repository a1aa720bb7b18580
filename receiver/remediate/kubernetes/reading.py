"""Reads what a deed must know, and tells in words what stands against it."""

from __future__ import annotations

from receiver.remediate.kubernetes.call import Call
from receiver.remediate.kubernetes.deed import Deed, Read
from receiver.remediate.kubernetes.reach import Answer, Cluster
from tocsin.errors import TocsinError


class Refused(TocsinError):
    """The API server said no. `passing`: it may say yes another time."""

    def __init__(self, call: Call, answer: Answer, target: str) -> None:
        super().__init__(in_words(call, answer, target))
        self.status = answer.status
        self.passing = answer.status == 429 or answer.status >= 500


def in_words(call: Call, answer: Answer, target: str) -> str:
    """What an answer other than yes means, and the way out where there is one."""
    match answer.status:
        case 401:
            return (
                f"the cluster does not know who we are (401): see its kubeconfig or service account: {answer.message}"
            )
        case 403:
            return (
                f"we may not {call.verb} it (403): the role needs {call.permission}; the cluster says: {answer.message}"
            )
        case 404:
            return f"{target} is gone"
        case status:
            return f"{target}: the cluster answered {status}: {answer.message}"


async def read(cluster: Cluster, deed: Deed, seconds: float) -> Read:
    """What the deed reads.

    Raises:
        NotReached: the cluster cannot be reached.
        NoAnswer: it does not answer.
        Refused: it says no.
    """
    thing = await _asked(cluster, deed.reads(), deed.target, seconds)
    others = deed.others(thing.body)
    if others is None:
        return Read(thing.body)
    listed = await _asked(cluster, others, deed.target, seconds)
    return Read(thing.body, tuple(listed.body.get("items") or ()))


async def _asked(cluster: Cluster, call: Call, target: str, seconds: float) -> Answer:
    answer = await cluster.ask(call, seconds)
    if not answer.fine:
        raise Refused(call, answer, target)
    return answer
