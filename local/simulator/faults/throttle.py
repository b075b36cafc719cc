"""Quotas in resource units and writes, as Microsoft Graph service-specific throttling limits has them for identity.

- A read costs a base by path, less 1 with `$select`, plus 1 with `$expand`, less 1 with `$top` below 20, never below
  1; a write costs 1 unit and 1 write. Buckets refill continuously on the tenant's virtual clock.
- The unit bucket is per application and tenant and sized by the number of users (S, M, L); writes are counted per
  application and tenant, and again per tenant. Conditional Access has one request a second for the whole tenant, and
  its 429 has no Retry-After.
- An attempt that is refused still costs a unit: retrying early prolongs the wait.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.simulator.errors import GraphError

if TYPE_CHECKING:
    from local.simulator.access.tokens import Caller
    from local.simulator.http_types import Request
    from local.simulator.store import Record
    from local.simulator.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Quota:
    """So much in so many seconds."""

    limit: float
    seconds: float


DOCUMENTED = {
    "readUnitsSmall": Quota(3500, 10),
    "readUnitsMedium": Quota(5000, 10),
    "readUnitsLarge": Quota(8000, 10),
    "writesApplication": Quota(3000, 150),
    "writesTenant": Quota(18000, 300),
    "deviceWrites": Quota(3000, 150),
    "conditionalAccess": Quota(1, 1),
    "identityProviders": Quota(300, 60),
    "reports": Quota(5, 10),
    "keyCredentials": Quota(150, 60),
    "personalAccountWrites": Quota(60, 60),
}

COSTS: tuple[tuple[str, re.Pattern[str], int], ...] = tuple(
    (method, re.compile(f"^(?:{pattern})$", re.IGNORECASE), units)
    for method, pattern, units in (
        ("GET", r"groups/\{id\}/transitiveMembers(/.*)?", 5),
        ("POST", r"directoryObjects/getByIds", 5),
        ("GET", r"domains/\{id\}/domainNameReferences", 4),
        ("POST", r".*/(isMemberOf|checkMemberGroups|checkMemberObjects)", 4),
        ("GET", r"groups/\{id\}/members(/.*)?", 3),
        ("GET", r"contracts|subscribedSkus", 3),
        ("GET", r"users|applications|applications/\{id\}/extensionProperties|oauth2PermissionGrants(/\{id\})?", 2),
        ("GET", r"servicePrincipals/\{id\}/appRoleAssignments", 2),
        ("GET", r"users/\{id\}/(memberOf|transitiveMemberOf|ownedObjects|licenseDetails)(/.*)?", 2),
        ("POST", r".*/(getMemberGroups|getMemberObjects)", 2),
    )
)
CONDITIONAL_ACCESS = re.compile(
    r"^(identity/conditionalAccess/(deletedItems/)?(policies|namedLocations)|policies/conditionalAccessPolicies"
    r"|identityProtection)(/.*)?$", re.IGNORECASE,
)  # fmt: skip
READING_POSTS = re.compile(
    r"/(getByIds|getAvailableExtensionProperties|isMemberOf|checkMember\w+|getMember\w+|validateProperties)$",
    re.IGNORECASE,
)
TOLERANCE_SECONDS = 0.02  # a client that paces to the letter is not refused for its timer's jitter


@dataclass(slots=True)
class Bucket:
    """A token bucket on virtual time."""

    quota: Quota
    level: float = field(default=math.inf)
    at: float = 0.0

    def fill(self, now: float) -> None:
        """Refill up to now."""
        gained = max(0.0, now - self.at) * self.quota.limit / self.quota.seconds
        self.level = min(self.quota.limit, self.level + gained)
        self.at = now

    def wait_seconds(self, cost: float) -> float:
        """How long until `cost` is there; 0 when it is."""
        rate = self.quota.limit / self.quota.seconds
        missing = min(cost, self.quota.limit) - self.level
        return max(0.0, missing / rate - TOLERANCE_SECONDS)


class Throttle:
    """All quotas of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.quotas = dict(DOCUMENTED)
        self.scale = 1.0
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def set(self, scale: float | None, quotas: dict[str, Quota]) -> None:
        """Change sizes; buckets start full again."""
        if scale is not None:
            self.scale = scale
        self.quotas.update(quotas)
        self._buckets.clear()

    def size(self) -> str:
        """The unit quota for the tenant's size (S below 50 users, L above 500)."""
        users = self.tenant.store.table("user").live
        return "readUnitsSmall" if users < 50 else "readUnitsMedium" if users <= 500 else "readUnitsLarge"

    def take(self, request: Request, template: str, caller: Caller) -> tuple[int, dict[str, str]]:
        """Charge a request: its cost and the headers that say so; raises 429."""
        now = self.tenant.clock.now()
        writing = is_write(request.method, template)
        units = cost(request, template)
        charges: list[tuple[str, str, float]] = [(self.size(), caller.app_id, units)]
        if CONDITIONAL_ACCESS.match(template):
            charges = [("conditionalAccess", "", 1)]
        if writing:
            charges += [("writesApplication", caller.app_id, 1), ("writesTenant", "", 1)]
            if template.startswith("devices"):
                charges.append(("deviceWrites", caller.app_id, 1))
        if template.startswith("auditLogs"):
            charges.append(("reports", caller.app_id, 1))
        if template == "policies/authenticationFlowsPolicy":
            charges.append(("identityProviders", "", 1))
        if "keyCredentials" in request.query.get("$select", "") and template.startswith(
            ("applications", "servicePrincipals")
        ):
            charges.append(("keyCredentials", "", 1))
        buckets = [(name, self._bucket(name, owner, now), amount) for name, owner, amount in charges]
        low = request.headers.get("x-ms-throttle-priority", "").lower() == "low"
        for name, bucket, amount in buckets:
            reserve = bucket.quota.limit * 0.1 if low and name.startswith("readUnits") else 0.0
            wait = bucket.wait_seconds(amount + reserve)
            if wait > 0:
                if name != "conditionalAccess":
                    bucket.level = max(bucket.level - 1, -bucket.quota.limit * 0.1)
                raise self._refused(name, bucket.wait_seconds(amount + reserve), caller)
        for _, bucket, amount in buckets:
            bucket.level -= amount
        headers = {"x-ms-resource-unit": str(units)}
        used = max(1 - bucket.level / bucket.quota.limit for _, bucket, _ in buckets)
        if used >= 0.8 and buckets[0][0] != "conditionalAccess":
            headers["x-ms-throttle-limit-percentage"] = f"{min(used, 1.0):.2f}"
        return units, headers

    def take_personal(self, request: Request, application: Record | None, caller: Caller) -> None:
        """Charge a write to an application that personal accounts sign in to; raises 429."""
        said = request.json() if request.method != "DELETE" and request.body.strip() else {}
        audience = said.get("signInAudience") or (application.read().get("signInAudience") if application else "")
        if "Personal" not in str(audience):
            return
        bucket = self._bucket("personalAccountWrites", "", self.tenant.clock.now())
        wait = bucket.wait_seconds(1)
        if wait > 0:
            raise self._refused("personalAccountWrites", wait, caller)
        bucket.level -= 1

    def _bucket(self, name: str, owner: str, now: float) -> Bucket:
        bucket = self._buckets.get((name, owner))
        if bucket is None:
            quota = self.quotas[name]
            bucket = self._buckets[name, owner] = Bucket(Quota(quota.limit * self.scale, quota.seconds))
        bucket.fill(now)
        return bucket

    def _refused(self, name: str, wait: float, caller: Caller) -> GraphError:
        tenant = self.tenant.id
        if name == "conditionalAccess":
            return GraphError(429, "TooManyRequests", "Too many requests.", {})
        kind = "Write" if "rites" in name else "Read"
        scope = "Tenant" if name in ("writesTenant", "keyCredentials") else "Tenant_Application"
        return GraphError(
            429, "TooManyRequests", "Too many requests.",
            {
                "retry-after": str(max(1, math.ceil(wait))),
                "x-ms-throttle-limit-percentage": "1.0",
                "x-ms-throttle-scope": f"{scope}/{kind}/{caller.app_id}/{tenant}",
                "x-ms-throttle-information": "WriteLimitExceeded" if kind == "Write" else "ResourceUnitLimitExceeded",
            },
        )  # fmt: skip


def is_write(method: str, template: str) -> bool:
    """Whether a request counts as a write."""
    return method not in ("GET", "HEAD") and not READING_POSTS.search(template)


def cost(request: Request, template: str) -> int:
    """Resource units of a request."""
    if is_write(request.method, template):
        return 1
    base = next((units for method, pattern, units in COSTS if method == request.method and pattern.match(template)), 1)
    query = request.query
    if "$select" in query:
        base -= 3 if template == "directoryObjects/getByIds" else 1
    if "$expand" in query:
        base += 1
    top = query.get("$top", "")
    if top.isdigit() and int(top) < 20:
        base -= 1
    return max(1, base)
