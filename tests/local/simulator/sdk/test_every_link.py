"""Microsoft's own client adds, reads, follows back and removes a link of every kind that can be written.

The list is the simulator's own (`writes.links.RULES`): a kind without a case fails.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError

from local.simulator import Simulator, model
from local.simulator.writes.links import RULES
from tests.local.simulator.sdk.test_every_write import furnish
from tests.local.simulator.sdk.world import World, by_id, opened

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass(frozen=True, slots=True)
class Link:
    """From the object at `path` to the one of `target`; `back` is where that one tells of it."""

    path: str
    target: str
    back: str = ""
    version: str = "v1.0"
    as_user: bool = False


LINKS = {
    ("user", "manager"): Link("users/{person}", "boss", "users/{boss}/directReports"),
    ("user", "sponsors"): Link("users/{person}", "boss"),
    ("group", "members"): Link("groups/{group}", "person", "users/{person}/memberOf"),
    ("group", "owners"): Link("groups/{group}", "person", "users/{person}/ownedObjects"),
    ("group", "acceptedSenders"): Link("groups/{office}", "person", as_user=True),
    ("group", "rejectedSenders"): Link("groups/{office}", "person", as_user=True),
    ("application", "owners"): Link("applications/{application}", "person", "users/{person}/ownedObjects"),
    ("servicePrincipal", "owners"): Link("servicePrincipals/{client}", "person", "users/{person}/ownedObjects"),
    ("device", "registeredOwners"): Link("devices/{device}", "person", "users/{person}/ownedDevices", as_user=True),
    ("device", "registeredUsers"): Link("devices/{device}", "person", "users/{person}/registeredDevices", as_user=True),
    ("administrativeUnit", "members"): Link("directory/administrativeUnits/{unit}", "person", "users/{person}/memberOf"),
    ("directoryRole", "members"): Link("directoryRoles/{activeRole}", "person", "users/{person}/memberOf"),
    ("application", "connectorGroup"): Link("applications/{application}", "connectors", version="beta", as_user=True),
    ("connectorGroup", "members"): Link(
        "onPremisesPublishingProfiles/applicationProxy/connectorGroups/{connectors}", "connector", version="beta",
        as_user=True,
    ),
    ("featureRolloutPolicy", "appliesTo"): Link("policies/featureRolloutPolicies/{rollout}", "group", as_user=True),
    **{
        (table, name): Link(f"{path}/{{{anchor}}}", name, f"policies/{name}/{{{name}}}/appliesTo")
        for table, path, anchor, names in (
            ("application", "applications", "application",
             ("tokenIssuancePolicies", "tokenLifetimePolicies", "appManagementPolicies")),
            ("servicePrincipal", "servicePrincipals", "client",
             ("tokenIssuancePolicies", "tokenLifetimePolicies", "appManagementPolicies", "claimsMappingPolicies",
              "homeRealmDiscoveryPolicies")),
        )
        for name in names
    },
}  # fmt: skip
# Microsoft's client has no builder for this `$ref`.
NO_BUILDER = {("servicePrincipal", "appManagementPolicies")}
# Links of agents alone: Microsoft's client has no builders below their casts.
AGENTS = {
    ("application", "sponsors"): ("applications", "agentIdentityBlueprint"),
    ("servicePrincipal", "sponsors"): ("servicePrincipals", "agentIdentity"),
}


@pytest.fixture
async def world(simulator: Simulator, credential: ClientSecretCredential) -> AsyncIterator[World]:
    async with opened(simulator, credential) as made:
        yield made


def test_every_link_that_can_be_written_has_a_case() -> None:
    assert {*LINKS, *AGENTS} == {*RULES}


@pytest.mark.parametrize(("source", "name"), [each for each in LINKS if each not in NO_BUILDER])
async def test_a_link_is_added_told_both_ways_and_removed(world: World, source: str, name: str) -> None:
    link = LINKS[source, name]
    await furnish(world)
    world.version = link.version
    await policies(world, name)
    one = world.at(f"{link.path}/{name}", version=link.version, as_user=link.as_user)
    target = world.ids[link.target]
    navigation = model.navigation_of(source, name)
    assert navigation is not None
    uri = f"https://graph.microsoft.com/{link.version}/{place(navigation.target)}/{target}"
    if navigation.single:
        await one.ref.put(world.m("referenceUpdate")(odata_id=uri))
        assert (await one.get()).id == target
    else:
        await one.ref.post(world.m("referenceCreate")(odata_id=uri))
        assert target in {each.id for each in (await one.get()).value}
        with pytest.raises(APIError):
            await one.ref.post(world.m("referenceCreate")(odata_id=uri))
    if link.back:
        back = await world.at(link.back, version=link.version).get()
        assert world.ids[link.path.rpartition("{")[2].rstrip("}")] in {each.id for each in back.value}
    if navigation.single:
        await one.ref.delete()
        with pytest.raises(APIError, match="404"):
            await one.get()
    else:
        await by_id(one, target).ref.delete()
        assert target not in {each.id for each in (await one.get()).value}
        with pytest.raises(APIError):
            await by_id(one, target).ref.delete()


async def test_what_the_client_has_no_builder_for_is_linked_over_plain_http(
    world: World, graph: httpx.AsyncClient
) -> None:
    await furnish(world)
    for source, name in NO_BUILDER:
        assert not hasattr(world.at(f"{LINKS[source, name].path}/{name}"), "ref")
        await policies(world, name)
        at = f"/v1.0/{LINKS[source, name].path.format(**world.ids)}/{name}"
        said = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/{name}/{world.ids[name]}"}
        assert (await graph.post(f"{at}/$ref", json=said)).status_code == 204
        assert [each["id"] for each in (await graph.get(at)).json()["value"]] == [world.ids[name]]
        assert (await graph.delete(f"{at}/{world.ids[name]}/$ref")).status_code == 204


@pytest.mark.parametrize(("source", "name"), AGENTS)
async def test_agents_have_sponsors(
    simulator: Simulator, graph: httpx.AsyncClient, source: str, name: str
) -> None:
    collection, kind = AGENTS[source, name]
    found = {model.type_of(source, each.read()): each.key for each in simulator.store.all(source)}
    user = next(simulator.store.all("user")).key
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"}
    at = f"/v1.0/{collection}/{found[kind]}/microsoft.graph.{kind}/{name}"
    told = {each["id"] for each in (await graph.get(at)).json()["value"]}
    if user in told:
        assert (await graph.delete(f"{at}/{user}/$ref")).status_code == 204
    assert (await graph.post(f"{at}/$ref", json=reference)).status_code == 204
    assert (await graph.post(f"{at}/$ref", json=reference)).status_code == 400
    assert {each["id"] for each in (await graph.get(at)).json()["value"]} == told | {user}
    assert (await graph.delete(f"{at}/{user}/$ref")).status_code == 204
    assert (await graph.delete(f"{at}/{user}/$ref")).status_code == 404
    plain = next(key for key in (each.key for each in simulator.store.all(source)) if key not in found.values())
    assert (await graph.post(f"/v1.0/{collection}/{plain}/{name}/$ref", json=reference)).status_code == 400


def place(target: str) -> str:
    """The collection that a reference of a kind names."""
    return {"connectorGroup": "onPremisesPublishingProfiles/applicationProxy/connectorGroups",
            "connector": "onPremisesPublishingProfiles/applicationProxy/connectors",
            }.get(
        target, "directoryObjects" if target == "directoryObject" else f"policies/{target[:-1]}ies")  # fmt: skip


async def policies(world: World, name: str) -> None:
    """A fresh policy of the kind that is linked, and an owner beside the one that is removed again."""
    if name == "owners":
        boss = world.m("referenceCreate")(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{world.ids['boss']}")
        await world.at("groups/{group}/owners/$ref").post(boss)
    texts: dict[str, dict[str, Any]] = {
        "tokenIssuancePolicies": {"definition": ['{"TokenIssuancePolicy":{"Version":1,"SigningAlgorithm":"SHA256"}}']},
        "tokenLifetimePolicies": {
            "definition": ['{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"8:00:00"}}']},
        "claimsMappingPolicies": {"definition": ['{"ClaimsMappingPolicy":{"Version":1}}']},
        "homeRealmDiscoveryPolicies": {
            "definition": ['{"HomeRealmDiscoveryPolicy":{"AccelerateToFederatedDomain":true}}']},
        "appManagementPolicies": {"description": "d", "is_enabled": False},
    }  # fmt: skip
    if name in texts:
        kind = world.m(f"{name.removesuffix('ies')}y")
        made = await world.at(f"policies/{name}").post(kind(display_name="Linked", **texts[name]))
        world.ids[name] = made.id
