"""Invitations: how guests come in (Create invitation). Nothing is kept but the guest; no mail is sent."""

from __future__ import annotations

import re

from local.simulator.http_types import Response, json_response
from local.simulator.reads.view import View
from local.simulator.store import Body, Record
from local.simulator.writes import dynamic, refusals, unique
from local.simulator.writes.change import Write, new_id
from local.simulator.writes.users import security_identifier
from local.simulator.writes.validation import Validator

READ_ONLY = ("id", "inviteRedeemUrl", "status")


def create(write: Write) -> Response:
    """201 with the invitation; an address that was invited before gives the same guest."""
    body = write.request.json()
    for name in READ_ONLY:
        if body.get(name) is not None:
            raise refusals.read_only(name)
    checked = Validator(write.schema).body("invitation", body)
    for name in ("invitedUserEmailAddress", "inviteRedirectUrl"):
        if not checked.get(name):
            raise refusals.required(name, "invitation")
    address = checked["invitedUserEmailAddress"]
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise refusals.invalid_value("invitedUserEmailAddress", "invitation")
    domains = {str(each.read()["id"]).lower() for each in write.store.all("domain") if each.read().get("isVerified")}
    if address.partition("@")[2].lower() in domains:
        raise refusals.bad_request("The invited user already exists in the directory as an internal user.")
    guest = next(iter(write.store.find("user", "mail", address)), None) or _guest(write, address, checked)
    shown = {
        "id": new_id(), "inviteRedeemUrl": f"{write.request.root}/redeem?user={guest.key}",
        "invitedUserDisplayName": checked.get("invitedUserDisplayName"), "invitedUserEmailAddress": address,
        "invitedUserType": checked.get("invitedUserType") or "Guest", "resetRedemption": False,
        "sendInvitationMessage": bool(checked.get("sendInvitationMessage")), "status": "PendingAcceptance",
        "inviteRedirectUrl": checked["inviteRedirectUrl"],
        "invitedUserMessageInfo": checked.get("invitedUserMessageInfo"),
        "invitedUser": View(write.schema, ("id",), single=True).show("user", guest.read()),
    }  # fmt: skip
    return json_response(201, {"@odata.context": write.context(entity=True), **shown})


def _guest(write: Write, address: str, checked: Body) -> Record:
    initial = next(
        (str(each.read()["id"]) for each in write.store.all("domain") if each.read().get("isInitial")), "invalid"
    )
    name = f"{address.replace('@', '_')}#EXT#@{initial}"
    unique.check(write.store, "user", "userPrincipalName", name)
    unique.check_addresses(write.store, [f"SMTP:{address}"])
    stamp, guest_id = write.now, new_id()
    made = {
        "id": guest_id, "accountEnabled": True, "displayName": checked.get("invitedUserDisplayName") or address,
        "mail": address, "mailNickname": name.partition("@")[0], "userPrincipalName": name, "otherMails": [address],
        "userType": checked.get("invitedUserType") or "Guest", "creationType": "Invitation",
        "externalUserState": "PendingAcceptance", "externalUserStateChangeDateTime": stamp,
        "proxyAddresses": [f"SMTP:{address}"], "createdDateTime": stamp, "deletedDateTime": None,
        "businessPhones": [], "assignedLicenses": [], "licenseAssignmentStates": [], "assignedPlans": [],
        "provisionedPlans": [], "imAddresses": [], "onPremisesSyncEnabled": None,
        "identities": [{"signInType": "userPrincipalName", "issuer": initial, "issuerAssignedId": name}],
        "securityIdentifier": security_identifier(guest_id), "signInSessionsValidFromDateTime": stamp,
    }  # fmt: skip
    record = write.store.create("user", made)
    dynamic.place(write.store, record)
    return write.store.records[record.key]
