"""Believable tenants, seeded and repeatable: equal arguments give equal tenants."""

from local.simulator.generator.tenant import populate

__all__ = ["populate"]
