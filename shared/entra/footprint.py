"""How the process keeps its memory while pages of a tenant are read: set once, when the first session is opened.

A page is some megabytes that live for a moment, in whichever worker thread takes it apart. All settings are of the
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

M_MMAP_THRESHOLD = -3
GIVEN_BACK_BYTES = 4 * 1024 * 1024
"""A block as large as this goes back to the system when it is freed. By itself glibc raises that bound to the largest
block that was ever freed: then a page's largest parts lie in its heaps, between what lives on, and a heap never
shrinks again. A smaller bound keeps the process some 20 MiB smaller, and costs reading a tenth of its time."""

M_TRIM_THRESHOLD = -1
KEPT_BYTES = 8 * 1024 * 1024
"""What a heap may keep free at its end. A page needs as much at once, and 128 KiB, which goes with a bound that is set,
would have it taken from the system page by page: half of the time that the kernel spends on reading."""


@cache
def prepare() -> None:
    """Look for garbage less often, share two heaps among all threads, and keep large blocks out of them; the heaps are
    left as they are where there is no glibc."""
    gc.set_threshold(*COLLECT_AFTER)
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, GIVEN_BACK_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
