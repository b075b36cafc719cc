"""Values of custom security attributes: what a PATCH names, and that they come back."""

from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.recovery.security_attributes import SET_TYPE, assignment
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up, erase
from tests.shared.recovery.test_users_and_groups import plain_users
from tests.simulated import turn_on

READ = "#microsoft.graph.customSecurityAttributeValue"


@pytest.mark.parametrize(
    ("wanted", "present", "sent"),
    [
        ({"Hr": {"@odata.type": READ, "Level": "A"}}, None, {"Level": "A"}),
        ({"Hr": {"@odata.type": READ, "Level": "A"}}, {"Hr": {"Level": "B"}}, {"Level": "A"}),
        ({"Hr": {"Level": "A"}}, {"Hr": {"Level": "A", "Note": "x"}}, {"Note": None}),
        ({"Hr": {"Level": "A"}}, {"Hr": {"Level": "A", "Tags": ["x"]}}, {"Tags": []}),
        (None, {"Hr": {"Level": "A"}}, {"Level": None}),
        ({"Hr": {"Tags": ["b", "a"]}}, {"Hr": {"Tags": ["c"]}},
         {"Tags@odata.type": "#Collection(String)", "Tags": ["b", "a"]}),
        ({"Hr": {"Years": 3}}, {}, {"Years@odata.type": "#Int32", "Years": 3}),
        ({"Hr": {"Years": [1, 2]}}, {}, {"Years@odata.type": "#Collection(Int32)", "Years": [1, 2]}),
        ({"Hr": {"Trained": False}}, {"Hr": {"Trained": True}}, {"Trained": False}),
    ],
)
def test_a_patch_names_what_differs_with_its_type_and_takes_away_what_was_added(
    wanted: Any, present: Any, sent: dict[str, Any]
) -> None:
    assert assignment(wanted, present) == {"Hr": {"@odata.type": SET_TYPE, **sent}}


def test_what_is_the_same_is_not_sent() -> None:
    assert assignment({"Hr": {"Tags": ["a", "b"]}}, {"Hr": {"Tags": ["b", "a"]}}) == {}


@pytest.mark.parametrize("anew", [False, True])
async def test_values_of_every_kind_come_back(restores: Restores, anew: bool):
    store = restores.simulator.store
    user = next(one for one in store.all("user") if one.read().get("customSecurityAttributes"))
    before = user.read()["customSecurityAttributes"]
    definition = next(iter(store.all("customSecurityAttributeDefinition"))).read()
    store.create("customSecurityAttributeDefinition", {
        **definition, "id": "Privacy_Region", "attributeSet": "Privacy", "name": "Region", "type": "String",
        "isCollection": False, "usePreDefinedValuesOnly": False, "status": "Available",
    })
    await backed_up(restores)
    if anew:
        erase(store, user.key)
    else:
        store.update(user.key, {**user.read(), "customSecurityAttributes": {
            "Privacy": {**before["Privacy"], "DataClass": "Public", "Region": "EU"},
        }})
    done = await restores.run([user.key])
    ops = await restores.operations(done)
    sent = [receipt["state"] for one, receipt in ops if one.attributes == ("customSecurityAttributes",)]
    assert sent == ["done"], [receipt.get("error") for _, receipt in ops]
    assert done["verification"]["differing"] == 0
    made = next((receipt["newObjectId"] for one, receipt in ops if (one.kind, one.object_type) == ("create", "user")),
                user.key)
    assert store.get(made).read()["customSecurityAttributes"] == before


TYPE = {"@odata.type": SET_TYPE}
PROJECT = {"Project@odata.type": "#Collection(String)", "Project": ["Alpine"]}
TRAINED = {"Privacy": {**TYPE, "Trained": True}}
BOTH = {"Engineering": {**TYPE, **PROJECT}, "Privacy": {**TYPE, "Trained": False, "DataClass": "Internal"}}


def assigned(store: Any, one: str) -> Any:
    """What is assigned, without the types of the values."""
    return bare(store.get(one).read().get("customSecurityAttributes"))


def bare(values: Any) -> Any:
    return values and {
        name: {one: value for one, value in each.items() if "@" not in one} for name, each in values.items()
    }


def assign(store: Any, user: str, values: Any) -> None:
    store.update(user, {**store.get(user).read(), "customSecurityAttributes": values})


OF_NUMBERS = {"Engineering": {**TYPE, **PROJECT, "CertificationLevel@odata.type": "#Int32", "CertificationLevel": 3}}


async def backed_up_with_them(restores: Restores) -> None:
    await turn_on(restores.opened, restores.tenant_id, ["customSecurityAttributes"])
    await restores.backups.run("full")


@pytest.mark.parametrize(
    ("was", "now"), [(None, BOTH), (TRAINED, BOTH), (BOTH, TRAINED), (OF_NUMBERS, None)],
    ids=["none was", "fewer were", "more were", "none is"],
)
async def test_attributes_are_set_back_and_an_undo_gives_them_again(restores: Restores, was: Any, now: Any):
    store = restores.simulator.store
    user = plain_users(store)[0]
    assign(store, user, was)
    await backed_up_with_them(restores)
    assign(store, user, now)
    done = await restores.run([user], links="exact")
    assert assigned(store, user) == bare(was), await restores.operations(done)
    assert done["verification"]["differing"] == 0
    assert not await restores.operations(await restores.plan([user], links="exact"))
    undone = await restores.undo(done)
    assert assigned(store, user) == bare(now), await restores.operations(undone)
    assert undone["verification"]["differing"] == 0


async def test_a_removal_whose_answer_is_lost_is_known_to_be_done(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    assign(store, user, TRAINED)
    await backed_up_with_them(restores)
    assign(store, user, BOTH)
    planned = await restores.plan([user])
    rule = {"kind": "timeoutAfterWrite", "method": "PATCH", "path": "/users/", "count": 1}
    restores.simulator.tenant.faults.rules.append(parse(rule))
    done = await restores.apply(planned)
    assert [receipt["state"] for _, receipt in await restores.operations(done)] == ["done"]
    assert assigned(store, user) == bare(TRAINED)


async def test_whoever_is_made_anew_gets_the_attributes_that_they_had(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    app = next(one for one in store.all("application") if one.read()["appId"] != restores.simulator.client_id)
    principal = next(iter(store.find("servicePrincipal", "appId", app.read()["appId"]))).key
    for one in (user, principal):
        assign(store, one, OF_NUMBERS)
    await backed_up_with_them(restores)
    for one in (user, principal):
        erase(store, one)
    done = await restores.run([user, principal])
    for one in (user, principal):
        assert assigned(store, await restores.new_id(one)) == bare(OF_NUMBERS), await restores.operations(done)
    assert done["verification"]["differing"] == 0
