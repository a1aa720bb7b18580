"""A tenant file to begin with: it builds as it stands, and shows in comments what can be changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator import layers
from generator.extension import nearest
from generator.load import KIND, Source
from generator.tenants.schema import Tenant
from tocsin.errors import UsageError

EXAMPLES = 8  # rules of a pack that are shown


def choose(names: Sequence[str], sources: Sequence[Source]) -> list[Source]:
    """The packs of these names.

    Raises:
        UsageError: one does not exist.
    """
    known = {source.pack: source for source in sources if source.kind == KIND}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no pack {name!r}; {nearest(name, list(known))}")
    return [known[name] for name in names]


def text(name: str, packs: Sequence[Source], tier: str | None) -> str:
    """The tenant's file.

    Raises:
        ValueError: the name cannot be a tenant's (pydantic tells why).
    """
    chosen = [pack.pack for pack in packs]
    head = {"apiVersion": "tocsin/v1alpha1", "kind": "Tenant", "metadata": {"name": name}, "packs": chosen}
    Tenant.model_validate(head)
    return "\n".join(_lines(name, packs, tier)) + "\n"


def _lines(name: str, packs: Sequence[Source], tier: str | None) -> Iterator[str]:
    yield f"# The tenant {name}: which packs, whose series, what differs. See docs/reference/tenants.md."
    yield "# Build it: tocsin rules build THIS-FILE -o rules/"
    yield "apiVersion: tocsin/v1alpha1"
    yield "kind: Tenant"
    yield "metadata:"
    yield f"  name: {name}  # the label 'tenant' of each of its rules"
    yield f"  tier: {tier}" if tier else "  # tier: gold  # as a pack or a tiers file defines it"
    yield "packs:"
    yield from (f"  - {pack.pack}" for pack in packs)
    yield ""
    yield '# Put into every selector of the rules. An operator may stand in front: "=~acme-.*", "!=test".'
    yield "matchers:"
    yield f"  tenant: {name}"
    yield '  # cluster: "=~prod-.*"'
    yield ""
    yield "# Values of the packs' parameters, as <pack>.<parameter>. Shown are the defaults."
    yield "params: {}"
    for pack in packs:
        yield from _params(pack)
    yield ""
    yield "# Rules by name: any of their keys, or {state: disabled}."
    yield "rules: {}"
    for pack in packs:
        yield from _rules(pack)


def _params(pack: Source) -> Iterator[str]:
    params = pack.document.data.get("params")
    for name, param in (params if isinstance(params, dict) else {}).items():
        if isinstance(param, dict):
            yield f"#   {pack.pack}.{name}: {json.dumps(param.get('default'), ensure_ascii=False)}{_meaning(param)}"


def _meaning(param: Mapping[str, Any]) -> str:
    bounds = f"{param.get('min', '…')} to {param.get('max', '…')}" if {"min", "max"} & param.keys() else ""
    told = ", ".join(str(part) for part in (bounds, param.get("unit"), param.get("doc")) if part)
    return f"  # {' '.join(told.split())}" if told else ""


def _rules(pack: Source) -> Iterator[str]:
    alerts = [(name, item) for _, name, item in layers.rules(pack.document.data) if "record" not in item]
    for name, item in alerts[:EXAMPLES]:
        facts = {key: item[key] for key in ("for", "severity", "objective") if key in item}
        shown = ", ".join(f"{key}: {value}" for key, value in facts.items()) or "state: disabled"
        yield f"#   {name}: {{{shown}}}"
    if len(alerts) > EXAMPLES:
        yield f"#   … and {len(alerts) - EXAMPLES} more of {pack.pack}"
