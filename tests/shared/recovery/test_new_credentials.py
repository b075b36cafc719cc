"""Secrets and signing certificates in place of those that nobody can read: asked for where the options say so, kept from
their answers, and found again or taken away where the answer was lost."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.catalog import OBJECT_TYPES
from shared.recovery import apply as applying
from shared.recovery import issuing, lifecycle
from shared.recovery.by_hand import step_after_creation
from shared.recovery.new_credentials import Asked, held, new_certificates, new_secrets, subject, thumbprint
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture
from tests.shared.recovery.key_vault_stand_in import key_vault_stand_in
from tests.shared.recovery.test_handing_over import name_vault

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER, BEFORE = "2027-06-01T00:00:00Z", "2025-06-01T00:00:00Z"
BOTH = Asked(secrets=True, certificates=True)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long is waited between two looks is no matter here."""
    monkeypatch.setattr(applying, "LOST_WAITS", (0.02,) * len(applying.LOST_WAITS))
    monkeypatch.setattr(issuing, "WAIT_SECONDS", 0.02)


def test_what_opens_a_signing_key_is_no_secret_and_what_has_expired_is_replaced_by_none():
    body = {
        "keyCredentials": [{"keyId": "k1", "customKeyIdentifier": "thumb", "usage": "Sign"}],
        "passwordCredentials": [
            {"keyId": "k1", "endDateTime": LATER}, {"keyId": "k2", "customKeyIdentifier": "thumb"},
            {"keyId": "k3", "displayName": "build", "endDateTime": LATER},
            {"keyId": "k4", "displayName": "old", "endDateTime": BEFORE},
        ],
    }
    had = held(body, NOW)
    assert ([one["keyId"] for one in had.secrets], [one["keyId"] for one in had.expired]) == (["k3"], ["k4"])
    [asked] = new_secrets(body, BOTH, NOW)
    assert asked.body == {"passwordCredential": {"displayName": "build", "endDateTime": LATER}}
    assert new_secrets(body, Asked(certificates=True), NOW) == []


def test_only_a_service_principal_with_saml_sign_on_gets_a_certificate_under_the_name_that_it_had():
    row = OBJECT_TYPES["servicePrincipal"]
    der = base64.b64encode(b"certificate").decode()
    keys = [
        {"displayName": "CN=other", "usage": "Sign"},
        {"displayName": "CN=active", "usage": "Verify", "key": der},
    ]
    saml = {"preferredSingleSignOnMode": "saml", "keyCredentials": keys}
    assert subject({**saml, "preferredTokenSigningKeyThumbprint": thumbprint(keys[1]).lower()}) == "CN=active"
    assert subject(saml) == "CN=other"
    [asked] = new_certificates(row, saml, BOTH)
    assert asked.body == {"displayName": "CN=other"}
    assert new_certificates(row, {"keyCredentials": keys}, BOTH) == []
    assert new_certificates(row, saml, Asked(secrets=True)) == []


def test_a_thumbprint_is_that_of_the_certificate_or_what_stands_for_it():
    assert thumbprint({"key": base64.b64encode(b"x").decode()}) == hashlib.sha1(b"x").hexdigest().upper()
    assert thumbprint({"customKeyIdentifier": base64.b64encode(b"\x01\xab").decode()}) == "01AB"
    assert thumbprint({"customKeyIdentifier": "not base64!"}) == ""


def test_the_step_by_hand_says_what_is_left_of_it():
    saml = {"preferredSingleSignOnMode": "saml"}
    row = OBJECT_TYPES["servicePrincipal"]
    offered = step_after_creation(row, saml, Asked(), NOW)
    assert "POST /servicePrincipals/{id}/addTokenSigningCertificate" in offered
    assert "newSigningCertificates" in offered
    done = step_after_creation(row, saml, BOTH, NOW)
    assert "POST" not in done
    assert "service provider" in done
    had = {"passwordCredentials": [{"displayName": "build", "endDateTime": LATER}]}
    assert "addPassword" in step_after_creation(OBJECT_TYPES["application"], had, Asked(), NOW)
    assert "fetch them once" in step_after_creation(OBJECT_TYPES["application"], had, BOTH, NOW)


# -- applied --------------------------------------------------------------------------------------------------------


async def lost_application(restores: Restores, *, saml: bool = False) -> tuple[str, str]:
    """An application with secrets (or SAML) and its service principal, gone for good after a backup."""
    store = restores.simulator.store
    principals = {one.read()["appId"]: one.key for one in store.all("servicePrincipal")}
    for one in store.all("application"):
        body = one.read()
        principal = principals.get(body["appId"])
        if principal is None or body["appId"] == restores.simulator.client_id or "@odata.type" in body:
            continue
        mode = store.records[principal].read().get("preferredSingleSignOnMode")
        if (mode == "saml") if saml else any(
            str(each["endDateTime"]) > "2027" for each in body.get("passwordCredentials") or ()
        ):
            application = one.key
            break
    else:
        raise AssertionError("the tenant has none")
    await restores.backups.run("full")
    for key in (principal, application):
        store.delete(key, soft=False)
    return application, principal


def secrets_of(restores: Restores, key: str) -> list[dict[str, Any]]:
    return restores.simulator.store.records[key].read().get("passwordCredentials") or []


async def everything_written(restores: Restores) -> str:
    """Every blob and every event, as text."""
    opened = restores.opened
    blobs = [*opened.vault.blobs.values(), *opened.workspace.blobs.values()]  # type: ignore[attr-defined]
    events = [one async for _, one in opened.records.events.stream([restores.tenant_id])]
    tasks = [one async for _, one in opened.records.tasks.stream([restores.tenant_id])]
    return repr(blobs) + json.dumps(events, default=str) + json.dumps(tasks, default=str)


async def test_without_the_option_no_secret_and_no_certificate_is_asked_for(restores: Restores):
    application, principal = await lost_application(restores)
    done = await restores.run([application, principal])
    assert done["credentials"] == "none"
    assert secrets_of(restores, await restores.new_id(application)) == []


async def test_a_new_secret_waits_encrypted_for_the_person_and_stands_nowhere_else(restores: Restores):
    application, principal = await lost_application(restores)
    done = await restores.run([application, principal], newSecrets=True)
    assert (done["state"], done["credentials"]) == ("done", "waiting")
    assert done["verification"]["differing"] == 0
    new = await restores.new_id(application)
    store = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    kept = {one["keyId"]: one async for _, one in store.secrets()}
    there = secrets_of(restores, new)
    assert {one["keyId"] for one in there} == set(kept)
    assert kept
    for key_id, one in kept.items():
        text = await restores.opened.cipher.decrypt(
            one["secret"], tenant_id=restores.tenant_id, purpose=one["purpose"]
        )
        assert text == restores.simulator.store.secrets[key_id]
        assert text not in await everything_written(restores)
        assert (one["objectId"], one["newObjectId"]) == (application, new)
    receipts = [receipt for one, receipt in await restores.operations(done) if one.yields]
    assert [one["after"]["passwordCredentials"][0]["keyId"] for one in receipts] == list(kept)
    again = await restores.run([application, principal], newSecrets=True)
    assert not [one for one, _ in await restores.operations(again) if one.kind != "manual"]


@pytest.mark.parametrize("fault", ["timeoutAfterWrite", "cut"])
async def test_a_secret_whose_text_was_lost_is_taken_away_and_another_is_made(restores: Restores, fault: str):
    application, principal = await lost_application(restores)
    planned = await restores.plan([application, principal], newSecrets=True)
    restores.simulator.tenant.faults.rules.append(
        parse({"kind": fault, "method": "POST", "path": "addPassword|removePassword", "count": 2})
    )
    done = await restores.apply(planned)
    assert done["results"].get("failed", 0) == 0, await restores.operations(done)
    store = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    kept = [one["keyId"] async for _, one in store.secrets()]
    assert sorted(one["keyId"] for one in secrets_of(restores, await restores.new_id(application))) == sorted(kept)


async def test_a_host_that_dies_between_the_secret_and_its_receipt_leaves_no_second_one(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
):
    application, principal = await lost_application(restores)
    planned = await restores.plan([application, principal], newSecrets=True)
    real = issuing.Issuing.keep
    died: list[int] = []

    async def dies(self: issuing.Issuing, one: Any, body: Any, find: Any, answer: Any, *, lost: bool) -> Any:
        if not died:
            died.append(one.order)
            raise RuntimeError("the host is gone")
        after = await real(self, one, body, find, answer, lost=lost)
        if len(died) == 1:
            died.append(one.order)
            raise RuntimeError("the host is gone, with the secret kept and no receipt")
        return after

    monkeypatch.setattr(issuing.Issuing, "keep", dies)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await restores.apply(planned)
    done = await restores.apply(planned)
    store = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    kept = [one["keyId"] async for _, one in store.secrets()]
    assert sorted(one["keyId"] for one in secrets_of(restores, await restores.new_id(application))) == sorted(kept)
    assert done["results"].get("failed", 0) == 0


async def test_a_secret_that_a_person_made_meanwhile_stays(restores: Restores):
    body = {"passwordCredential": {"displayName": "build", "endDateTime": LATER}}
    assert issuing.is_orphan({"keyId": "A", "displayName": "build", "endDateTime": LATER}, body, frozenset())
    assert not issuing.is_orphan({"keyId": "A", "displayName": "build", "endDateTime": LATER}, body, frozenset({"a"}))
    assert not issuing.is_orphan({"keyId": "A", "displayName": "by hand", "endDateTime": LATER}, body, frozenset())
    assert not issuing.is_orphan({"keyId": "A", "displayName": "build", "endDateTime": BEFORE}, body, frozenset())


async def test_a_new_secret_goes_to_the_key_vault_and_ends_there_when_it_ends(restores: Restores):
    application, principal = await lost_application(restores)
    async with key_vault_stand_in() as vault:
        await name_vault(restores, vault.address)
        done = await restores.run([application, principal], newSecrets=True)
    assert (done["state"], done["credentials"]) == ("done", "keyVault")
    new = await restores.new_id(application)
    for one in secrets_of(restores, new):
        secret = next(
            each[0] for each in vault.versions.values() if each[0]["tags"]["cairnKeyId"] == one["keyId"]
        )
        assert secret["value"] == restores.simulator.store.secrets[one["keyId"]]
        assert secret["contentType"] == "clientSecret"
        assert secret["tags"]["cairnObject"] == new
        assert secret["attributes"]["exp"] == datetime.fromisoformat(one["endDateTime"]).timestamp()
    assert len(vault.versions) == len(secrets_of(restores, new)) > 0


@pytest.mark.parametrize("fault", ["", "timeoutAfterWrite", "cut"])
async def test_a_saml_service_principal_signs_with_one_new_certificate(restores: Restores, fault: str):
    application, principal = await lost_application(restores, saml=True)
    planned = await restores.plan([application, principal], newSigningCertificates=True)
    if fault:
        restores.simulator.tenant.faults.rules.append(
            parse({"kind": fault, "method": "POST", "path": "addTokenSigningCertificate", "count": 1})
        )
    done = await restores.apply(planned)
    assert (done["state"], done["verification"]["differing"]) == ("done", 0), await restores.operations(done)
    body = restores.simulator.store.records[await restores.new_id(principal)].read()
    verifying = [one for one in body["keyCredentials"] if one["usage"] == "Verify"]
    assert [thumbprint(one) for one in verifying] == [body["preferredTokenSigningKeyThumbprint"]]
    found = await restores.operations(done)
    [told] = [receipt["after"]["keyCredentials"][0] for one, receipt in found if one.yields]
    assert told["thumbprint"] == body["preferredTokenSigningKeyThumbprint"]
    assert told["endDateTime"] == verifying[0]["endDateTime"]
    again = await restores.run([application, principal], newSigningCertificates=True)
    assert not [one for one, _ in await restores.operations(again) if one.kind != "manual"]


async def test_an_undo_puts_what_was_made_into_the_bin_with_its_secrets(restores: Restores):
    application, principal = await lost_application(restores)
    done = await restores.run([application, principal], newSecrets=True)
    new = await restores.new_id(application)
    undone = await restores.undo(done)
    assert undone["results"].get("failed", 0) == 0
    assert new not in restores.simulator.store.records
    assert new in {one.record.key for one in restores.simulator.store.deleted("application")}
