"""Steps that a person takes after a restore, in words that can be followed. Pure.

A private part is never readable, so none comes back: what an object had is told, and how to make the like. Sources:
Microsoft Graph "application: addPassword", "servicePrincipal: addTokenSigningCertificate", "Create domain"; Microsoft
Entra "Publish on-premises apps in separate networks using connector groups".
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.catalog.row import ObjectType
from shared.recovery.state import Json

GROUPS_PATH = "/beta/onPremisesPublishingProfiles/applicationProxy"


def step_after_creation(row: ObjectType, body: Mapping[str, Any]) -> str:
    """What a person must do once the object was made; empty where nothing."""
    step = _STEPS.get(row.name)
    return step(body) if step else ""


def connector_group_steps(
    wanted: Json, present: Json | None, by_name: Mapping[str, str], applications: Mapping[str, tuple[str, str]]
) -> list[str]:
    """The steps that bring a connector group and its applications back: one for each of the four cases.

    `by_name` is name → id of the groups that there are; `applications` the ones that used it: id → (name, id of the
    group that they use now). Each group and each application is one request of a signed-in Application Administrator.
    """
    name = str(wanted.get("name", ""))
    steps: list[str] = []
    group = "the new group's id"
    if present is not None:
        group = str(present.get("id"))
        if any(present.get(each) != wanted.get(each) for each in ("name", "region") if each in wanted):
            steps.append(f"PATCH {GROUPS_PATH}/connectorGroups/{group} with {_named(wanted)}.")
    elif name in by_name:
        group = by_name[name]
        steps.append(f"The group was deleted, and another of the name {name} is there ({group}): use that.")
    else:
        steps.append(f"Make the group: POST {GROUPS_PATH}/connectorGroups with {_named(wanted)}.")
    for application, (shown, uses) in sorted(applications.items()):
        if uses != group:
            steps.append(
                f"Put {shown} into it: PUT /beta/applications/{application}/connectorGroup/$ref with "
                f'{{"@odata.id": "…{GROUPS_PATH.removeprefix("/beta")}/connectorGroups/{group}"}}.'
            )
    return steps


def _named(wanted: Json) -> str:
    return "{" + ", ".join(f'"{name}": "{wanted[name]}"' for name in ("name", "region") if wanted.get(name)) + "}"


def _application(body: Mapping[str, Any]) -> str:
    secrets = _titles(body.get("passwordCredentials"))
    lost = [one for one in body.get("keyCredentials") or () if not one.get("key")]
    if not secrets and not lost:
        return ""
    steps = ["It has a new application id and no secret of its own: Microsoft Graph never shows one."]
    if secrets:
        steps.append(
            f"It had {len(secrets)} client secrets ({', '.join(secrets)}): make new ones (App registrations, "
            "Certificates & secrets, or POST /applications/{id}/addPassword)."
        )
    if lost:
        steps.append(f"Upload the {len(lost)} certificates again whose public part was not in the restore point.")
    return " ".join([*steps, "Give the new application id and secrets to all that sign in as it."])


def _service_principal(body: Mapping[str, Any]) -> str:
    if body.get("preferredSingleSignOnMode") != "saml":
        return ""
    certificates: list[Json] = list(body.get("keyCredentials") or ())
    signing: Json = next((one for one in certificates if one.get("usage") == "Sign"), {})
    name = str(signing.get("displayName") or f"CN={body.get('displayName') or 'SAML signing'}")
    template = body.get("applicationTemplateId")
    gallery = f" It came from the gallery (template {template})." if template else ""
    return (
        "Its SAML signing certificate is gone, since a private key cannot be read, and nobody signs in until there is "
        "a new one: POST /servicePrincipals/{id}/addTokenSigningCertificate with "
        f'{{"displayName": "{name}"}}, PATCH preferredTokenSigningKeyThumbprint with the thumbprint of its answer, and '
        f"give the new metadata to the application's service provider.{gallery}"
    )


def _domain(body: Mapping[str, Any]) -> str:
    return (
        f"Prove {body.get('id')} by the DNS record that the Microsoft Entra admin center shows for it (Domain names, "
        "Verify); then restore it again for its settings, and the users and groups whose names use it."
    )


def _titles(credentials: Any) -> list[str]:
    return [
        f"{one.get('displayName') or one.get('keyId')}, until {str(one.get('endDateTime'))[:10]}"
        for one in credentials or ()
    ]


_STEPS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "application": _application, "servicePrincipal": _service_principal, "domain": _domain,
}
