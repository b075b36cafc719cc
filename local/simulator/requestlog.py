"""What was asked of the simulator: counts, resource units and statuses by method and path template, and HTTP requests
by what they were for (a `$batch` is one, for all that its entries ask)."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

RECENT = 500
EXPANDED = re.compile(r"[?&](?:\$|%24)expand=(\w+)")


@dataclass(slots=True)
class Line:
    """The tally of one path."""

    count: int = 0
    units: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


class RequestLog:
    """Tallies since the start or the last `clear`."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.http_requests = 0
        self.batches = 0
        self.batch_entries = 0
        self.purposes: Counter[str] = Counter()
        self._inside: set[str] = set()
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)

    def batch_ended(self) -> None:
        """The entries noted since the last batch were one HTTP request."""
        self.purposes[" + ".join(sorted(self._inside))] += 1
        self._inside.clear()

    def note(self, method: str, template: str, target: str, status: int, units: int, *, in_batch: bool) -> None:
        """Count one answer of Graph."""
        line = self.lines.get(f"{method} {template}")
        if line is None:
            line = self.lines[f"{method} {template}"] = Line()
        line.count += 1
        line.units += units
        line.statuses[status] += 1
        expanded = EXPANDED.search(target)
        purpose = f"{method} {template}{f' $expand={expanded.group(1)}' if expanded else ''}"
        if in_batch:
            self.batch_entries += 1
            self._inside.add(purpose)
        elif not template.endswith("$batch"):
            self.purposes[purpose] += 1
        self.recent.append({"method": method, "target": target, "status": status, "units": units, "inBatch": in_batch})

    def clear(self) -> None:
        """Start again from nothing."""
        self.__init__()  # type: ignore[misc]

    def told(self) -> dict[str, Any]:
        """The log as JSON."""
        return {
            "httpRequests": self.http_requests,
            "batches": self.batches,
            "batchEntries": self.batch_entries,
            "graphRequests": sum(line.count for line in self.lines.values()),
            "resourceUnits": sum(line.units for line in self.lines.values()),
            "paths": {
                name: {"count": line.count, "resourceUnits": line.units,
                       "statuses": {str(status): number for status, number in sorted(line.statuses.items())}}
                for name, line in sorted(self.lines.items())
            },
            "httpRequestsBy": dict(sorted(self.purposes.items())),
            "recent": list(self.recent),
        }  # fmt: skip
