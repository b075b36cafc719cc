"""What is backed up and what is restored, type by type, over HTTP."""

import httpx


async def test_every_type_tells_its_attributes_links_and_what_is_left_and_why(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/objectTypes")).json()
    types = {one["type"]: one for one in answer["value"]}
    assert "nextLink" not in answer
    for one in types.values():
        assert one["attributes"], one["type"]
        assert one["restored"] == (one["whyNotRestored"] is None)
        assert all(each["names"] and each["why"] for each in (*one["leftAsIs"], *one["leftOut"])), one["type"]
        assert all(link["restored"] or link["whyNotRestored"] or link["heldBy"] for link in one["links"]), one["type"]
    policy = types["conditionalAccessPolicy"]
    assert {"displayName", "state", "conditions", "grantControls", "sessionControls"} <= set(policy["attributes"])
    assert "extensionAttributes" in types["device"]["attributes"]
    assert ["passwordProfile"] in [each["names"] for each in types["user"]["leftAsIs"]]
    assert "Azure" in types["managedIdentityFederatedCredential"]["whyNotRestored"]
    assert not {name for each in types["user"]["leftOut"] for name in each["names"]} & set(types["user"]["attributes"])
