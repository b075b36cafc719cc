"""What is the same in every real tenant: ids and names that Microsoft publishes."""
