"""Passwords of users made anew, written to the Key Vault that the tenant's settings name."""

import uuid
from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport

from shared.errors import StoreUnavailable
from shared.records.restores import Restore
from shared.records.times import utc_now
from shared.recovery import handing_over, lifecycle
from shared.recovery.key_vault import RESTORE_TAG, KeptSecret, open_key_vault
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.key_vault_stand_in import StandIn, key_vault_stand_in
from tests.shared.recovery.test_users_and_groups import names, plain_users


async def two_lost_users(restores: Restores) -> list[str]:
    store = restores.simulator.store
    await restores.backups.run("full")
    lost = list(plain_users(store, 1000))[-2:]
    for one in lost:
        store.delete(one, soft=True)
        store.purge(one)
    return lost


async def name_vault(restores: Restores, address: str) -> None:
    restores.opened = replace(
        restores.opened, settings=replace(restores.opened.settings, private_webhooks="allow")
    )
    tenants = restores.opened.records.tenants
    settings = (await tenants.settings(restores.tenant_id)).settings
    await tenants.set_settings(
        restores.tenant_id, settings.model_copy(update={"credentials_vault": address}), by="test"
    )


async def told(restores: Restores) -> list[str]:
    events = restores.opened.records.events
    return [one["message"] async for _, one in events.stream([restores.tenant_id])
            if one["code"] == "credentialsNotHandedOver"]


def store_of(restores: Restores, restore: Restore) -> Any:
    return lifecycle.store_of(restores.opened, restores.tenant_id, restore["restoreId"])


async def test_generated_passwords_go_to_the_key_vault_once_and_leave_the_workspace(restores: Restores):
    lost = await two_lost_users(restores)
    async with key_vault_stand_in() as vault:
        await name_vault(restores, vault.address)
        done = await restores.run(lost)
        assert (done["state"], done["credentials"]) == ("done", "keyVault"), await told(restores)
        await lifecycle.finish(restores.opened, {
            "tenantId": restores.tenant_id, "taskId": done["restoreId"], "restoreId": done["restoreId"],
            "outcome": "applied", "summary": "",
        })
        assert (await restores.restore(done["restoreId"]))["credentials"] == "keyVault"
    assert [len(each) for each in vault.versions.values()] == [1, 1]
    assert not any(vault.unauthorized_bodies), "nothing secret is sent before the challenge is answered"
    assert vault.tokens == {"loopback"}, "no token of Cairn's identity goes to this machine"
    kept = [one async for _, one in store_of(restores, done).secrets()]
    assert {one["secretName"] for one in kept} == set(vault.versions)
    assert not any("secret" in one or "userPrincipalName" in one for one in kept)
    for old in lost:
        new = await restores.new_id(old)
        assert next(one["newObjectId"] for one in kept if one["objectId"] == old) == new
        name = next(one["secretName"] for one in kept if one["objectId"] == old)
        secret = vault.versions[name][0]
        assert len(secret["value"]) >= 16
        assert secret["contentType"] == "password"
        assert secret["tags"] == {
            "cairnTenant": restores.tenant_id, RESTORE_TAG: done["restoreId"], "cairnObjectType": "user",
            "cairnObject": new,
        }
        left = secret["attributes"]["exp"] - utc_now().timestamp()
        assert timedelta(days=29).total_seconds() < left < timedelta(days=31).total_seconds()
        upn = names(restores.simulator.store, new)["userPrincipalName"]
        assert upn.split("@")[0] not in str([name, secret["tags"]])
    assert await told(restores) == []


async def test_what_the_key_vault_does_not_take_waits_to_be_fetched_and_is_told(restores: Restores):
    lost = await two_lost_users(restores)
    async with key_vault_stand_in(refuses_after=1) as vault:
        await name_vault(restores, vault.address)
        done = await restores.run(lost)
    assert (done["state"], done["credentials"]) == ("done", "waiting")
    kept = [one async for _, one in store_of(restores, done).secrets()]
    assert sorted("secret" in one for one in kept) == [False, True]
    (message,) = await told(restores)
    assert "403" in message
    assert "Key Vault Secrets Officer" in message
    task = await restores.opened.records.tasks.get(done["restoreId"])
    assert task["status"] == "succeededWithWarnings"


async def test_a_later_try_writes_the_rest_and_nothing_twice(restores: Restores):
    lost = await two_lost_users(restores)
    async with key_vault_stand_in(refuses_after=1) as vault:
        await name_vault(restores, vault.address)
        done = await restores.run(lost)
        vault.refuses_after = 1_000_000
        store = store_of(restores, done)
        await handing_over.hand_over(restores.opened, restores.tenant_id, done["restoreId"], store)
        assert [len(each) for each in vault.versions.values()] == [1, 1]
    assert not any(["secret" in one async for _, one in store.secrets()])


async def test_an_address_that_this_deployment_does_not_allow_is_not_asked(restores: Restores):
    lost = await two_lost_users(restores)
    async with key_vault_stand_in() as vault:
        await name_vault(restores, vault.address)
        refusing = replace(restores.opened.settings, private_webhooks="refuse")
        restores.opened = replace(restores.opened, settings=refusing)
        done = await restores.run(lost)
    assert done["credentials"] == "waiting"
    assert (vault.writes, vault.unauthorized_bodies) == (0, [])
    assert "https://NAME.vault.azure.net" in (await told(restores))[0]


# -- the client itself, as it speaks to a Key Vault in Azure -------------------------------------------------------


class LedHere(AioHttpTransport):
    """Leads what is for a Key Vault in Azure to the stand-in."""

    def __init__(self, vault: StandIn, address: str) -> None:
        super().__init__()
        self.vault, self.address = vault, address

    async def send(self, request: Any, **config: Any) -> Any:
        assert request.url.startswith(self.address)
        led = copy(request)
        led.url = request.url.replace(self.address, self.vault.address)
        return await super().send(led, **config)


class Identity:
    """Counts what it gives."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken("real", int(utc_now().timestamp()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def secret(**changed: Any) -> KeptSecret:
    facts = {"name": "cairn-r1-1", "value": "hunter2!", "kind": "password", "tags": {RESTORE_TAG: "r1"},
             "expires": utc_now() + timedelta(days=1)}
    return KeptSecret(**(facts | changed))


def opened(vault: StandIn, identity: Identity) -> Any:
    # A name of its own each time: the client remembers by name what a Key Vault asked for.
    address = f"https://contoso-{uuid.uuid4().hex[:12]}.vault.azure.net"
    return open_key_vault(address, credential=identity, transport=LedHere(vault, address),  # type: ignore[arg-type]
                          retry_backoff_factor=0.01)


async def test_the_token_is_the_one_that_the_challenge_asks_for():
    identity = Identity()
    async with key_vault_stand_in() as vault, opened(vault, identity) as client:
        await client.keep(secret())
        await client.keep(secret(value="another"))
    assert identity.scopes == ["https://vault.azure.net/.default"]
    assert vault.tokens == {"real"}
    assert [one["value"] for one in vault.versions["cairn-r1-1"]] == ["hunter2!"]


async def test_a_challenge_for_something_else_gets_no_token():
    identity = Identity()
    async with key_vault_stand_in(resource="https://management.azure.com") as vault, opened(vault, identity) as client:
        with pytest.raises(StoreUnavailable, match="not for a Key Vault"):
            await client.keep(secret())
    assert identity.scopes == []
    assert not vault.tokens


async def test_a_write_whose_answer_was_lost_is_found_by_the_next_try():
    async with key_vault_stand_in(loses_answers=4) as vault, opened(vault, Identity()) as client:
        with pytest.raises(StoreUnavailable, match="answered 503"):
            await client.keep(secret())
        written = len(vault.versions["cairn-r1-1"])
        await client.keep(secret())
        assert len(vault.versions["cairn-r1-1"]) == written


async def test_a_secret_of_somebody_else_is_never_written_over():
    async with key_vault_stand_in() as vault, opened(vault, Identity()) as client:
        vault.versions["cairn-r1-1"] = [{"id": "https://contoso.vault.azure.net/secrets/cairn-r1-1/1", "value": "theirs"}]
        with pytest.raises(StoreUnavailable, match="not Cairn's"):
            await client.keep(secret())
        assert len(vault.versions["cairn-r1-1"]) == 1


def test_a_secret_does_not_show_its_value():
    assert "hunter2" not in repr(secret())
