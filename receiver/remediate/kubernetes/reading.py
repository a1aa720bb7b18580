"""Reads what a deed must know."""

from __future__ import annotations

from receiver.remediate.kubernetes.deed import Deed, Read
from tocsin.kubernetes.call import Call
from tocsin.kubernetes.reach import Answer, Cluster
from tocsin.kubernetes.refusal import Refused


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
