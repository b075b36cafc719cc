"""Values of custom security attributes: what a PATCH names, and that they come back."""

from typing import Any

import pytest

from shared.recovery.security_attributes import SET_TYPE, assignment
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up, erase

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
