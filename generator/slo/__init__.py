"""The item `slo` of a pack's rules: an objective, and everything that watches over it."""

from __future__ import annotations

from generator.slo.compiling import compile_slo
from generator.slo.naming import Naming

__all__ = ["Naming", "compile_slo"]
