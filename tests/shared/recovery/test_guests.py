"""Guests are invited anew: a user made otherwise has no identity in another directory."""

from shared.recovery import guests
from tests.shared.recovery.conftest import Restores

TENANT = "11111111-1111-1111-1111-111111111111"
GUEST = {
    "displayName": "Ada", "mail": "ada@elsewhere.example", "userType": "Guest", "creationType": "Invitation",
    "userPrincipalName": "ada_elsewhere.example#EXT#@home.onmicrosoft.com",
}


def test_an_invitation_is_sent_by_mail_only_where_asked():
    assert guests.invitation(GUEST, TENANT, send=False)["sendInvitationMessage"] is False
    assert guests.invitation(GUEST, TENANT, send=True)["sendInvitationMessage"] is True


def test_an_external_member_stays_a_member():
    body = guests.invitation({**GUEST, "userType": "Member"}, TENANT, send=False)
    assert body["invitedUserType"] == "Member"
    assert not guests.is_invited({"userPrincipalName": "ada@home.onmicrosoft.com", "userType": "Guest"})


def a_guest(store):
    return next(one.key for one in store.all("user") if guests.is_invited(one.read()) and one.read().get("mail"))


async def test_a_guest_who_is_gone_is_invited_and_gets_back_what_was_known_of_them(restores: Restores):
    store = restores.simulator.store
    guest = a_guest(store)
    store.update(guest, {**store.get(guest).read(), "department": "Partners", "accountEnabled": False})
    group = next(
        one.key for one in store.all("group")
        if (body := one.read()) and not body["groupTypes"] and not body["mailEnabled"]
        and not body.get("onPremisesSyncEnabled") and not body.get("isAssignableToRole")
    )
    store.link(group, "members", guest)
    was = store.get(guest).read()
    await restores.backups.run("full")
    store.delete(guest, soft=True)
    store.purge(guest)
    done = await restores.run([guest])
    ops = await restores.operations(done)
    sent = [(one.method, one.path) for one, _ in ops if one.kind == "create" and one.object_type == "user"]
    assert sent == [("POST", "/invitations")]
    assert not [one.path for one, receipt in ops if receipt["state"] not in ("done", "unchanged", "manual")]
    new = store.get(await restores.new_id(guest)).read()
    for name in ("displayName", "mail", "userPrincipalName", "userType", "department", "accountEnabled"):
        assert new[name] == was[name], name
    assert new["externalUserState"] == "PendingAcceptance"
    assert store.link_set("members").has(group, new["id"])
    assert done["verification"]["differing"] == 0, done["verification"]
    steps = [one.reason for one, receipt in ops if receipt["state"] == "manual"]
    assert len(steps) == 1
    assert "redeem" in steps[0]


async def test_a_guest_whose_invitation_goes_by_mail_needs_no_step_by_hand(restores: Restores):
    store = restores.simulator.store
    guest = a_guest(store)
    await restores.backups.run("full")
    store.delete(guest, soft=True)
    store.purge(guest)
    planned = await restores.plan([guest], sendInvitations=True)
    assert planned["counts"]["manual"] == 0
    assert planned["missingPermissions"] == []
