"""Damage to what a backup shows only where the tenant's settings ask for it."""

from tests.laws.damages import APPS, DAMAGES, PRINCIPALS, Body, Damage, Tenant, delete, own, patch, some, some_user

VALUES = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"
DEVICES = "/beta/devices"


def of_a_user(path: str, *bodies: Body) -> Damage:
    """Change what hangs on some user to one of these."""

    async def damage(tenant: Tenant) -> bool:
        user = await some_user(tenant)
        body = tenant.chance.choice(bodies)
        return user is not None and await tenant.sent("PATCH", path.replace("{id}", user["id"]), body)

    return damage


async def take_a_phone_or_an_email(tenant: Tenant) -> bool:
    for _ in range(9):  # few have any
        user = await some_user(tenant)
        base = f"/v1.0/users/{user['id'] if user else ''}/authentication"
        kind = tenant.chance.choice(["phoneMethods", "emailMethods"])
        there = sorted(one["id"] for one in await tenant.get(f"{base}/{kind}")) if user else []
        if there:
            return await tenant.sent("DELETE", f"{base}/{kind}/{tenant.chance.choice(there)}")
    return False


async def give_an_email(tenant: Tenant) -> bool:
    user = await some_user(tenant)
    path = f"/v1.0/users/{user['id']}/authentication/emailMethods" if user else ""
    return bool(path) and await tenant.sent("POST", path, {"emailAddress": f"{tenant.word()}@example.org"})


async def take_a_policy(tenant: Tenant) -> bool:
    """Take a policy from an application or service principal that it applies to."""
    kind = tenant.chance.choice(["claimsMappingPolicies", "tokenLifetimePolicies", "homeRealmDiscoveryPolicies"])
    pairs = sorted(tenant.simulator.store.link_set(kind).pairs())
    if not pairs:
        return False
    source, policy = tenant.chance.choice(pairs)
    collection = APPS if tenant.simulator.store.get(source).table == "application" else PRINCIPALS
    return await tenant.sent("DELETE", f"{collection}/{source}/{kind}/{policy}/$ref")


async def repaint_the_sign_in_page(tenant: Tenant) -> bool:
    path = f"/v1.0/organization/{tenant.simulator.tenant_id}/branding"
    return await tenant.sent("PATCH", path, {"signInPageText": tenant.word()})


OPTIONAL_DAMAGES: dict[str, Damage] = {
    "change the MFA of a user": of_a_user(
        "/beta/users/{id}/authentication/requirements", {"perUserMfaState": "disabled"}, {"perUserMfaState": "enforced"}
    ),
    "change how a user signs in": of_a_user(
        "/beta/users/{id}/authentication/signInPreferences",
        *({"isSystemPreferredAuthenticationMethodEnabled": one} for one in (True, False)),
    ),
    "take a phone or an email": take_a_phone_or_an_email,
    "give an email": give_an_email,
    "give security attributes": of_a_user("/v1.0/users/{id}", {"customSecurityAttributes": {"Engineering": {
        "@odata.type": VALUES, "Project@odata.type": "#Collection(String)", "Project": ["Alpine"],
        "CertificationLevel@odata.type": "#Int32", "CertificationLevel": 4,
    }}}),
    "take security attributes": of_a_user("/v1.0/users/{id}", {"customSecurityAttributes": {"Engineering": {
        "@odata.type": VALUES, "Project": [], "CertificationLevel": None,
    }}}),
    "change a profile": of_a_user("/v1.0/users/{id}", {"skills": ["Juggling"]}, {"aboutMe": "Somebody else"}),
    "mark a device": patch(
        DEVICES, some(DEVICES), lambda tenant, _: {"extensionAttributes": {"extensionAttribute3": tenant.word()}}
    ),
    "take a policy": take_a_policy,
    "delete a service principal": delete(PRINCIPALS, some(PRINCIPALS, own), hard=False),
    "delete a service principal for good": delete(PRINCIPALS, some(PRINCIPALS, own), hard=True),
    "repaint the sign-in page": repaint_the_sign_in_page,
}
ALL_DAMAGES = {**DAMAGES, **OPTIONAL_DAMAGES}
