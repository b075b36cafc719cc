"""Everything that answers a question about the tenant and changes nothing."""
