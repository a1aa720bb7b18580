"""How Python and its memory are set for a server with a large working set and two busy threads; measured in
docs/adr/0010.
"""

from __future__ import annotations

import ctypes
import gc
import sys

YOUNG_OBJECTS = 50_000  # between collections: a batch makes about that many, and nearly all of them go by themselves
SWITCH_SECONDS = 0.0002  # a twenty-fifth of Python's own: the engine's thread gives way to requests sooner

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
MAPPED_FROM_BYTES = 2**20
KEPT_BYTES = 8 * 2**20


def give_back_what_is_freed() -> None:
    """Blocks of 1 MiB and more are mapped one by one and unmapped when freed; elsewhere than in glibc nothing changes.

    By itself glibc raises that threshold with what it sees freed, up to 32 MiB, and keeps such blocks in each thread's
    arena. Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def prepare() -> None:
    """Once, when everything is imported and wired: what exists now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
