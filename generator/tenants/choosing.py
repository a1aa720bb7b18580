"""Which packs each tenant chose, with what its tier and it itself change of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from pydantic import ValidationError

from generator.changes import EVERY, Change, apply, declared
from generator.extension import nearest
from generator.layers import Draft, draft
from generator.load import Source
from generator.tenants.schema import Tenant, Tiers
from generator.tenants.scope import Scope
from tocsin.config import Settings, explain
from tocsin.problem import Problem

GUIDE = "docs/reference/tenants.md"

M = TypeVar("M", bound=Settings)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A tenant that could be read, and its file."""

    tenant: Tenant
    source: Source


def chosen(packs: Sequence[Source], others: Sequence[Source]) -> tuple[list[Source], list[Problem]]:
    """The packs to build: without a tenant all that were named; else each for each tenant that chose it.

    What no tenant chose is not built, and told: its rules would be about everybody's series.
    """
    problems: list[Problem] = []
    tiers = [source for source in others if source.kind == "Tiers" and _read(source, Tiers, problems)]
    tenants = [source for source in others if source.kind == "Tenant"]
    if not tenants:
        return [source for source in packs if not source.library and not _abstract(source)], problems
    choices = [_Choice(tenant, source) for source in tenants if (tenant := _read(source, Tenant, problems)) is not None]
    problems += _same_name(choices)
    known = {source.pack: source for source in reversed(packs)}
    done = [scoped for choice in choices for scoped in _scoped(choice, known, tiers, problems)]
    taken = {name for choice in choices for name in choice.tenant.packs}
    problems += [_not_chosen(pack) for pack in packs if not (pack.library or pack.pack in taken or _abstract(pack))]
    return done, problems


def _abstract(source: Source) -> bool:
    metadata = source.document.data.get("metadata")
    return isinstance(metadata, dict) and metadata.get("abstract") is True


def _read(source: Source, model: type[M], problems: list[Problem]) -> M | None:
    try:
        return model.model_validate(source.document.data)
    except ValidationError as error:
        problems += explain(error, source.document, model, guide=GUIDE)
        return None


def _scoped(
    choice: _Choice, known: Mapping[str, Source], tiers: Sequence[Source], problems: list[Problem]
) -> Iterator[Source]:
    """The packs of one tenant: first what the packs say of its tier, then the tiers files, then the tenant."""
    document, tenant = choice.source.document, choice.tenant
    packs: dict[str, Source] = {}
    for index, name in enumerate(tenant.packs):
        if name in packs:
            twice = Problem("value", f"the pack {name!r} is chosen twice", document.at("packs", index), "remove one")
            problems.append(twice)
        elif name in known:
            packs[name] = known[name]
        else:
            at = document.at("packs", index)
            problems.append(Problem("unknown-pack", f"there is no pack {name!r}", at, nearest(name, list(known))))
    drafts = {name: draft(source.document) for name, source in packs.items()}
    if tenant.metadata.tier is not None:
        problems += _tier(tenant.metadata.tier, choice, packs, tiers, drafts)
    problems += apply(Change(document, (), qualified=True), drafts)
    scope = Scope(tenant.metadata.name, tenant.matchers, document, choice.source.name)
    for name, source in packs.items():
        yield replace(source, document=drafts[name].document(), library=False, scope=scope)


def _tier(
    tier: str,
    choice: _Choice,
    packs: Mapping[str, Source],
    tiers: Sequence[Source],
    drafts: Mapping[str, Draft],
) -> Iterator[Problem]:
    """The tier laid over the packs. One that nothing defines is for the receiver alone, unless others are defined."""
    names: list[str] = []
    for name, pack in packs.items():
        own = pack.document.data.get("tiers")
        names += own if isinstance(own, dict) else ()
        if isinstance(own, dict) and tier in own:
            yield from apply(Change(pack.document, ("tiers", tier), qualified=False), {name: drafts[name]})
    for source in tiers:
        names += source.document.data["tiers"]
        if tier in source.document.data["tiers"]:
            present = _of_the_chosen(Change(source.document, ("tiers", tier), qualified=True), packs)
            yield from apply(present, drafts)
    if names and tier not in names:
        near = get_close_matches(tier, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(set(names)))}"
        at = choice.source.document.at("metadata", "tier")
        yield Problem("unknown-tier", f"there is no tier {tier!r}", at, hint)


def _of_the_chosen(change: Change, packs: Mapping[str, Source]) -> Change:
    """A tier for all packs says things of packs that this tenant did not choose; those are left out."""
    present = {
        f"{name}.{param}"
        for pack, source in packs.items()
        for param in declared(source.document.data)
        for name in (pack, EVERY)
    }
    params = {
        name: value
        for name, value in change.part("params").items()
        if name in present or name.split(".", 1)[0] in packs
    }
    rules = {
        name: value for name, value in change.part("rules").items() if "." not in name or name.split(".", 1)[0] in packs
    }
    tiers = {change.path[-1]: {"params": params, "rules": rules}}
    return replace(change, document=replace(change.document, data={"tiers": tiers}))


def _same_name(choices: Sequence[_Choice]) -> Iterator[Problem]:
    first: dict[str, _Choice] = {}
    for choice in choices:
        name = choice.tenant.metadata.name
        other = first.setdefault(name, choice)
        if other is not choice:
            message = f"the tenant {name!r} exists already, in {other.source.document.at('metadata', 'name')}"
            at = choice.source.document.at("metadata", "name")
            yield Problem("duplicate-tenant", message, at, "rename one: the name is the label that tells them apart")


def _not_chosen(pack: Source) -> Problem:
    at = pack.document.at("metadata", "name")
    hint = "add it to 'packs' of a tenant, or build it in a run without tenants"
    return Problem("unchosen-pack", f"no tenant chose {pack.pack!r}: it is not built", at, hint, severity="info")
