"""The gallery: an application and its service principal, made together from a template.

Source: applicationTemplate: instantiate. What the template makes is enabled and has ids of its own, a scope
`user_impersonation` and the role `msiam_access` as in the page's example: who writes others disables these first.
"""

from __future__ import annotations

from local.simulator.http_types import Response
from local.simulator.store import Body
from local.simulator.writes import objects, refusals, service_principals
from local.simulator.writes.change import Write, new_id

CUSTOM = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
TAGS = ("WindowsAzureActiveDirectoryIntegratedApp",)
CUSTOM_TAGS = (*TAGS, "WindowsAzureActiveDirectoryCustomSingleSignOnApplication")


def instantiate(write: Write) -> Response:
    """POST `/applicationTemplates/{id}/instantiate`: 201 with the application and its service principal."""
    template, body = write.record().read(), write.request.json()
    unknown = set(body) - {"displayName", "serviceManagementReference"}
    if unknown:
        raise refusals.unknown_property(min(unknown))
    name, reference = body.get("displayName"), body.get("serviceManagementReference")
    if not isinstance(name, str) or not name:
        raise refusals.required("displayName", "applicationTemplate")
    if reference is not None and not isinstance(reference, str):
        raise refusals.invalid_value("serviceManagementReference", "applicationTemplate")
    write.require("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy")
    application = objects.insert(
        write, "application", "application", _application(template, name, reference),
        preset={"applicationTemplateId": template["id"]},
    )
    write.links.clear()
    tags = CUSTOM_TAGS if template["id"] == CUSTOM else TAGS
    made = service_principals.from_application(
        write, application.read(), {"id": new_id(), "tags": list(tags), "appRoleAssignmentRequired": True}
    )
    principal = write.store.create("servicePrincipal", made)
    for link, target in write.links:
        write.store.link(principal.key, link, target)
    shown: Body = {"application": write.shown(application), "servicePrincipal": write.shown(principal)}
    return write.value("microsoft.graph.applicationServicePrincipal", shown, 201)


def _application(template: Body, name: str, reference: str | None) -> Body:
    scope = {
        "id": new_id(), "value": "user_impersonation", "type": "User", "isEnabled": True,
        "adminConsentDisplayName": f"Access {name}", "userConsentDisplayName": f"Access {name}",
        "adminConsentDescription": f"Allow the application to access {name} on behalf of the signed-in user.",
        "userConsentDescription": f"Allow the application to access {name} on your behalf.",
    }  # fmt: skip
    role = {
        "id": new_id(), "value": None, "displayName": "msiam_access", "description": "msiam_access", "isEnabled": True,
        "allowedMemberTypes": ["User"],
    }  # fmt: skip
    home = template.get("homePageUrl") if template["id"] != CUSTOM else None
    return {
        "displayName": name, "signInAudience": "AzureADMyOrg", "serviceManagementReference": reference,
        "api": {"oauth2PermissionScopes": [scope]}, "appRoles": [role],
        "web": {"homePageUrl": home, "redirectUris": [f"{home}/SAML/Consume"] if home else []},
    }  # fmt: skip
