"""Recovery: difference → plan → approval → apply → verify → undo.

    options        what a restore is asked for, and how (the names of the HTTP interface)
    state          one object as it was, and as it is
    writable       which parts of an object Microsoft Graph lets us write
    relink         ids that change, followed through bodies
    plan, order    pure: the operations that close a difference, and the order they go in
    safety         pure: what must not happen without a person's word
    reading        the two states, from a restore point and from the tenant
    planning       reads both, makes the plan, stores it under its hash
    before         before images, sealed as a restore point
    scope, beside  which restores of a tenant may run at once
    apply          the only code that changes a tenant
    verification   reads back what was written
    handing_over   generated passwords, into the Key Vault that the tenant's settings name
"""
