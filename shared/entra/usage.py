"""What reading a tenant cost, counted where it is spent."""

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(slots=True)
class Usage:
    """Counts of one session; read it at any time, add it to another's at the end of a slice."""

    requests: int = 0
    """Requests sent over the wire, repeats among them; a `$batch` is one."""
    parts: int = 0
    """Parts sent inside `$batch`, repeats among them."""
    resource_units: float = 0.0
    """As Graph said in x-ms-resource-unit, else as its table of costs says."""
    bytes_received: int = 0
    """As they came over the wire, compressed."""
    throttled: int = 0
    """429 answers, to requests and to parts."""
    repeats: int = 0
    """Requests sent again, whatever the reason."""

    def add(self, other: Self) -> None:
        """Add what another session cost."""
        self.requests += other.requests
        self.parts += other.parts
        self.resource_units += other.resource_units
        self.bytes_received += other.bytes_received
        self.throttled += other.throttled
        self.repeats += other.repeats

    def as_counts(self) -> dict[str, float]:
        """The counts by name, for a message or a manifest."""
        return asdict(self)
