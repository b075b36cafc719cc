"""The audit trail: who did what, when, and what was refused; append-only, chained by hashes, sealed into the vault.

    entry          AuditEntry, the hash that binds it to the one before
    trail          AuditTrail: append, stream, books
    sealing        seal_book: what is new goes into the vault as write-once segments
    verification   verify_book: finds what was changed, removed or put in afterwards

A book is one chain: that of a tenant, or that of the deployment (tenants registered, roles, calls by strangers).
Entries name people and apps by object id alone.
"""
