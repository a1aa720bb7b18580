"""Names as Kubernetes has them (RFC 1123), and labels (apimachinery, pkg/util/validation)."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
LABEL = re.compile(_LABEL)  # RFC 1123, a label: what a namespace is called
SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # and a subdomain: everything else, of 253 characters at most

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = re.compile(rf"(?:{SUBDOMAIN.pattern}/)?{_NAME}")  # of an object's label: `team`, `example.org/team`
LABEL_VALUE = re.compile(rf"(?:{_NAME})?")
