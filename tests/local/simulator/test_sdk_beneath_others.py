"""Microsoft's SDK reads what hangs beneath other objects: PIM settings of groups, managed identities' credentials."""

import importlib
import warnings
from typing import Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration

from local.simulator import Simulator

# kiota's generated models warn of their own names when first imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RULES = "msgraph.generated.models.unified_role_management_policy_expiration_rule"
BUILDERS = (
    "msgraph.generated.policies.role_management_policy_assignments.role_management_policy_assignments_request_builder"
)


def generated(module: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(importlib.import_module(module), name)


async def settings_of(sdk: Any, group: str) -> dict[str, Any]:
    builder = generated(BUILDERS, "RoleManagementPolicyAssignmentsRequestBuilder")
    asked = builder.RoleManagementPolicyAssignmentsRequestBuilderGetQueryParameters(
        filter=f"scopeId eq '{group}' and scopeType eq 'Group'", expand=["policy($expand=rules)"]
    )
    page = await sdk.policies.role_management_policy_assignments.get(RequestConfiguration(query_parameters=asked))
    return {one.role_definition_id: one for one in page.value}


async def test_settings_of_a_group_are_read_and_a_rule_is_changed_typed(simulator: Simulator, sdk: Any) -> None:
    expiration = generated(RULES, "UnifiedRoleManagementPolicyExpirationRule")
    group = next(each.read()["groupId"] for each in simulator.store.all("privilegedAccessGroupEligibilitySchedule"))
    found = await settings_of(sdk, group)
    assert set(found) == {"member", "owner"}
    policy = found["member"].policy
    assert (policy.scope_type, policy.scope_id) == ("Group", group)
    assert {type(rule).__name__.removeprefix("UnifiedRoleManagementPolicy") for rule in policy.rules} == {
        "ApprovalRule", "AuthenticationContextRule", "EnablementRule", "ExpirationRule", "NotificationRule",
    }
    rule = next(one for one in policy.rules if one.id == "Expiration_EndUser_Assignment")
    assert isinstance(rule, expiration)
    builder = sdk.policies.role_management_policies.by_unified_role_management_policy_id(policy.id)
    said = expiration(odata_type=rule.odata_type, is_expiration_required=False)
    await builder.rules.by_unified_role_management_policy_rule_id(rule.id).patch(said)
    again = (await settings_of(sdk, group))["member"].policy
    assert not next(one for one in again.rules if one.id == rule.id).is_expiration_required


async def test_credentials_of_a_managed_identity_are_read_typed(simulator: Simulator, sdk: Any) -> None:
    store = simulator.store
    identity = next(
        each.key for each in store.all("servicePrincipal") if each.read().get("servicePrincipalType") == "ManagedIdentity"
        and list(store.link_set("federatedIdentityCredentials").targets(each.key))
    )
    page = await sdk.service_principals.by_service_principal_id(identity).federated_identity_credentials.get()
    assert [(one.name, one.audiences) for one in page.value] == [("aks", ["api://AzureADTokenExchange"])]
