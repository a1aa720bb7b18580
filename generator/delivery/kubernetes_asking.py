"""How a cluster is asked about PrometheusRules: tried again where that helps, and refused in words with a way out.

Whatever is asked may be asked twice: a change names the version that it is made to, and a creation fails where
something is already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import tenacity

from tocsin.errors import DeliveryError, PlaceLost
from tocsin.kubernetes.call import Call, Thing, meta
from tocsin.kubernetes.reach import Answer, Cluster, NoAnswer, NotReached
from tocsin.kubernetes.refusal import in_words

ATTEMPTS = 4
BACK_OFF = tenacity.wait_random_exponential(multiplier=0.5, max=8.0)
LONGEST_SECONDS = 30.0  # that is waited when the API server asks for it
RESOURCE = "prometheusrules"
# Names and labels alone, as the garbage collector asks: the rules of others are not read.
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
PAGE = 10  # whole objects, of 1.5 MB at most
PAGE_OF_METADATA = 500
MOST_PAGES = 200  # a server that always has another one would never end
ROLE = (
    "kubectl create role tocsin-rules --namespace {} --verb=get,list,create,update,delete "
    "--resource=prometheusrules.monitoring.coreos.com"
)
EXPIRED = 410  # a list that took too long must be begun anew (apimachinery, ReasonExpired)
CONFLICT, GONE = 409, 404


class Asking:
    """The PrometheusRules of one namespace."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        timeout: timedelta,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`timeout` is for one request."""
        self._cluster = cluster
        self._namespace = namespace
        self._seconds = timeout.total_seconds()
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_is_passing) | tenacity.retry_if_result(_may_pass),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )

    async def list(self, selector: str) -> dict[str, Thing]:
        """The objects with these labels, by name."""
        return await self._listed(Call("list", RESOURCE, self._namespace, query={"labelSelector": selector}), PAGE)

    async def names(self) -> frozenset[str]:
        """The names of all."""
        call = Call("list", RESOURCE, self._namespace, accept=METADATA)
        return frozenset(await self._listed(call, PAGE_OF_METADATA))

    async def get(self, name: str) -> Thing | None:
        """One object; None where there is none."""
        call = self._call("get", name)
        answer = await self._answer(call)
        return None if answer.status == GONE else self._fine(call, answer).body

    async def create(self, body: Mapping[str, Any]) -> Thing | None:
        """A new object; None: there is one of that name."""
        call = Call("create", RESOURCE, self._namespace, body=body, query={"fieldManager": "tocsin"})
        return await self._changed(call, CONFLICT)

    async def replace(self, body: Mapping[str, Any]) -> Thing | None:
        """An object in the place of the version that it names; None: it has changed or gone."""
        call = self._call("update", body["metadata"]["name"], body, {"fieldManager": "tocsin"})
        return await self._changed(call, CONFLICT, GONE)

    async def delete(self, thing: Thing) -> bool:
        """Takes away that very version of an object; False: it has changed."""
        preconditions = {key: meta(thing, key) for key in ("uid", "resourceVersion")}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions}
        call = self._call("delete", meta(thing, "name"), body)
        answer = await self._answer(call)
        if answer.status in (CONFLICT, GONE):
            return answer.status == GONE
        self._fine(call, answer)
        return True

    def _call(self, verb: str, name: str, body: object = None, query: Mapping[str, str] | None = None) -> Call:
        return Call(verb, RESOURCE, self._namespace, name, body=body, query=query or {})

    async def _changed(self, call: Call, *expected: int) -> Thing | None:
        answer = await self._answer(call)
        if answer.status in expected and not _of_namespace(answer):
            return None
        return self._fine(call, answer).body

    async def _listed(self, call: Call, limit: int) -> dict[str, Thing]:
        for _ in range(ATTEMPTS):
            found = await self._pages(call, limit)
            if found is not None:
                return found
        raise self._endless()

    async def _pages(self, call: Call, limit: int) -> dict[str, Thing] | None:
        """The objects of all pages; None where the list could not be continued."""
        found: dict[str, Thing] = {}
        token = ""
        for _ in range(MOST_PAGES):
            query = {**call.query, "limit": str(limit), **({"continue": token} if token else {})}
            answer = await self._answer(replace(call, query=query))
            if answer.status == EXPIRED:
                return None
            found |= {meta(one, "name"): one for one in self._items(self._fine(call, answer))}
            token = meta(answer.body, "continue")
            if not token:
                return found
        raise self._endless()

    def _items(self, answer: Answer) -> Iterator[Thing]:
        """The objects of a page; what has none is no API server's answer, and must not pass for an empty list."""
        items = answer.body.get("items")
        if not isinstance(items, list):
            raise PlaceLost(f"{self._where}: the answer is no list of objects: is that an API server?")
        yield from (one for one in items if isinstance(one, dict) and meta(one, "name"))

    def _endless(self) -> DeliveryError:
        return DeliveryError(f"{self._where}: the list of PrometheusRules never came to its end; try again")

    async def _answer(self, call: Call) -> Answer:
        try:
            answer: Answer = await self._retrying.copy()(self._cluster.ask, call, self._seconds)
        except (NotReached, NoAnswer) as error:
            raise PlaceLost(f"{error}; see --kubeconfig, --context and --timeout") from error
        if answer.status == 401:
            raise PlaceLost(in_words(call, answer, self._where))
        return answer

    def _fine(self, call: Call, answer: Answer) -> Answer:
        if answer.fine:
            return answer
        raise DeliveryError(self._refusal(call, answer))

    def _refusal(self, call: Call, answer: Answer) -> str:
        if answer.status == 403 and _of_role(answer):
            return f"{in_words(call, answer, self._where)}; all of it: {ROLE.format(self._namespace)}"
        if answer.status == GONE and _of_namespace(answer):
            return f"{self._cluster.url} has no namespace {self._namespace}: create it, or name another"
        if answer.status == GONE:
            return (
                f"{self._cluster.url} knows no PrometheusRule (monitoring.coreos.com/v1): install the Prometheus "
                "operator's custom resources there, or name another --context"
            )
        return f"the cluster answered {answer.status}: {answer.message}"

    @property
    def _where(self) -> str:
        return f"namespace {self._namespace} of {self._cluster.url}"


def _is_passing(error: BaseException) -> bool:
    return isinstance(error, NoAnswer) or (isinstance(error, NotReached) and not error.lasting)


def _may_pass(answer: Answer) -> bool:
    return answer.status == 429 or answer.status >= 500


def _wait(state: tenacity.RetryCallState) -> float:
    """What a Retry-After says, or a little longer each time."""
    answered = state.outcome is not None and not state.outcome.failed
    asked = state.outcome.result().retry_after_seconds if state.outcome is not None and answered else None
    return BACK_OFF(state) if asked is None else min(float(asked), LONGEST_SECONDS)


def _of_role(answer: Answer) -> bool:
    """Whether RBAC says no; an admission webhook and a quota may say 403, too."""
    return " cannot " in answer.message and "admission webhook" not in answer.message


def _of_namespace(answer: Answer) -> bool:
    return answer.status == GONE and (answer.body.get("details") or {}).get("kind") == "namespaces"
