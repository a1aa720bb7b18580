"""`amp`: a rule groups namespace of Amazon Managed Service for Prometheus: `name`, and `data`, a rule file.

Source: AWS, CreateRuleGroupsNamespace (data goes over the wire in base64, which the SDKs and the AWS CLI do; name up to
64 characters, namespace and group up to 721 bytes together), and the service's quotas: a definition of 1 MB, fixed, and
20 rules a group, which AWS raises on request.
"""

from __future__ import annotations

import re

from generator import yamltext
from generator.emit import Part, Rendering
from generator.rule import Pack
from generator.targets import groups
from generator.targets.dialect import Dialect, spoken
from generator.targets.rulefile import groups as as_trees
from generator.targets.splitting import pieces
from generator.version import OLDEST, Version
from tocsin.problem import Problem

MOST_RULES = 20  # of a group
MOST_BYTES = 1_000_000  # of a definition
LONGEST_NAME = 64
NAME = re.compile(r"[0-9A-Za-z][-.0-9A-Z_a-z]*")
UNKNOWN = frozenset({"limit", "query_offset", "labels"})


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as a namespace of the same name; as several, with bits behind the name, where it is large."""
    said, problems = spoken(pack, Dialect("amp", version, UNKNOWN))
    fitting, torn = groups.cut(said.groups, MOST_RULES, "amp")
    texts = {group.name: yamltext.dump({"groups": as_trees([group])}) for group in fitting}
    cut = pieces(fitting, lambda g: g.name, lambda some: sum(len(texts[g.name].encode()) for g in some) <= MOST_BYTES)
    parts = []
    for piece in cut:
        data = yamltext.dump({"groups": as_trees(piece.items)})
        name = pack.name + piece.suffix
        problems += _named(pack, name)
        text = yamltext.dump({"name": name, "data": data})
        parts.append(Part(piece.suffix, text, sum(len(group.rules) for group in piece.items)))
    return Rendering(tuple(parts), (*problems, *torn))


def _named(pack: Pack, name: str) -> list[Problem]:
    if not name or (NAME.fullmatch(name) and len(name) <= LONGEST_NAME):
        return []
    message = f"{name!r} cannot name a namespace: letters, digits, '-', '.' and '_', at most {LONGEST_NAME}"
    return [Problem("target", message, pack.origin.at("metadata", "name"), "shorten the pack's or the tenant's name")]
