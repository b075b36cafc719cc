"""Steps that a person takes after a restore, in words that can be followed. Pure.

A private part is never readable, so none comes back: what an object had is told, what this restore asks for in its
place, and how to make the like where it does not. Sources: Microsoft Graph "application: addPassword",
"servicePrincipal: addTokenSigningCertificate", "Create domain"; Microsoft Entra "Federation metadata".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.catalog.row import ObjectType
from shared.recovery import gallery
from shared.recovery.new_credentials import Asked, held, signs, subject

DEFAULT_GROUP = (
    "It uses the default connector group: put it into the one that it had, which another step names where the restore "
    "point knows it, as a signed-in Application Administrator (the application's Application proxy page)."
)


def step_after_creation(
    row: ObjectType, body: Mapping[str, Any], asked: Asked, now: datetime, *, instance: bool = False
) -> str:
    """What a person must do once the object was made; empty where nothing. `instance`: made from its template."""
    template = "" if instance else str(body.get("applicationTemplateId") or "")
    if row.name == "domain":
        return _domain(body)
    if row.name == "application":
        return _application(body, asked, now, "" if instance else gallery.template(row, body))
    if row.name != "servicePrincipal":
        return ""
    certificate = _certificate(body, asked, template) if signs(row, body) else ""
    steps = [certificate, _secrets(body, asked, now, "servicePrincipals")]
    return " ".join(one for one in steps if one)


def _application(body: Mapping[str, Any], asked: Asked, now: datetime, template: str) -> str:
    plain = (
        f"It came from the gallery (template {template}) and is made as a plain application, since the gallery does "
        "not show that template or its service principal is not restored with it. Where its sign-on or provisioning "
        "needs the template's, add it from the gallery by hand."
    ) if template else ""
    secrets = _secrets(body, asked, now, "applications")
    lost = [one for one in body.get("keyCredentials") or () if not one.get("key")]
    if not secrets and not lost:
        return plain
    steps = ["It has a new application id and none of its secrets: Microsoft Graph never shows one.", secrets]
    if lost:
        steps.append(f"Upload the {len(lost)} certificates again whose public part was not in the restore point.")
    steps += ["Give the new application id and secrets to all that sign in as it.", plain]
    return " ".join(one for one in steps if one)


def _secrets(body: Mapping[str, Any], asked: Asked, now: datetime, collection: str) -> str:
    """What becomes of client secrets; empty where there were none."""
    had = held(body, now)
    steps: list[str] = []
    if had.secrets and asked.secrets:
        steps.append(
            f"It gets {len(had.secrets)} new client secrets in place of those that it had ({_titles(had.secrets)}): "
            "fetch them once (GET …/credentials), or find them in the tenant's Key Vault."
        )
    elif had.secrets:
        steps.append(
            f"It had {len(had.secrets)} client secrets ({_titles(had.secrets)}): make new ones (App registrations, "
            f"Certificates & secrets, or POST /{collection}/{{id}}/addPassword). The option newSecrets makes them."
        )
    if had.expired:
        steps.append(f"{len(had.expired)} more had expired ({_titles(had.expired)}).")
    return " ".join(steps)


def _certificate(body: Mapping[str, Any], asked: Asked, template: str) -> str:
    origin = f" It came from the gallery (template {template})." if template else ""
    metadata = (
        "https://login.microsoftonline.com/{tenant}/federationmetadata/2007-06/federationmetadata.xml?appid={appId}"
    )
    if asked.certificates:
        return (
            f"It signs with a new certificate, {subject(body)}: the receipt of its addTokenSigningCertificate request "
            "has its thumbprint and when it expires. Give it to the application's service provider, which lets nobody "
            f"in until it knows it: {metadata}.{origin}"
        )
    return (
        "Its SAML signing certificate is gone, since a private key cannot be read, and nobody signs in until there is "
        "a new one: POST /servicePrincipals/{id}/addTokenSigningCertificate with "
        f'{{"displayName": "{subject(body)}"}}, PATCH preferredTokenSigningKeyThumbprint with the thumbprint of its '
        f"answer, and give the new metadata to the application's service provider ({metadata}). The option "
        f"newSigningCertificates does the first two.{origin}"
    )


def step_after_publishing(body: Mapping[str, Any]) -> str:
    """What a person must do once an application is published again."""
    steps = [DEFAULT_GROUP]
    if body.get("verifiedCustomDomainCertificatesMetadata"):
        steps.append(f"Upload the certificate of {body.get('externalUrl')} again: its private key cannot be read.")
    return " ".join(steps)


def _domain(body: Mapping[str, Any]) -> str:
    return (
        f"Prove {body.get('id')} by the DNS record that the Microsoft Entra admin center shows for it (Domain names, "
        "Verify); then restore it again for its settings, and the users and groups whose names use it."
    )


def _titles(credentials: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{one.get('displayName') or one.get('keyId')}, until {str(one.get('endDateTime'))[:10]}"
        for one in credentials
    )
