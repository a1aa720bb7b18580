"""The targets by name. A new one is a module, this line, a test and a page in docs/."""

from __future__ import annotations

from generator.targets import prometheusrule, rulefile

TARGETS = {
    "rulefile": rulefile.render,
    "prometheusrule": prometheusrule.render,
}
