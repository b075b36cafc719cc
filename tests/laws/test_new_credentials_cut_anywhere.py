"""A restore that makes an application from its template, asks for secrets and for a signing certificate, is cut at any
boundary and taken up again: one instance, one certificate, and of every secret there is the text is kept.
"""

import gc
from pathlib import Path

import pytest

from shared.entra import writing
from shared.recovery import apply as applying
from shared.recovery import issuing, lifecycle
from shared.recovery.new_credentials import thumbprint
from shared.repository.memory_store import MemoryBlobStore
from tests.laws.damages import Tenant
from tests.laws.restoring import refused
from tests.laws.test_restore_cut_anywhere import Hurt, Scissors, hurt, run_until_cut, taken_up

TEMPLATE = "cd3ed3de-93ee-400b-8b19-b61ef44a0f29"
UNTIL = "2031-01-01T00:00:00Z"


async def set_up(tenant: Tenant) -> None:
    """An application of the gallery that signs people in, and has two secrets of one name."""
    answer = await tenant.graph.post(
        f"/v1.0/applicationTemplates/{TEMPLATE}/instantiate", json={"displayName": "Sales"}
    )
    made = answer.json()
    application, principal = made["application"]["id"], made["servicePrincipal"]["id"]
    for _ in range(2):
        body = {"passwordCredential": {"displayName": "build", "endDateTime": UNTIL}}
        assert await tenant.sent("POST", f"/v1.0/applications/{application}/addPassword", body)
    assert await tenant.sent(
        "PATCH", f"/v1.0/servicePrincipals/{principal}", {"preferredSingleSignOnMode": "saml"}
    )


async def lose(tenant: Tenant) -> None:
    application = next(
        one for one in tenant.simulator.store.all("application")
        if one.read().get("applicationTemplateId") == TEMPLATE
    )
    await tenant.sent("DELETE", f"/v1.0/applications/{application.key}", None)
    await tenant.sent("DELETE", f"/v1.0/directory/deletedItems/{application.key}", None)


async def has_no_orphan(one: Hurt) -> None:
    store, restores = one.restores.simulator.store, one.restores
    [application] = [each.read() for each in store.all("application")
                     if each.read().get("applicationTemplateId") == TEMPLATE]
    [principal] = [each.read() for each in store.all("servicePrincipal") if each.read()["appId"] == application["appId"]]
    assert application["displayName"] == principal["displayName"] == "Sales"
    kept = {}
    blobs = lifecycle.store_of(restores.opened, restores.tenant_id, one.planned["restoreId"])
    async for _, each in blobs.secrets():
        kept[each["keyId"]] = await restores.opened.cipher.decrypt(
            each["secret"], tenant_id=restores.tenant_id, purpose=each["purpose"]
        )
    there = {each["keyId"] for each in application["passwordCredentials"]}
    assert (len(there), kept) == (2, {key_id: store.secrets[key_id] for key_id in there})
    signs = {thumbprint(each) for each in principal["keyCredentials"] if each["usage"] == "Verify"}
    assert signs == {principal["preferredTokenSigningKeyThumbprint"]}


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that a cut process had open
@pytest.mark.parametrize("kind", ["write", "blob"])
async def test_cut_at_any_boundary_no_secret_is_left_that_nobody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(applying, "INSTANCE_WAITS", (0.01,))
    asked = {"newSecrets": True, "newSigningCertificates": True}
    async with hurt(tmp_path, monkeypatch, made=set_up, struck=lose, kinds=frozenset({"create", "update"}), **asked) \
            as one:
        scissors = Scissors(kind)
        for module in (applying, issuing):
            monkeypatch.setattr(module, "write", lambda *asked: scissors.around("write", writing.write)(*asked))
        for name in ("put_new", "put"):
            real = getattr(MemoryBlobStore, name)
            monkeypatch.setattr(
                MemoryBlobStore, name,
                lambda self, *args, real=real, **kw: scissors.around("blob", real)(self, *args, **kw),
            )
        assert await run_until_cut(one.restores, one.planned)
        await has_no_orphan(one)
        boundaries, whole = scissors.passed, one.tables()
        assert boundaries >= 10
        for at in range(1, boundaries + 1):
            one.again()
            scissors.at, scissors.passed, scissors.dead = at, 0, False
            ended = await run_until_cut(one.restores, one.planned)
            scissors.at, scissors.dead = 0, False
            if not ended:
                await taken_up(one.restores, one.planned)
            done = await one.restores.restore(one.planned["restoreId"])
            bad = await refused(one.restores, done)
            assert not bad, f"cut at {kind} {at} of {boundaries}\n" + "\n".join(bad)
            assert done["verification"]["differing"] == 0, f"cut at {kind} {at}: {done['verification']}"
            assert one.tables() == whole, f"cut at {kind} {at}: {one.tables() - whole} more, {whole - one.tables()} less"
            await has_no_orphan(one)
    gc.collect()
