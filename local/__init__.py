"""What makes a laptop enough: the local host, the tenant simulator, the demo."""
