"""Microsoft's products and service plans (Product names and service plan identifiers for licensing)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A service plan: its id, its name and the service that it belongs to in `assignedPlans`."""

    id: str
    name: str
    service: str


@dataclass(frozen=True, slots=True)
class Sku:
    """A product with its plans."""

    id: str
    part_number: str
    plans: tuple[Plan, ...]


PLANS = {
    each.name: each
    for each in (
        Plan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"),
        Plan("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange"),
        Plan("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"),
        Plan("902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SHAREPOINTDESKLESS", "SharePoint"),
        Plan("e95bec33-7c88-4a70-8e19-b10bd9d0c014", "SHAREPOINTWAC", "SharePoint"),
        Plan("43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION", "MicrosoftOffice"),
        Plan("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"),
        Plan("0feaeb32-d00e-4d66-bd5a-43b5b83db82c", "MCOSTANDARD", "MicrosoftCommunicationsOnline"),
        Plan("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A", "SCO"),
        Plan("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM", "AADPremiumService"),
        Plan("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2", "AADPremiumService"),
        Plan("8a256a2b-b617-496d-b51b-e76466e88db0", "MFA_PREMIUM", "MultiFactorService"),
        Plan("2e2ddb96-6af9-4b1d-a3f0-d6ecfd22edb2", "ADALLOM_S_STANDALONE", "Adallom"),
        Plan("14ab5db5-e6c4-4b20-b4bc-13e36fd2227f", "ATA", "AzureAdvancedThreatAnalytics"),
        Plan("50e68c76-46c6-4674-81f9-75456511b170", "FLOW_P2_VIRAL", "ProcessSimple"),
        Plan("2049e525-b859-401b-b2a0-e0a31c4b1fe4", "BI_AZURE_P0", "PowerBI"),
        Plan("663a804f-1c30-4ff0-9915-9db84f0d1cea", "VISIO_CLIENT_SUBSCRIPTION", "MicrosoftOffice"),
        Plan("2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f", "VISIOONLINE", "WhiteboardServices"),
    )
}


def _sku(sku_id: str, part_number: str, plans: str) -> Sku:
    return Sku(sku_id, part_number, tuple(PLANS[name] for name in plans.split()))


E5 = _sku("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5",
          "EXCHANGE_S_ENTERPRISE SHAREPOINTENTERPRISE SHAREPOINTWAC OFFICESUBSCRIPTION TEAMS1 INTUNE_A AAD_PREMIUM_P2 "
          "ATA")  # fmt: skip
E3 = _sku("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3",
          "EXCHANGE_S_ENTERPRISE SHAREPOINTENTERPRISE OFFICESUBSCRIPTION TEAMS1 INTUNE_A AAD_PREMIUM")  # fmt: skip
F3 = _sku("66b55226-6b4f-492c-910c-a3b7a3c9d993", "SPE_F1",
          "EXCHANGE_S_DESKLESS SHAREPOINTDESKLESS TEAMS1 INTUNE_A AAD_PREMIUM")  # fmt: skip
P2 = _sku("84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2", "AAD_PREMIUM AAD_PREMIUM_P2 MFA_PREMIUM")
FLOW = _sku("f30db892-07e9-47e9-837c-80727f46fd3d", "FLOW_FREE", "FLOW_P2_VIRAL")
POWER_BI = _sku("a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "POWER_BI_STANDARD", "BI_AZURE_P0")
VISIO = _sku("c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT", "VISIO_CLIENT_SUBSCRIPTION VISIOONLINE")
SKUS = (E5, E3, F3, P2, FLOW, POWER_BI, VISIO)
