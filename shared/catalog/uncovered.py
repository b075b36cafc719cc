"""What Entra and its neighbours hold that Cairn does not back up, said plainly and listed in the docs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Something that a restore point does not hold, and why."""

    what: str
    why: str
    remedy: str = ""


UNCOVERED = (
    Uncovered("Passwords, client secrets, private keys, OATH seeds", "Microsoft Graph never gives them."),
    Uncovered("BitLocker keys and local administrator passwords of devices", "They are secrets; to keep copies is a "
              "decision for the tenant's owner that no backup should take."),
    Uncovered("Mailboxes, files, sites, teams, chats, planner", "Content of Microsoft 365, not of the directory."),
    Uncovered("Dynamic distribution groups, mail flow, inactive mailboxes' content", "Exchange keeps them; Microsoft "
              "Graph does not show them. The identifiers that tie a mailbox to a user need the Exchange consent."),
    Uncovered("Organizational contacts", "Synced or made in Exchange; links to them are kept by their ids."),
    Uncovered("Entitlement management, access reviews, lifecycle workflows", "Identity Governance beyond terms of use "
              "and PIM is not in the catalog yet."),
    Uncovered("User flows, identity providers, custom authentication extensions", "Settings of external tenants "
              "(B2C, External ID), not in the catalog yet."),
    Uncovered("Open extensions and schema extensions", "They belong to the applications that wrote them, and Microsoft "
              "Graph gives them one object at a time or by names that no list tells. Directory extensions are kept."),
    Uncovered("Azure role assignments on subscriptions", "Kept by Azure Resource Manager; ids of re-created principals "
              "can be exported from the identity map to mend them."),
    Uncovered("Sign-in and audit logs", "Records and no state; the audit log is read to say who made a change."),
    Uncovered("Self-service password reset settings of the tenant", "Microsoft Graph has no interface for them."),
)
