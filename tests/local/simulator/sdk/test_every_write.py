"""Microsoft's own client makes, reads, changes, deletes and brings back an object of every type that can be written.

The list of types is the simulator's own (`writes.rules.RULES`): one without a case fails.
"""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Any

import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration

from local.simulator import Simulator, model
from local.simulator.writes.rules import RULES
from tests.local.simulator.sdk.cases import CASES, user
from tests.local.simulator.sdk.world import World, by_id, opened

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# What only the service itself changes: read by `test_every_collection_and_one_object_of_it_is_read_typed`.
NOT_WRITTEN = frozenset(name for name, rule in RULES.items() if not (rule.create or rule.update or rule.delete))
# What the service keeps in a form of its own.
REWRITTEN = {("ExtensionProperty", "name"),
             ("UnifiedRoleManagementPolicyExpirationRule", "maximum_duration")}  # fmt: skip
PLAIN = (str, int, float, bool, bytes, Enum)


@pytest.fixture
async def world(simulator: Simulator, credential: ClientSecretCredential) -> AsyncIterator[World]:
    async with opened(simulator, credential) as made:
        yield made


def test_every_type_that_can_be_written_has_a_case() -> None:
    written = {*RULES} - NOT_WRITTEN | {*model.CHILD_TABLES.values()}
    # a user holds a password and nobody writes its method; a device registration policy is put, which the SDK cannot;
    # for what a blueprint's agents inherit it has models and no builder
    assert written - {*CASES} == {"deviceRegistrationPolicy", "inheritablePermission"}
    assert {*CASES} - written == set()


@pytest.mark.parametrize("type_name", CASES)
async def test_an_object_of_the_type_is_made_read_changed_deleted_and_brought_back(
    world: World, type_name: str
) -> None:
    case = CASES[type_name]
    rule = RULES[model.TABLE_TYPES.get(type_name, type_name)]
    await furnish(world)
    world.version = case.version
    kind = world.m(case.model or model.TABLE_TYPES.get(type_name, type_name))
    await clear(world, type_name)
    builder = world.at(case.path, version=case.version, as_user=case.as_user)
    expected: dict[str, Any] = {}
    one = by_id(builder, world.ids[case.one]) if case.one else builder
    if case.made is not None:
        expected = case.made(world)
        made = await getattr(builder, case.by)(kind(**expected))
        if case.by == "post":
            assert isinstance(made, kind), made
            one = by_id(builder, str(getattr(made, case.key)))
    if case.then is not None:
        changed = case.then(world)
        await one.patch(kind(**changed))
        expected |= changed
    await agrees(one, kind, expected)
    if not rule.delete or not case.delete:
        return
    await one.delete()
    await is_gone(one, type_name)
    if case.bin:
        gone = by_id(world.at(case.bin, version=case.bin_version), str(getattr(made, case.key)))
        assert await gone.get() is not None
        back = await gone.restore.post()
        assert str(getattr(back, case.key)) == str(getattr(made, case.key))
        await agrees(one, kind, expected)


async def agrees(one: Any, kind: Any, expected: dict[str, Any]) -> None:
    """What is read is of the type and as it was said, as far as values are plain."""
    select = [camel(name) for name in expected if name not in ("password_profile", "odata_type", "additional_data")]
    read = await (one.get(request_configuration=selecting(one, select)) if kind.__name__ == "User" else one.get())
    if not isinstance(read, kind) and hasattr(read, "value"):
        return  # a collection that is addressed whole
    assert isinstance(read, kind), read
    for name, value in expected.items():
        plain = isinstance(value, PLAIN) or (isinstance(value, list) and all(isinstance(each, PLAIN) for each in value))
        if plain and (kind.__name__, name) not in REWRITTEN and name != "odata_type":
            assert getattr(read, name) == value, name
    for name, value in (expected.get("additional_data") or {}).items():
        assert read.additional_data[name] == value


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(each.capitalize() for each in rest)


def selecting(builder: Any, names: list[str]) -> RequestConfiguration[Any]:
    """The SDK's own way to say `$select`: most properties of a user come only when they are asked for."""
    parameters = next(each for each in dir(builder) if each.endswith("GetQueryParameters"))
    return RequestConfiguration(query_parameters=getattr(builder, parameters)(select=names))


async def is_gone(one: Any, type_name: str) -> None:
    with pytest.raises(APIError) as raised:
        await one.get()
    assert raised.value.response_status_code == 404, type_name


async def clear(world: World, type_name: str) -> None:
    """Make room for what a tenant has but one of, and take away what keeps an object from being deleted."""
    if type_name == "organizationalBranding":
        branding = world.at("organization/{organization}/branding")
        for each in (await branding.localizations.get()).value:
            localization = branding.localizations.by_organizational_branding_localization_id(each.id)
            await without_streams(localization)
            await localization.delete()
        await without_streams(branding)
    full = {"groupLifecyclePolicy": "groupLifecyclePolicies"}
    if type_name in full:
        for each in (await world.at(full[type_name]).get()).value:
            await by_id(world.at(full[type_name]), each.id).delete()


async def without_streams(branding: Any) -> None:
    """Put each stream of a branding, read it and take it away again."""
    for name in ("background_image", "banner_logo", "custom_c_s_s", "favicon", "header_logo", "square_logo",
                 "square_logo_dark"):  # fmt: skip
        content, kind = (b".ext {}", "text/css") if name == "custom_c_s_s" else (b"\x89PNG", "image/png")
        stream = getattr(branding, name)
        await stream.put(content, kind)
        assert await stream.get() == content
        await stream.delete()


async def furnish(world: World) -> None:
    """The ids that the cases refer to: picked from the tenant, or made by the client where it has none that is free."""
    client, ids = world.app["v1.0"], world.ids
    ids["person"] = (await client.users.post(world.m("user")(**user(world)))).id
    application = await client.applications.post(world.m("application")(display_name="New"))
    ids["application"], ids["newAppId"] = application.id, application.app_id
    other = await client.applications.post(world.m("application")(display_name="Client"))
    ids["client"] = (await client.service_principals.post(world.m("servicePrincipal")(app_id=other.app_id))).id
    said = {"display_name": "New", "mail_enabled": False, "mail_nickname": "new", "security_enabled": True}
    ids["group"] = (await client.groups.post(world.m("group")(**said))).id
    said |= {"mail_enabled": True, "mail_nickname": "office", "group_types": ["Unified"]}
    ids["office"] = (await client.groups.post(world.m("group")(**said))).id
    ids["verified"] = (await client.domains.post(world.m("domain")(id="verified.example"))).id
    await client.domains.by_domain_id("verified.example").verify.post()
    unit = world.m("administrativeUnit")(display_name="New")
    ids["unit"] = (await client.directory.administrative_units.post(unit)).id
