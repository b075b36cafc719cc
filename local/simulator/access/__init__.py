"""Who calls and what they may do: tokens, their signing keys, and permissions by path."""
