"""The HTTP client of Tocsin's own API, for the commands and for people's scripts.

from tocsin.client import Client
client = Client.from_environment()
client.raise_incident("Payments are stuck", severity="critical")

`AsyncClient` has the same methods as coroutines, and lists as asynchronous iterators.
"""

from tocsin.client.blocking import Client
from tocsin.client.coroutines import AsyncClient
from tocsin.client.server import DEFAULT_URL, TIMEOUT_SECONDS, user

__all__ = ["DEFAULT_URL", "TIMEOUT_SECONDS", "AsyncClient", "Client", "user"]
