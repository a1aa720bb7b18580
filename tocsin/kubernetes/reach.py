"""How a cluster is asked: kubernetes-asyncio knows who we are, and carries the requests."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp

from tocsin.errors import MissingExtra, TocsinError
from tocsin.kubernetes.call import Call
from tocsin.masking import masked

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient, Configuration

MOST_BYTES = 16 * 1024 * 1024  # of an answer; an object has 1.5 MB at most, lists have a selector or a limit
MOST_WORDS = 500  # characters of what the API server says


class Access(Protocol):
    """A cluster, and who we are there: a kubeconfig (and a context in it), or the service account of our pod."""

    @property
    def kubeconfig_file(self) -> Path | None: ...

    @property
    def context(self) -> str | None: ...

    @property
    def in_cluster(self) -> bool: ...

    @property
    def timeout(self) -> timedelta:
        """How long one request may take, and reading the credentials."""


class NoAccess(TocsinError):
    """The credentials cannot be used; nothing was sent."""


class NotReached(TocsinError):
    """Nothing was sent. `lasting`: it will not mend itself, as a certificate for another name."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class NoAnswer(TocsinError):
    """It was sent, and what came of it is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server, or a proxy before it, said."""

    status: int
    body: Mapping[str, Any]
    message: str = ""  # without secrets
    retry_after_seconds: float | None = None

    @property
    def fine(self) -> bool:
        return 200 <= self.status <= 299


class Cluster:
    """One cluster, as long as the connection is open."""

    def __init__(self, api: ApiClient, url: str, secrets: tuple[str, ...]) -> None:
        self._api = api
        self.url = url
        self._secrets = secrets

    async def ask(self, call: Call, seconds: float) -> Answer:
        """The answer, whatever it is, within the time.

        A change must be done by then: the API server gives it up in time (`timeout`, which every request that is
        not a watch may carry: apiserver, endpoints/filters/request_deadline.go), so that it is known to be over
        when we no longer wait.

        Raises:
            NotReached: nothing was sent.
            NoAnswer: no answer came, or none that can be read.
        """
        query = [*call.query.items(), ("timeout", f"{max(1, int(seconds * 800))}ms")]
        headers = {"Accept": call.accept, "Content-Type": call.content}
        try:
            response: aiohttp.ClientResponse = await self._api.call_api(
                call.path,
                call.method,
                query_params=query,
                header_params=headers,
                body=call.body,
                auth_settings=["BearerToken"],
                _preload_content=False,  # the bytes: nothing is lost that this client's models do not know
                _request_timeout=aiohttp.ClientTimeout(total=seconds),
            )
            async with response:
                content = await _content(response)
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL) as error:
            lasting = isinstance(error, ssl.CertificateError | aiohttp.ClientSSLError | aiohttp.InvalidURL)
            raise NotReached(self._words(f"{self.url} cannot be reached: {error}"), lasting=lasting) from None
        except aiohttp.ConnectionTimeoutError:
            raise NotReached(f"{self.url} cannot be reached within {seconds:g}s") from None
        except TimeoutError:
            raise NoAnswer(f"{self.url} did not answer within {seconds:g}s") from None
        except (aiohttp.ClientError, OSError) as error:
            words = self._words(f"{self.url} broke the connection: {error or type(error).__name__}")
            raise NoAnswer(words) from None
        return self._read(response, content)

    def _read(self, response: aiohttp.ClientResponse, content: bytes) -> Answer:
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            if 200 <= response.status <= 299:
                raise NoAnswer(f"{self.url} answered {response.status} with what cannot be read") from None
            body = {}
        status = response.status
        if body.get("kind") == "Status" and body.get("status") == "Failure":
            status = int(body.get("code") or status)  # an eviction's refusal may come as a 201 (eviction.go)
        causes = [one.get("message") for one in (body.get("details") or {}).get("causes") or ()]
        words = "; ".join(str(one) for one in [body.get("message") or response.reason, *causes] if one)
        return Answer(status, body, self._words(words), _seconds(response.headers.get("Retry-After")))

    def _words(self, text: str) -> str:
        return masked(text[:MOST_WORDS], self._secrets)


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The body; one beyond all measure is no answer."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"an answer of more than {MOST_BYTES:,} bytes")
    return bytes(content)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


def need_library() -> None:
    """Raises:
    MissingExtra: kubernetes-asyncio is not installed; better said at the start than when it is needed.
    """
    if find_spec("kubernetes_asyncio") is None:
        raise MissingExtra("kubernetes-asyncio", "k8s")


@asynccontextmanager
async def reached(access: Access) -> AsyncIterator[Cluster]:
    """The cluster; credentials are read now, so that they can be rotated, and let go of at the end.

    Raises:
        NoAccess: the credentials cannot be read.
    """
    library: Any = await asyncio.to_thread(importlib.import_module, "kubernetes_asyncio")  # it takes a second
    configuration = library.client.Configuration()
    try:
        async with asyncio.timeout(access.timeout.total_seconds()):  # a program may be asked for the credentials
            await _identify(library, access, configuration)
        api = library.client.ApiClient(configuration)
    except Exception as error:  # noqa: BLE001 — the loader raises what it meets, in words that may quote the file
        raise NoAccess(f"{_source(access)}: cannot be used: {_told(error)}") from None
    async with api:
        api.user_agent = "tocsin"
        yield Cluster(api, configuration.host, _secrets(configuration))


async def _identify(library: Any, access: Access, configuration: Configuration) -> None:
    if access.kubeconfig_file and not _is_there(access.kubeconfig_file):
        raise library.config.ConfigException("there is no such file")
    if access.in_cluster:
        library.config.load_incluster_config(client_configuration=configuration)
    else:
        await library.config.load_kube_config(
            config_file=str(access.kubeconfig_file),
            context=access.context,
            client_configuration=configuration,
            persist_config=False,
        )
    token = configuration.api_key.get("BearerToken")
    if token:
        configuration.api_key["BearerToken"] = token.strip()  # a token's file may end with a line's end
        configuration.refresh_api_key_hook = None  # which reads it anew; a step is over before a token is


def _is_there(file: Path) -> bool:
    """Whether there is one of the files: KUBECONFIG may name several, as PATH does folders."""
    return any(Path(part).is_file() for part in str(file).split(os.pathsep))


def _source(access: Access) -> str:
    return "the pod's service account" if access.in_cluster else str(access.kubeconfig_file)


def _told(error: Exception) -> str:
    """What the loader says of itself; never what a parser quotes, or a program printed."""
    if type(error).__name__ != "ConfigException":
        return type(error).__name__
    text = str(error)
    return text.partition(". ")[0] if text.startswith("exec:") else text


def _secrets(configuration: Configuration) -> tuple[str, ...]:
    header = configuration.api_key.get("BearerToken", "")
    kind, _, token = header.partition(" ")
    if kind != "Basic":
        return (header, token) if header else ()
    return (header, token, b64decode(token).decode("utf-8", "replace").partition(":")[2])
