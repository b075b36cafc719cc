"""Who may do what: bearer tokens, callers, permissions and roles."""
