"""One governor per tenant and app in this process, so that activities which run here share what they were given.

The orchestrator gives each activity a share of the tenant's budget. Shares that meet in one process are added up: an
activity that waits for latency lends its part to one that waits for quota. What an activity lends when it is done for
good stays with the others until the last of them leaves. Across processes the shares hold by themselves, since they add
up to at most 1.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.entra.governor import Governor, TenantSize


@dataclass(slots=True)
class _Shared:
    governor: Governor
    shares: list[float] = field(default_factory=list)
    lent: float = 0.0

    def resized(self) -> None:
        self.governor.resize(share=sum(self.shares) + self.lent)


class Governors:
    """The governors of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_app: dict[tuple[str, str, str], _Shared] = {}

    @contextmanager
    def joined(
        self, root: str, tenant_id: str, client_id: str, *, share: float = 1.0, size: TenantSize = "L"
    ) -> Iterator[Governor]:
        """The governor to use while inside, `share` of the budget added to what it may spend."""
        key = (root, tenant_id, client_id)
        with self._lock:
            shared = self._by_app.setdefault(key, _Shared(Governor(size=size, share=share)))
            shared.shares.append(share)
            shared.governor.resize(share=sum(shared.shares) + shared.lent, size=size)
        try:
            yield shared.governor
        finally:
            with self._lock:
                shared.shares.remove(share)
                if shared.shares:
                    shared.resized()
                else:
                    shared.lent = 0.0

    def lend(self, governor: Governor, share: float) -> None:
        """Leave `share` to the others inside: whoever had it is done, and nobody takes it up after it."""
        with self._lock:
            for shared in self._by_app.values():
                if shared.governor is governor and len(shared.shares) > 1:
                    shared.lent += share


GOVERNORS = Governors()
"""This process's own. A governor stays when nobody is inside: what it learned of the tenant is still true."""
