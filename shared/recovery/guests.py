"""Guests: made anew by invitation, since a user made otherwise has no identity in another directory. Pure.

An invitation that is repeated for one address finds the same guest. Until it is redeemed the guest cannot sign in.
Sources: Microsoft Graph "Create invitation", "user resource type"; Microsoft Entra "B2B collaboration invitation
redemption".
"""

from collections.abc import Mapping
from typing import Any

from shared.entra.listing import with_query
from shared.recovery.state import Json

REQUEST = "POST /invitations"
PERMISSION = "User.Invite.All"
_SET_BY_INVITATION = frozenset({
    "mail", "mailNickname", "userPrincipalName", "userType", "passwordProfile", "passwordPolicies", "identities",
    "showInAddressList", "onPremisesImmutableId",
})

IDENTITIES = "the guest's own directory says who they are: it is written when they redeem an invitation"


def is_invited(body: Mapping[str, Any]) -> bool:
    """Whether the user signs in with an account of elsewhere."""
    return (
        body.get("creationType") == "Invitation" or bool(body.get("externalUserState"))
        or "#EXT#" in str(body.get("userPrincipalName", ""))
    )


def address(body: Mapping[str, Any]) -> str:
    """The address that is invited; empty where the restore point tells none."""
    others = body.get("otherMails") or []
    return str(body.get("mail") or (others[0] if others else ""))


def invitation(body: Mapping[str, Any], tenant_id: str, *, send: bool) -> Json:
    """The body of the invitation."""
    kind = body.get("userType")
    named = {"invitedUserDisplayName": body["displayName"]} if body.get("displayName") else {}
    return {
        "invitedUserEmailAddress": address(body), **named, "invitedUserType": kind if kind == "Member" else "Guest",
        "inviteRedirectUrl": f"https://myapplications.microsoft.com/?tenantid={tenant_id}",
        "sendInvitationMessage": send,
    }


def finding(body: Mapping[str, Any]) -> Json:
    """Where a guest that an invitation made is looked for."""
    quoted = address(body).replace("'", "''")
    return {"path": with_query("/users", filter=f"mail eq '{quoted}'", select="id,mail"),
            "match": {"mail": address(body)}}


def set_afterwards(made: Mapping[str, Any], body: Mapping[str, Any]) -> Json:
    """Of a creation's body, what an invitation does not take and an update sets."""
    return {
        name: value for name, value in made.items()
        if name not in _SET_BY_INVITATION and not name.startswith("@") and not (name == "accountEnabled" and value)
        and not (name == "displayName" and value) and not (name == "otherMails" and value == [address(body)])
    }


def redemption(body: Mapping[str, Any], tenant_id: str) -> str:
    """What a person must do so that the guest can sign in again."""
    return (
        f"Tell {address(body)} to redeem the new invitation: sign in once at "
        f"https://myapplications.microsoft.com/?tenantid={tenant_id}, or have it sent again in the Microsoft Entra "
        "admin center (Users, the guest, B2B collaboration, Resend invitation). The option sendInvitations sends it by "
        "mail."
    )
