"""The filters of lists, each on users and groups made for it: kinds of users, MFA, mail, synced, deleted."""

from dataclasses import dataclass
from typing import Any

import pytest

from shared.browse.files import IndexFiles
from shared.browse.listing import Filter, Listing
from shared.browse.one_object import summary_of
from shared.browse.point import Point
from shared.browse.since import Since
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from tests.shared.backup.conftest import Backups
from tests.shared.browse.conftest import unpack

MFA_OPTION = "authenticationMethods"


@dataclass
class Listed:
    """A backup with authentication methods, and the keys of the users that were made into something."""

    backups: Backups
    files: IndexFiles
    manifest: Manifest
    users: list[str]
    made: dict[str, str]

    async def listing(self, newest: Manifest | None = None) -> Listing:
        since = Since(self.backups.opened.vault, self.manifest, newest or self.manifest)
        return Listing(self.backups.opened.workspace, self.files, self.manifest, since)

    async def ids(self, **chosen: Any) -> set[str]:
        page, _ = await (await self.listing()).page(Filter(**chosen), top=1000)
        assert len(page) == await (await self.listing()).count(Filter(**chosen))
        return {one["objectId"] for one in page}


@pytest.fixture
async def listed(backups: Backups, files: IndexFiles) -> Listed:
    store = backups.simulator.tenant.store
    users = [one.key for one in store.all("user")]
    plain = [key for key in users if store.get(key).read().get("userType") != "Guest"]
    local, social, guest, mailless = plain[10:14]
    domain = str(store.get(local).read()["userPrincipalName"]).partition("@")[2]

    def change(key: str, **more: Any) -> None:
        store.update(key, {**store.get(key).read(), **more})

    change(local, creationType="LocalAccount", identities=[
        {"signInType": "emailAddress", "issuer": domain, "issuerAssignedId": "a@example.com"}])
    change(social, creationType=None, identities=[
        {"signInType": "federated", "issuer": "google.com", "issuerAssignedId": "1"}])
    change(guest, userType="Guest", identities=[
        {"signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": None}])
    change(mailless, mail=None)
    held = (await backups.opened.records.tenants.settings(backups.simulator.tenant_id)).settings
    options = {**held.options, MFA_OPTION: True}
    await backups.opened.records.tenants.set_settings(
        backups.simulator.tenant_id, held.model_copy(update={"options": options}), by="test"
    )
    manifest = await backups.run("full")
    await unpack(backups, manifest)
    made = {"b2cLocal": local, "social": social, "guest": guest, "mailless": mailless}
    return Listed(backups, files, manifest, users, made)


async def test_users_are_told_apart_and_mfa_mail_and_origin_filter_and_count(listed: Listed) -> None:
    everybody = await listed.ids(types=("user",))
    assert everybody == set(listed.users)
    kinds = {kind: await listed.ids(user_type=kind) for kind in ("member", "guest", "b2cLocal", "social")}
    assert sum(len(ids) for ids in kinds.values()) == len(everybody)
    for kind in ("guest", "b2cLocal", "social"):
        assert listed.made[kind] in kinds[kind]

    store = listed.backups.simulator.tenant.store
    states = await _of_users(listed, "strongAuthenticationRequirements", "perUserMfaState")
    methods = await _of_users(listed, "signInPreferences", "userPreferredMethodForSecondaryAuthentication")
    held = {one.read()["perUserMfaState"] for one in store.all("strongAuthenticationRequirements")}
    assert held == {"enforced", "enabled"} <= set(states.values())
    for state in set(states.values()):
        assert await listed.ids(mfa=state) == {key for key, found in states.items() if found == state}
    assert await listed.ids(mfa="OneWaySMS") == await listed.ids(mfa="sms")
    assert await listed.ids(mfa="sms") == {key for key, found in methods.items() if found == "sms"}
    assert await listed.ids(mfa="PhoneAppNotification", mail_enabled=True) <= {
        key for key, found in methods.items() if found == "push"
    }
    assert await listed.ids(mfa="TwoWayVoiceOffice") == set()

    mailed = await listed.ids(types=("user",), mail_enabled=True)
    without = await listed.ids(types=("user",), mail_enabled=False)
    assert (listed.made["mailless"] in without, mailed | without, mailed & without) == (True, everybody, set())
    synced, cloud = [await listed.ids(types=("user",), synced=synced) for synced in (True, False)]
    assert (synced | cloud, synced & cloud) == (everybody, set())
    assert synced == {
        one.key for one in store.all("user") if one.read().get("onPremisesSyncEnabled")
    }

    facets = (await (await listed.listing()).summary(Filter()))["facets"]
    counted = {one["value"]: one["count"] for one in facets["mfa"]}
    for value, count in counted.items():
        assert len(await listed.ids(mfa=value)) == count, value
    assert counted["sms"] == len([found for found in methods.values() if found == "sms"])
    assert {one["value"]: one["count"] for one in facets["userType"]} == {
        kind: len(ids) for kind, ids in kinds.items() if ids
    }
    page, _ = await (await listed.listing()).page(Filter(types=("user",)), top=1000)
    assert {one["objectId"]: (one["mfa"] or {}).get("state") for one in page if (one["mfa"] or {}).get("state")} == states
    point = Point(listed.backups.opened.vault, listed.manifest)
    for one in page[:10]:
        alone = await summary_of(point, await point.get(one["objectId"], "user"))
        assert alone["mfa"] == one["mfa"]


async def _of_users(listed: Listed, object_type: str, attribute: str) -> dict[str, str]:
    """User → what the restore point holds of it, read from the repository and not from the index."""
    view = RestorePoint(listed.backups.opened.vault, listed.manifest).view(object_type)
    return {
        str(record.body["@cairn.parent"]): str(record.body[attribute])
        async for record in view.objects() if record.body.get(attribute)
    }


async def test_what_was_deleted_since_is_told_from_what_is_there(listed: Listed) -> None:
    store = listed.backups.simulator.tenant.store
    gone = listed.made["mailless"]
    store.delete(gone, soft=True)
    newest = await listed.backups.run("incremental")
    listing = await listed.listing(newest)
    for deleted, expected in (("true", {gone}), ("any", set(listed.users)), ("false", set(listed.users))):
        page, _ = await listing.page(Filter(types=("user",), deleted=deleted), top=1000)  # type: ignore[arg-type]
        assert {one["objectId"] for one in page} == expected, deleted
        assert [one["objectId"] for one in page if one["deleted"]] == [gone]
