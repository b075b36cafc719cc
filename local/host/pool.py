"""The threads that run synchronous functions.

Invariants: all threads are made at once and are daemons, since a thread cannot be ended from outside and a
function that never returns must not keep the process from ending; the durable SDK takes this pool only
because it is a `ThreadPoolExecutor`.
"""

from __future__ import annotations

import concurrent.futures.thread as stdlib_threads
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from azure_functions_runtime.utils import threadpool as library

__all__ = ["FunctionPool"]

_IDLE_THREADS_END_SECONDS = 0.5  # they end within milliseconds; only a busy one uses this up


class FunctionPool(ThreadPoolExecutor):
    """A thread pool that can be left behind; installed into the worker library while the host runs."""

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads, thread_name_prefix="cairn-function")
        self.threads = threads
        started = threading.Barrier(threads + 1)

        def start_all() -> None:
            for _ in range(threads):
                self.submit(started.wait)

        # A thread inherits being a daemon from its maker; the barrier keeps each busy until all are there.
        threading.Thread(target=start_all, name="cairn-function-starter", daemon=True).start()
        started.wait()

    def install(self) -> None:
        """Make the worker library, and the durable SDK through it, run synchronous code here."""
        library._threadpool_executor = self  # noqa: SLF001 -- its own starter makes threads that outlive a stop

    def leave(self) -> None:
        """Take no more work, end the idle threads, leave the busy ones behind, at exit too."""
        library._threadpool_executor = None  # noqa: SLF001 -- see install
        self.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + _IDLE_THREADS_END_SECONDS
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
            stdlib_threads._threads_queues.pop(thread, None)  # type: ignore[attr-defined]  # noqa: SLF001 -- joined at exit else
