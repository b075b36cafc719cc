"""Free seats of licences: looked at before the first write, so that no assignment fails for want of one. Pure.

A seat is free that was bought (`prepaidUnits.enabled`) and is not consumed; a subscription that is suspended has none.
Users who own the licence already need none. Sources: Microsoft Graph "subscribedSku resource type", "user:
assignLicense".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.recovery.plan import Finding
from shared.recovery.state import Json

ASSIGNABLE = frozenset({"Enabled", "Warning"})


@dataclass(frozen=True, slots=True)
class Sku:
    """One subscription of the tenant."""

    name: str
    bought: int
    consumed: int

    @staticmethod
    def shown(body: Mapping[str, Any]) -> "Sku":
        """Of what Microsoft Graph shows."""
        usable = body.get("capabilityStatus", "Enabled") in ASSIGNABLE
        bought = int((body.get("prepaidUnits") or {}).get("enabled") or 0) if usable else 0
        return Sku(
            str(body.get("skuPartNumber") or body.get("skuId")), bought, int(body.get("consumedUnits") or 0)
        )


@dataclass(slots=True)
class Seats:
    """Seats as a plan hands them out; `skus` is None where the subscriptions could not be read."""

    skus: Mapping[str, Sku] | None
    taken: dict[str, int] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)

    def take(self, sku_id: str) -> None:
        """A seat that is consumed whatever the plan says: a user who comes out of the recycle bin brings it back."""
        self.taken[sku_id] = self.taken.get(sku_id, 0) + 1

    def granted(self, body: Json, owned: Iterable[str]) -> tuple[Json | None, list[str]]:
        """The body of assignLicense with the licences that have a seat, None if nothing is left of it, and why not."""
        skus = self.skus
        if skus is None:
            return body, []
        has = set(owned)
        added, why = [], []
        for one in body["addLicenses"]:
            sku_id = str(one["skuId"])
            sku = skus.get(sku_id)
            if sku is None:
                why.append(f"the tenant no longer has the licence {sku_id}")
            elif sku_id in has:
                added.append(one)
            elif sku.bought - sku.consumed - self.taken.get(sku_id, 0) < 1:
                self.short[sku_id] = self.short.get(sku_id, 0) + 1
                why.append(
                    f"no seat of {sku.name} is free: {sku.bought} are bought, {sku.consumed} in use"
                    + (f", {taken} go to others of this plan" if (taken := self.taken.get(sku_id, 0)) else "")
                )
            else:
                self.take(sku_id)
                added.append(one)
        if not added and not body["removeLicenses"]:
            return None, why
        return {**body, "addLicenses": added}, why

    def findings(self) -> list[Finding]:
        """What a person should know: which licences lack how many seats."""
        return [
            Finding(
                "seatsMissing", f"{count} more seats of {(self.skus or {})[sku_id].name} are needed: as many users are "
                "restored without it.", blocks=False, count=count,
            )
            for sku_id, count in sorted(self.short.items())
        ]
