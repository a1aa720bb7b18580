"""What a program learns of the incident and the alert that it is started for: environment variables."""

from __future__ import annotations

import re

from receiver.remediate.step import About

LONGEST_LABEL = 4_096  # characters; a longer one is left out: a part of a name would be another name
MOST_LABELS = 200


def about_variables(about: About) -> dict[str, str]:
    """What a program learns of the incident and the alert: `TOCSIN_LABEL_instance` and the like.

    What a name may not hold becomes `_`; where two labels would have one name, the one that needs no change has it.
    """
    found = {"TOCSIN_INCIDENT": about.incident, "TOCSIN_RUN": about.run, "TOCSIN_STEP_KEY": about.key}
    named = sorted(about.labels.items(), key=lambda label: (_safe(label[0]) != label[0], label[0]))
    for name, value in named[:MOST_LABELS]:
        if len(value) <= LONGEST_LABEL and len(name) <= LONGEST_LABEL:
            found.setdefault(f"TOCSIN_LABEL_{_safe(name)}", value.replace("\0", ""))
    return found


def _safe(name: str) -> str:
    return re.sub("[^A-Za-z0-9_]", "_", name)
