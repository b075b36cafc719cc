"""The vault alone is enough: rows that cannot be derived go to the vault as they change, and are read back from it.

    journal     which rows are kept, and where; KeptTable: a table that keeps them
    reading     the last state of every kept row
    rebuilding  rebuild(deployment): registry, settings, access, restore points, restores, tasks, events, audit trail
"""
