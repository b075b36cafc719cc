"""The tenants that this deployment protects: registry, settings, schedule."""
