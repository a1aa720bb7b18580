"""What may stand in a tenant file and in a tiers file: the format `tocsin/v1alpha1`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from generator.matchers import Matchers
from generator.schema import PACK_NAME, Changes, Text
from tocsin.config import OneOrMore, Settings

LABEL = "tenant"  # the static label that tells a tenant's rules from another's


def _tenant_name(name: str) -> str:
    if not PACK_NAME.fullmatch(name):
        hint = "use lower-case letters, digits and '-', at most 63: it names files and Kubernetes objects"
        raise PydanticCustomError("value", "{name} cannot name a tenant", {"name": repr(name), "hint": hint})
    return name


class TenantMetadata(Settings):
    """Who it is. The name is the value of the label `tenant`."""

    name: Annotated[str, AfterValidator(_tenant_name)]
    tier: Text | None = None
    owner: Text | None = None


class Tenant(Changes):
    """A tenant: packs, matchers for every selector, and changes."""

    api_version: Literal["tocsin/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["Tenant"]
    metadata: TenantMetadata
    packs: OneOrMore[Text]
    matchers: Matchers = Field(default_factory=dict)


class Tiers(Settings):
    """Tiers for all packs; a pack may hold `tiers` of its own."""

    api_version: Literal["tocsin/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["Tiers"]
    tiers: dict[str, Changes]
