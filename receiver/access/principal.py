"""Somebody who asks for something: by name, with scopes, for tenants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal[
    "incidents:read",
    "incidents:write",
    "remediation:run",
    "remediation:approve",
    "rules:read",
    "metrics:read",
    "admin:all",
]
SCOPES: frozenset[str] = frozenset(get_args(Scope))
ADMIN: Scope = "admin:all"

Tenants = frozenset[str] | None  # None: every one


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be done, and for whom: the scopes of one role count for its own tenants only."""

    scopes: frozenset[str]
    tenants: Tenants = None

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or ADMIN in self.scopes

    def meet(self, other: Grant) -> Grant:
        """What both allow."""
        scopes = _spelled_out(self.scopes) & _spelled_out(other.scopes)
        if self.tenants is None or other.tenants is None:
            return Grant(scopes, other.tenants if self.tenants is None else self.tenants)
        return Grant(scopes, self.tenants & other.tenants)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `tenants`: None means every one. `via` tells how: api, slack, email, pagerduty, …

    `grants` are what several roles give; where there are any they alone count, and `scopes` and `tenants` are what
    they come to together. A name that is empty is nobody's in particular: whoever asks says who it was.
    """

    name: str
    scopes: frozenset[str]
    tenants: Tenants = None
    via: str = "api"
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, name: str, grants: Iterable[Grant], via: str = "api") -> Principal:
        """Somebody to whom several roles give something."""
        given = tuple(grant for grant in grants if grant.scopes and grant.tenants != frozenset())
        scopes = frozenset(scope for grant in given for scope in grant.scopes)
        return cls(name, scopes, _together(given), via, given)

    def may(self, scope: Scope, tenant: str | None = None) -> bool:
        """Whether this somebody may do something, for a tenant (None: for whichever it turns out to be)."""
        tenants = self.tenants_for(scope)
        return tenants is None or (bool(tenants) if tenant is None else tenant in tenants)

    def tenants_for(self, scope: str) -> Tenants:
        """For whom something may be done; None: for every tenant; an empty set: for nobody."""
        return _together([grant for grant in self._given() if grant.allows(scope)])

    def restricted(self, scopes: frozenset[str], tenants: Tenants) -> Principal:
        """The same somebody with no more than these: what a token gives is never more than what its user has."""
        limit = Grant(scopes, tenants)
        return Principal.of(self.name, [grant.meet(limit) for grant in self._given()], self.via)

    def _given(self) -> tuple[Grant, ...]:
        return self.grants or (Grant(self.scopes, self.tenants),)


def anybody(name: str, via: str = "api") -> Principal:
    """Whoever asks on loopback where no users are configured: the machine's own people, who may do everything."""
    return Principal(name, frozenset({ADMIN}), None, via)


def _spelled_out(scopes: frozenset[str]) -> frozenset[str]:
    return SCOPES if ADMIN in scopes else scopes


def _together(grants: Iterable[Grant]) -> Tenants:
    found: frozenset[str] = frozenset()
    for grant in grants:
        if grant.tenants is None:
            return None
        found |= grant.tenants
    return found
