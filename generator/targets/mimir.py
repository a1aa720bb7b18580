"""`mimir`: a namespace of the ruler of Mimir and Cortex, as `mimirtool rules load` reads it.

Source: grafana/mimir, pkg/mimirtool/rules, pkg/ruler/rulespb/rules.proto (a group has no limit) and the defaults of
-ruler.max-rule-groups-per-tenant (70) and -ruler.max-rules-per-rule-group (20). Cortex has no such limits by default.
"""

from __future__ import annotations

from generator import yamltext
from generator.emit import Part, Rendering
from generator.rule import Pack
from generator.targets import groups
from generator.targets.dialect import Dialect, spoken
from generator.targets.rulefile import groups as as_trees
from generator.version import OLDEST, Version
from tocsin.problem import Problem

MOST_RULES = 20
MOST_GROUPS = 70

UNKNOWN = frozenset({"limit", "labels"})  # labels are copied onto the rules: every release of the ruler reads that


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as a namespace of the same name; groups that are too large become several."""
    said, problems = spoken(pack, Dialect("mimir", version, UNKNOWN))
    fitting, torn = groups.cut(said.groups, MOST_RULES, "mimir")
    text = yamltext.dump({"namespace": pack.name, "groups": as_trees(fitting)})
    many = [_many(pack, len(fitting))] if len(fitting) > MOST_GROUPS else []
    return Rendering((Part("", text, len(pack.rules)),), (*problems, *torn, *many))


def _many(pack: Pack, count: int) -> Problem:
    message = f"{count} groups are more than the {MOST_GROUPS} that the ruler takes from a tenant by default"
    hint = "raise ruler_max_rule_groups_per_tenant and ruler_max_rules_per_rule_group, or divide the pack by tenants"
    return Problem("target", message, pack.origin.at("groups"), hint, severity="warning")
