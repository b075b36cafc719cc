"""How the process keeps its memory while pages of a tenant are read: set once, when the first session is opened.

A page is some megabytes that live for a moment, in whichever worker thread takes it apart. Both settings are of the
process, since Python and the C library have no others.
"""

import ctypes
import gc
from contextlib import suppress
from functools import cache

COLLECT_AFTER = (20_000, 20, 20)
"""A page makes some hundred thousand objects and no cycle among them: to look for one after every 2,000, as Python does
by itself, takes a quarter of what reading takes."""

M_ARENA_MAX = -8
ARENAS = 2
"""glibc gives each thread a heap of its own, and each then keeps what its largest page needed."""


@cache
def prepare() -> None:
    """Look for garbage less often, and share two heaps among all threads; the second is left out where there is no
    glibc."""
    gc.set_threshold(*COLLECT_AFTER)
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
