"""What hangs on an object that an earlier restore made anew is restored, proved, undone and redone like anything else.

Every type of the catalog that hangs on a type that can be made anew, all in one tenant: their parents are deleted for
good and made anew by restore A; what hangs on them is damaged, and set back by restore B from the point before A.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT, ObjectType
from shared.catalog.where import holds, why_left_alone
from shared.records.identity_map import KnownIdentities
from shared.records.restores import Restore
from shared.recovery.fixups import GROUP_PIM, deletion_body
from shared.recovery.reading import PresentReader, reading_of
from shared.recovery.relink import Ids
from shared.recovery.requests import object_request, parent_of
from shared.recovery.state import Json, Present, Wanted
from tests.laws.damages import Tenant, administrator
from tests.laws.restoring import refused, restoring
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_comes_with_parent import RULE, settings
from tests.shared.recovery.test_types import backed_up, erase, is_made, seed

NOT_SHOWN = {
    "inheritablePermission": "the simulator knows none",
    "internalDomainFederation": "a domain that was made anew takes no federation until its owner has proved it",
    "synchronizationJob": "its templates come with gallery applications, and those of the generated tenant are of others",
}
"""Types that hang on one that can be made anew, and are not shown here."""

HANGING = sorted(
    row.name for row in OBJECT_TYPES.values()
    if row.parent and is_made(OBJECT_TYPES[row.parent]) and (is_made(row) or (row.one_per_parent and row.update_request))
    and row.name not in NOT_SHOWN
)

CHANGES: dict[str, Json] = {
    "certificateAuthorityDetail": {"certificateRevocationListUrl": "http://changed.since.example/list.crl"},
    "emailAuthenticationMethod": {"emailAddress": "changed@since.example"},
    "federatedIdentityCredential": {"description": "changed since"},
    "groupSpecificSetting": {"values": [{"name": "AllowToAddGuests", "value": "True"}]},
    "onPremisesPublishing": {"internalUrl": "http://changed.since.example/"},
    "phoneAuthenticationMethod": {"phoneNumber": "+1 2065550199"},
    "signInPreferences": {"isSystemPreferredAuthenticationMethodEnabled": True},
    "strongAuthenticationRequirements": {"perUserMfaState": "enforced"},
}
"""What somebody changes of one of each type that can be changed."""

MADE = [name for name in HANGING if is_made(OBJECT_TYPES[name])]


@dataclass
class Hanging:
    """One of each type, under parents that a restore made anew."""

    restores: Restores
    people: Tenant
    point: str
    """The restore point from before the parents were deleted."""
    unit: str = ""
    """An administrative unit that holds the group."""
    policy: str = ""
    """A Conditional Access policy that names it."""
    first: dict[str, Wanted] = field(default_factory=dict)
    """Type → the object as the point has it."""

    async def known(self) -> KnownIdentities:
        return await self.restores.opened.records.identity_map.resolved(self.restores.tenant_id)

    def parent(self, name: str) -> str:
        one = self.first[name]
        return parent_of(OBJECT_TYPES[name], one.object_id, one.body)

    async def now(self, names: list[str]) -> dict[str, Present]:
        """The objects of these types as Graph shows them, wherever they are now."""
        known = await self.known()
        asked = []
        for name in names:
            one = self.first[name]
            asked.append(Wanted(name, known.now(one.object_id), {PARENT: known.now(self.parent(name))}))
        settings = (await self.restores.opened.records.tenants.settings(self.restores.tenant_id)).settings
        async with self.restores.sessions.restoring(self.restores.opened.settings, self.restores.tenant_id) as graph:
            states = await PresentReader(graph, await reading_of(graph, settings.options), Ids()).read(asked)
        return {name: states[name, one.object_id] for name, one in zip(names, asked, strict=True)}

    async def values(self, names: list[str]) -> dict[str, Any]:
        found = {}
        for name, one in (await self.now(names)).items():
            found[name] = {each: one.body.get(each) for each in CHANGES[name]} if one.liveness == "live" else None
        return found

    async def live(self, names: list[str]) -> dict[str, bool]:
        return {name: one.liveness == "live" for name, one in (await self.now(names)).items()}

    async def ids(self, names: list[str], by: str) -> list[str]:
        known = await self.known()
        return [known.now(self.first[name].object_id) if by == "new" else self.first[name].object_id for name in names]

    async def change(self) -> None:
        for name, one in (await self.now(sorted(CHANGES))).items():
            row, body = OBJECT_TYPES[name], CHANGES[name]
            method, path = object_request(row, row.update_request, one.object_id, one.body)
            sent = {"onPremisesPublishing": body} if name == "onPremisesPublishing" else body
            assert await self.people.sent(method, f"/{row.version}{path}", sent), name

    async def delete(self) -> None:
        for name, one in (await self.now(MADE)).items():
            row = OBJECT_TYPES[name]
            method, path = object_request(row, row.delete_request, one.object_id, one.body)
            assert await self.people.sent(method, f"/{row.version}{path}", deletion_body(row, one.body)), name

    async def run(self, *chosen: str) -> Restore:
        return await self.well(await self.restores.run(sorted(set(chosen)), backup_id=self.point, links="exact"))

    async def undone(self, restore: Restore, chosen: list[str] | None = None) -> Restore:
        return await self.well(await self.restores.undo(restore, chosen))

    async def well(self, restore: Restore) -> Restore:
        bad = await refused(self.restores, restore)
        assert not bad, "\n".join(bad)
        assert restore["state"] == "done"
        assert restore["verification"]["differing"] == 0, restore["verification"]
        assert restore["verification"]["checked"] > 0
        return restore

    async def name_the_group(self) -> None:
        """By a link and by a policy, neither of which hangs on it."""
        group, store = self.parent("groupSpecificSetting"), self.restores.simulator.store
        self.unit = next(one.key for one in store.all("administrativeUnit") if not one.read().get("membershipRule"))
        if group not in store.link_set("members").targets(self.unit):
            path = f"/v1.0/directory/administrativeUnits/{self.unit}/members/$ref"
            assert await self.people.sent("POST", path, self.people.ref(group))
        users = {"includeUsers": [], "includeGroups": [group]}
        policy = {
            "displayName": "names the group", "state": "disabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
            "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}, "users": users},
        }
        assert await self.people.sent("POST", "/v1.0/identity/conditionalAccess/policies", policy)
        self.policy = next(
            one.key for one in store.all("conditionalAccessPolicy") if one.read()["displayName"] == "names the group"
        )

    async def erase_parents(self) -> None:
        """Delete them for good, and what hangs on them with them, as Entra does."""
        known, store = await self.known(), self.restores.simulator.store
        for key in sorted({known.now(self.parent(name)) for name in self.first}):
            for schedule in [one for table in GROUP_PIM for one in store.all(table) if one.read()["groupId"] == key]:
                store.delete(schedule.key, soft=False)
            if store.get(key) is not None:
                erase(store, key)


async def classify(people: Tenant) -> None:
    """A classification of a scope that the tenant's own application publishes: the generated ones are Microsoft's."""
    own = {one["appId"] for one in await people.get("/v1.0/applications?$top=999")}
    principal = await people.one_of(
        "/v1.0/servicePrincipals?$top=999", lambda one: one["appId"] in own and one["oauth2PermissionScopes"]
    )
    assert principal is not None
    scope = principal["oauth2PermissionScopes"][0]
    body = {"permissionId": scope["id"], "permissionName": scope["value"], "classification": "low"}
    path = f"/v1.0/servicePrincipals/{principal['id']}/delegatedPermissionClassifications"
    assert await people.sent("POST", path, body)


def may_hang(view: Any, row: ObjectType, parent: str, body: Json) -> bool:
    """Whether a restore may make both anew."""
    above = OBJECT_TYPES[row.parent]
    shown = view[above.name]["objects"].get(parent)
    if shown is None or above.mastered_on_premises(shown) or why_left_alone(above.left_alone, shown):
        return False
    if why_left_alone(row.left_alone, body) or (row.restored_as and holds(row.restored_as_where, body)):
        return False
    own = {one["appId"] for one in view["application"]["objects"].values()}
    return above.name != "servicePrincipal" or shown["appId"] in own


@pytest.fixture(params=[False, True], ids=["noBackupSince", "backupSince"])
async def hanging(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hanging]:
    async with restoring(tmp_path, monkeypatch) as restores, administrator(restores.simulator, Random(1)) as people:
        for name in HANGING:
            seed(restores, name)
        await classify(people)
        view = await backed_up(restores)
        one = Hanging(restores, people, "")
        for name in HANGING:
            row = OBJECT_TYPES[name]
            one.first[name] = next(
                Wanted(name, object_id, body) for object_id, body in sorted(view[name]["objects"].items())
                if may_hang(view, row, parent_of(row, object_id, body), body)
            )
        await one.name_the_group()
        await restores.backups.run()
        one.point = (await restores.opened.records.restore_points.get(restores.tenant_id, "latest"))["backupId"]
        await one.erase_parents()
        await one.run(*[one.parent(name) for name in HANGING])
        assert await one.live(HANGING) == dict.fromkeys(HANGING, True)
        if request.param:
            await restores.backups.run("full")
        yield one


BY = pytest.mark.parametrize("by", ["old", "new"])


def test_all_that_can_be_changed_is_changed_here() -> None:
    assert sorted(CHANGES) == [
        name for name in HANGING if OBJECT_TYPES[name].update_request and name not in GROUP_PIM
    ]


@BY
async def test_the_group_itself_and_its_members_are_set_back_undone_and_redone(hanging: Hanging, by: str) -> None:
    group, store = hanging.parent("groupSpecificSetting"), hanging.restores.simulator.store
    now = await hanging.restores.new_id(group)

    def shown() -> tuple[Any, set[str]]:
        return store.get(now).read().get("description"), set(store.link_set("members").targets(now))

    before = shown()
    user = next(one.key for one in store.all("user") if one.key not in before[1])
    assert await hanging.people.sent("PATCH", f"/v1.0/groups/{now}", {"description": "changed since"})
    assert await hanging.people.sent("POST", f"/v1.0/groups/{now}/members/$ref", hanging.people.ref(user))
    changed = shown()
    assert changed == ("changed since", before[1] | {user})
    restored = await hanging.run(now if by == "new" else group)
    assert shown() == before
    undone = await hanging.undone(restored, [now if by == "new" else group])
    assert shown() == changed
    await hanging.undone(undone)
    assert shown() == before


@BY
async def test_what_was_changed_is_set_back_undone_and_redone(hanging: Hanging, by: str) -> None:
    names = sorted(CHANGES)
    before = await hanging.values(names)
    await hanging.change()
    changed = await hanging.values(names)
    restored = await hanging.run(*await hanging.ids(names, by))
    assert await hanging.values(names) == before
    undone = await hanging.undone(restored)
    assert await hanging.values(names) == changed
    await hanging.undone(undone)
    assert await hanging.values(names) == before


@BY
async def test_what_was_deleted_comes_back_goes_with_the_undo_and_comes_with_the_redo(hanging: Hanging, by: str) -> None:
    there, gone = dict.fromkeys(MADE, True), dict.fromkeys(MADE, False)
    await hanging.delete()
    assert await hanging.live(MADE) == gone
    restored = await hanging.run(*await hanging.ids(MADE, by))
    assert await hanging.live(MADE) == there
    undone = await hanging.undone(restored, await hanging.ids(MADE, by))
    assert await hanging.live(MADE) == gone
    await hanging.undone(undone)
    assert await hanging.live(MADE) == there


@BY
async def test_it_is_undone_also_where_its_parent_was_made_anew_again_since(hanging: Hanging, by: str) -> None:
    names = sorted(CHANGES)
    await hanging.change()
    changed = await hanging.values(names)
    restored = await hanging.run(*await hanging.ids(names, by))
    await hanging.erase_parents()
    await hanging.run(*[hanging.parent(name) for name in names])
    before = await hanging.values(names)
    undone = await hanging.undone(restored, await hanging.ids(names, by))
    assert await hanging.values(names) == changed
    await hanging.undone(undone)
    assert await hanging.values(names) == before


@BY
async def test_pim_settings_that_came_with_a_group_are_set_back_undone_and_redone(hanging: Hanging, by: str) -> None:
    group, store = hanging.parent("privilegedAccessGroupEligibilitySchedule"), hanging.restores.simulator.store
    now = await hanging.restores.new_id(group)

    def shown() -> Any:
        return settings(store, now)["member"][RULE]["maximumDuration"]

    before = shown()
    policy = next(
        one.read()["policyId"] for one in store.find("unifiedRoleManagementPolicyAssignment", "scopeId", now)
        if one.read()["roleDefinitionId"] == "member"
    )
    sent = {"@odata.type": settings(store, now)["member"][RULE]["@odata.type"], "maximumDuration": "P2D"}
    assert await hanging.people.sent("PATCH", f"/v1.0/policies/roleManagementPolicies/{policy}/rules/{RULE}", sent)
    assert shown() == "P2D" != before
    chosen = [f"{now if by == 'new' else group}/member"]
    restored = await hanging.run(*chosen)
    assert shown() == before
    undone = await hanging.undone(restored, chosen)
    assert shown() == "P2D"
    await hanging.undone(undone)
    assert shown() == before


NAMES = {
    "application": "displayName", "certificateBasedAuthPki": "displayName", "group": "description",
    "servicePrincipal": "notes", "user": "jobTitle",
}
"""An attribute of each type that something hangs on."""


async def test_a_point_from_before_a_restore_brings_back_what_names_the_object_by_an_older_id(hanging: Hanging) -> None:
    """Such a point holds what its restore touched, here the parents, and all else as the last backup read it."""
    restores, point = hanging.restores, hanging.point
    parents = {OBJECT_TYPES[name].parent: hanging.parent(name) for name in HANGING}
    assert sorted(parents) == sorted(NAMES)
    group = hanging.parent("groupSpecificSetting")
    known = await hanging.known()
    for kind, object_id in [*parents.items(), ("group", group)]:
        path = f"/{OBJECT_TYPES[kind].version}{OBJECT_TYPES[kind].path}/{known.now(object_id)}"
        assert await hanging.people.sent("PATCH", path, {NAMES[kind]: "changed since"})
    restored = await hanging.run(*[known.now(hanging.parent(name)) for name in HANGING])
    hanging.point = restored["beforeBackupId"]
    await hanging.erase_parents()
    await hanging.run(*[known.now(hanging.parent(name)) for name in HANGING])
    hanging.point = point
    assert await hanging.live(HANGING) == dict.fromkeys(HANGING, True)
    store, now = restores.simulator.store, await restores.new_id(group)
    assert store.get(now).read()["description"] == "changed since"
    assert now in store.link_set("members").targets(hanging.unit)
    assert store.get(hanging.policy).read()["conditions"]["users"]["includeGroups"] == [now]


async def test_parents_that_were_made_anew_twice_go_with_what_hangs_on_them(hanging: Hanging) -> None:
    await hanging.erase_parents()
    restored = await hanging.run(*[hanging.parent(name) for name in HANGING])
    assert await hanging.live(HANGING) == dict.fromkeys(HANGING, True)
    undone = await hanging.undone(restored)
    assert await hanging.live(HANGING) == dict.fromkeys(HANGING, False)
    await hanging.undone(undone)
    assert await hanging.live(HANGING) == dict.fromkeys(HANGING, True)
