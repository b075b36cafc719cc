"""Everything that changes the tenant: what Graph accepts, what it refuses, and what follows from it.

The seam is `answer`: it gets a resolved target and a caller, judges, and changes the store through its one interface.
"""

from local.simulator.writes.plain import answer

__all__ = ["answer"]
