"""How some users prove who they are: phones, mail addresses, keys and apps, per-user MFA and preferred methods.

Ids of phone, mail and password methods are the same for every user (phoneAuthenticationMethod,
emailAuthenticationMethod and passwordAuthenticationMethod resource types). Only a few hundred users have methods: they
are read one user at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from local.simulator.generator.draft import Draft, day, ids
from local.simulator.generator.facts.licences import SKUS
from local.simulator.store import Body

EMAIL = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"
MOBILE = "3179e48a-750b-4051-897c-87b9720928f7"
OFFICE = "e37fc753-ff3b-4958-9484-eaa9425c82bc"
PASSWORD = "28c10230-6103-485e-b985-444c60001490"
MOST = 400


def make_authentication_methods(draft: Draft) -> None:
    """Create the methods and preferences of the first users."""
    new_id = ids(draft.rng("authentication methods"))
    for number, user in enumerate(draft.users[:MOST]):
        for body in _methods(draft, number, new_id):
            draft.add("authenticationMethod", body, user, "authentication/methods")
        if number % 5 == 0:
            draft.add(
                "strongAuthenticationRequirements",
                {"id": "requirements", "perUserMfaState": "enforced" if number % 10 else "enabled"},
                user, "authentication/requirements",
            )  # fmt: skip
        if number % 4 == 0:
            draft.add(
                "signInPreferences",
                {"id": "signInPreferences", "isSystemPreferredAuthenticationMethodEnabled": number % 8 == 0,
                 "userPreferredMethodForSecondaryAuthentication": "push" if number % 8 else "sms"},
                user, "authentication/signInPreferences",
            )  # fmt: skip
        licences = draft.store.records[user].read().get("assignedLicenses") or ()
        for sku in SKUS if number < 50 else ():
            if any(each["skuId"] == sku.id for each in licences):
                draft.add(
                    "licenseDetails",
                    {"id": f"{draft.store.tenant_id}_{sku.id}", "skuId": sku.id, "skuPartNumber": sku.part_number,
                     "servicePlans": [{"servicePlanId": each.id, "servicePlanName": each.name, "appliesTo": "User",
                                       "provisioningStatus": "Success"} for each in sku.plans]},
                    user, "licenseDetails",
                )  # fmt: skip


def _methods(draft: Draft, number: int, new_id: Callable[[], str]) -> list[Body]:
    made = day(number % 300 + 10)
    candidates: tuple[tuple[bool, str, Body], ...] = (
        (True, "password", {"id": PASSWORD, "password": None}),
        (number % 3 != 2, "phone", {"id": MOBILE, "phoneType": "mobile", "phoneNumber": f"+1 425555{number:04d}",
                                    "smsSignInState": "notAllowedByPolicy"}),
        (number % 9 == 0, "phone", {"id": OFFICE, "phoneType": "office", "phoneNumber": f"+49 895550x{number:03d}",
                                    "smsSignInState": "notSupported"}),
        (number % 4 == 0, "email", {"id": EMAIL, "emailAddress": f"user{number}@mail.example"}),
        (number % 2 == 0, "microsoftAuthenticator", {"id": new_id(), "displayName": "iPhone 15 – «privat»",
                                                     "deviceTag": "SoftwareTokenActivated",
                                                     "phoneAppVersion": "6.8.17"}),
        (number % 6 == 0, "fido2", {"id": f"k{number:03d}-{new_id()[:18]}", "displayName": "YubiKey 5C",
                                    "aaGuid": "de1e552d-db1d-4423-a619-566b625cdc84",
                                    "model": "Microsoft Authenticator",
                                    "attestationLevel": "attested", "attestationCertificates": []}),
        (number % 7 == 0, "windowsHelloForBusiness", {"id": new_id(), "displayName": "DESKTOP-0001",
                                                      "keyStrength": "normal"}),
        (number % 11 == 0, "softwareOath", {"id": new_id(), "secretKey": None}),
        (number % 13 == 0, "temporaryAccessPass", {
            "id": new_id(), "isUsable": False, "isUsableOnce": True, "lifetimeInMinutes": 60, "startDateTime": made,
            "temporaryAccessPass": None, "methodUsabilityReason": "Expired"}),
        (number % 17 == 0, "platformCredential", {"id": new_id(), "displayName": "MBP-0001", "keyStrength": "normal",
                                                  "platform": "macOS"}),
        (number % 19 == 0, "external", {"id": new_id(), "displayName": "Contoso token",
                                        "configurationId": draft.known_id("external method")}),
    )  # fmt: skip
    return [
        {"@odata.type": f"#microsoft.graph.{kind}AuthenticationMethod", "createdDateTime": made, **body}
        for wanted, kind, body in candidates if wanted
    ]  # fmt: skip
