"""`remediation.http.NAME`: an address that steps of kind http may call, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from receiver.remediate.steps.http_addresses import host_of, nature, refusal
from tocsin.config import OneOrMore
from tocsin.http_config import KeptHttpConfig
from tocsin.labels import Matcher
from tocsin.tls import refuse

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PLACE = "$(host)"
PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]\\\s]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?"
)


class HttpEdge(KeptHttpConfig):
    """An address that steps may call, and how it is asked.

    Where the host comes from a step (`$(host)`), an alert may choose it: then only what is listed is asked, and never
    this machine or what is near it.
    """

    url: str = Field(description="`https://lb.example/v1`, before each step's path; or `https://$(host):9090`.")
    methods: OneOrMore[Method] = Field(("GET", "POST"), description="What steps may ask for.")
    private: bool = Field(False, description="Whether the address, a fixed one, may be this machine or a private one.")
    hosts: tuple[str, ...] = Field((), description="The hosts that `$(host)` may make, as they are called.")
    hosts_matching: tuple[str, ...] = Field((), description="Patterns (RE2) that such a host fits as a whole.")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="The private networks that such a host may be in: `[10.20.0.0/16]`."
    )
    follow_redirects: bool = Field(False, description="Whether to go where the answer points, on the same host alone.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        match = _URL.fullmatch(self.url)
        if match is None or PLACE in (match["path"] or "") or "?" in self.url or "#" in self.url:
            raise refuse(
                f"url {self.url!r} is no address of http or https",
                "write https://lb.example/v1, or https://$(host):9090",
            )
        if not 0 < self.port < 65_536:
            raise refuse(f"url {self.url!r} has no port that there is", "write a port from 1 to 65535")
        try:
            example = host_of(match["host"].replace(PLACE, "host"))
            patterns = [Matcher("host", "=~", pattern) for pattern in self.hosts_matching]
        except ValueError as error:
            raise refuse(str(error), "write a name or an address, and patterns of RE2") from error
        if self.chosen:
            self._listed()
        else:
            self._fixed(example, bool(self.hosts or patterns or self.networks))
        return self

    def _listed(self) -> None:
        """A host that an alert may choose is one of a list."""
        if not self.hosts and not self.hosts_matching:
            raise refuse("url has $(host), and any host would do", "list them: hosts, or hosts_matching")
        if self.private:
            raise refuse("private is for a fixed url", "write networks: the private ones that a host may be in")
        if self.follow_redirects:
            raise refuse("follow_redirects is for a fixed url", "take it away")
        if self.proxy_url or self.proxy_from_environment:
            raise refuse("a proxy would look up the host itself", "take the proxy away, or write a fixed url")
        for network in self.networks:
            if not nature(network[0]) == nature(network[-1]) == "private":
                raise refuse(f"networks: {network} is not a private network", "write such as 10.20.0.0/16")

    def _fixed(self, host: str, lists: bool) -> None:
        if lists:
            raise refuse("hosts, hosts_matching and networks are for a url with $(host)", "take them away")
        try:
            address = ip_address(host)
        except ValueError:
            return  # a name; what it resolves to is judged when it is called
        reason = refusal(address, self.private, ())
        if reason:
            hint = "write private: true if that is meant" if not refusal(address, True, ()) else "no step goes there"
            raise refuse(f"url: {reason}", hint)

    @cached_property
    def _parts(self) -> Mapping[str, str | None]:
        match = _URL.fullmatch(self.url)
        assert match is not None  # it was looked at
        return match.groupdict()

    @property
    def chosen(self) -> bool:
        """Whether a step says which host, and by it maybe an alert."""
        return PLACE in str(self._parts["host"])

    @property
    def scheme(self) -> str:
        return str(self._parts["scheme"])

    @property
    def port(self) -> int:
        return int(self._parts["port"] or PORTS[self.scheme])

    @property
    def path(self) -> str:
        """What stands before the path of a step."""
        return (self._parts["path"] or "").rstrip("/")

    def host(self, given: str) -> str:
        """The host for what a step says of it.

        Raises:
            ValueError: it must not be called; the message says why.
        """
        host = host_of(str(self._parts["host"]).replace(PLACE, given))
        fits = host in map(str.lower, self.hosts) or any(
            Matcher("host", "=~", pattern).matches({"host": host}) for pattern in self.hosts_matching
        )
        if self.chosen and not fits:
            raise ValueError(f"{host} is not among its hosts")
        return host

    def misused(self, method: str, host: str) -> Iterator[tuple[str, str, str]]:
        """What a step gets wrong whatever its values are: the step's key, the mistake, the way out."""
        if method not in self.methods:
            hint = f"take {' or '.join(self.methods)}, or add it to the endpoint's methods"
            yield "method", f"the endpoint does not take {method}", hint
        if host and not self.chosen:
            yield "host", f"the endpoint's host is fixed: {self.url}", "take host away"
        if self.chosen and not host:
            yield "host", f"the endpoint's host is open: {self.url}", "write host: $(…)"

    def refuses(self, arguments: Mapping[str, Any]) -> str:
        """Why it is not called as the arguments of an action say, or an empty text."""
        given = arguments.get("host", "")
        for _, mistake, hint in self.misused(arguments["method"], given):
            return f"{mistake}; {hint}"
        try:
            self.host(given)
        except ValueError as error:
            return str(error)
        return ""
