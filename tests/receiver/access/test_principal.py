"""What somebody may do: roles count for their own tenants, and nothing makes more of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.access.principal import SCOPES, Grant, Principal, Scope, anybody
from tests.receiver.access.people import directory

TENANTS = ("acme", "beta", "")
scopes = st.frozensets(st.sampled_from(sorted(SCOPES)))
tenants = st.none() | st.frozensets(st.sampled_from(TENANTS))
grants = st.lists(st.builds(Grant, scopes, tenants), max_size=3)
principals = st.builds(Principal.of, st.just("alice"), grants) | st.builds(Principal, st.just("alice"), scopes, tenants)


@pytest.mark.parametrize(
    ("user", "scope", "tenant", "expected"),
    [
        ("root", "remediation:approve", "beta", True),
        ("root", "incidents:read", None, True),
        ("alice", "incidents:write", "beta", True),
        ("alice", "admin:all", None, False),
        ("victor", "incidents:write", None, False),
        ("anna", "incidents:write", "acme", True),
        ("anna", "incidents:write", "beta", False),
        ("anna", "incidents:write", None, True),
        ("both", "incidents:read", "beta", True),
        ("both", "incidents:write", "beta", False),
        ("both", "incidents:write", "acme", True),
        ("chief", "rules:read", "acme", True),
        ("chief", "rules:read", "beta", False),
        ("idle", "incidents:read", None, False),
    ],
)
def test_roles(user: str, scope: Scope, tenant: str | None, expected: bool) -> None:
    """A user may do what one of the roles gives, for the tenants of that very role."""
    principal = directory().principal(user)
    assert principal is not None
    assert principal.may(scope, tenant) is expected


def test_nobody_and_anybody() -> None:
    """An unknown user is nobody; whoever asks where there are no users may do everything."""
    assert directory().principal("mallory") is None
    assert all(anybody("").may(scope, "acme") for scope in SCOPES)  # type: ignore[arg-type]


@given(principals, scopes, tenants)
def test_restricted_never_more(user: Principal, own: frozenset[str], theirs: frozenset[str] | None) -> None:
    """Whatever a token names, with it one may do exactly what both it and its user may."""
    limit = Principal("alice", own, theirs)
    token = user.restricted(own, theirs)
    for scope in SCOPES:
        for tenant in TENANTS:
            both = user.may(scope, tenant) and limit.may(scope, tenant)  # type: ignore[arg-type]
            assert token.may(scope, tenant) is both  # type: ignore[arg-type]


@given(principals)
def test_tenants_of_a_scope(user: Principal) -> None:
    """The list of tenants and the question about one tenant say the same."""
    for scope in SCOPES:
        mine = user.tenants_for(scope)
        for tenant in TENANTS:
            assert user.may(scope, tenant) is (mine is None or tenant in mine)  # type: ignore[arg-type]
