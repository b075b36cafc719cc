"""Browsing: unpack restore points, list and search their objects, follow versions and links."""
