"""What stands in the file: our parser and printer put some things into other words."""

from __future__ import annotations

from generator.rule import Rule


def written(rule: Rule) -> str:
    """The rule's expression as its author wrote it; nothing where no text stands."""
    data = rule.origin.document.data
    for step in (*rule.origin.path, *rule.expr_path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return data if isinstance(data, str) else ""
