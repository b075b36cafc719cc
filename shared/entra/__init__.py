"""Microsoft Graph: reading a tenant whole, near the limit, and telling plainly what could not be read.

Lists and links are read as bytes (docs/decisions/0003-reading-graph-as-bytes.md). Nothing here writes to a tenant.
"""
