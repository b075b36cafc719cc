"""assignLicense for users and groups: seats, usage location, plans, and what members inherit.

Sources: user: assignLicense; group: assignLicense; Identify and resolve license assignment problems for a group.
A user's `assignedLicenses` is the sum of what was assigned directly and of what groups bring; who brought what stands
in `licenseAssignmentStates`. A group's members get their licences at once here; in Entra within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local.simulator.errors import bad_request
from local.simulator.http_types import Response, json_response
from local.simulator.store import Body, Record, Store
from local.simulator.writes import refusals
from local.simulator.writes.change import Write
from local.simulator.writes.validation import GUID

# Plans that need another plan of the same licence, by name (license assignment problems: dependent plans).
NEEDS = {
    "SHAREPOINTWAC": ("SHAREPOINTENTERPRISE", "SHAREPOINTSTANDARD"),
    "MCOEV": ("MCOSTANDARD",),
    "INTUNE_O365": ("EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_STANDARD"),
}


def assign(write: Write) -> Response:
    """POST `/users/{id}/assignLicense` (200) or `/groups/{id}/assignLicense` (202)."""
    record, body = write.record(), write.request.json()
    added, removed = _read(body)
    skus = {each.read()["skuId"]: each for each in write.store.all("subscribedSku")}
    for licence in added:
        _check_sku(skus, licence)
    before = record.read()
    held = _direct(before) if record.table == "user" else _plans(before.get("assignedLicenses"))
    for sku in removed:
        if sku not in held:
            inherited = any(each.get("skuId") == sku for each in before.get("licenseAssignmentStates") or ())
            raise bad_request(
                "User license is inherited from a group membership and it cannot be removed directly from the user."
                if inherited else "User does not have a corresponding license."
            )  # fmt: skip
    if record.table == "user":
        if added and not before.get("usageLocation"):
            raise bad_request("License assignment cannot be done for user with invalid usage location.")
        owned = {each["skuId"] for each in before.get("assignedLicenses") or ()}
        for licence in added:
            if licence["skuId"] not in owned and free_seats(skus[licence["skuId"]].read()) < 1:
                raise bad_request(f"Subscription with SKU {licence['skuId']} does not have any available licenses.")
    elif not before.get("securityEnabled"):
        raise bad_request("Licenses can be assigned to security-enabled groups only.")
    after = {sku: plans for sku, plans in held.items() if sku not in removed}
    after |= {licence["skuId"]: licence["disabledPlans"] for licence in added}
    if record.table == "user":
        _settle(write.store, record, after)
        status = 200
    else:
        licences = [{"skuId": sku, "disabledPlans": plans} for sku, plans in after.items()]
        write.store.update(
            record.key,
            before | {"assignedLicenses": licences, "licenseProcessingState": {"state": "ProcessingComplete"}},
        )
        inherit(write.store, [record.key], list(write.store.link_set("members").targets(record.key)))
        status = 202
    return json_response(
        status, {"@odata.context": write.context(entity=True), **write.shown(write.store.records[record.key])}
    )


def inherit(store: Store, groups: Iterable[str], users: Iterable[str]) -> None:
    """Settle the licences of users whose membership of groups changed; groups without licences change nothing."""
    if not any((group := store.get(key)) is not None and group.read().get("assignedLicenses") for key in groups):
        return
    for key in users:
        record = store.get(key)
        if record is not None and record.table == "user":
            _settle(store, record, _direct(record.read()))


def release(store: Store, body: Body) -> None:
    """Free the seats of a user who was deleted."""
    for licence in body.get("assignedLicenses") or ():
        _count(store, licence["skuId"], -1)


def retake(store: Store, record: Record) -> None:
    """Take the seats of a user who came back, as far as there are any."""
    body = record.read()
    for licence in body.get("assignedLicenses") or ():
        _count(store, licence["skuId"], +1)
    _settle(store, record, _direct(body))


def free_seats(sku: Body) -> int:
    """Seats left of a subscription."""
    units: Body = sku.get("prepaidUnits") or {}
    return int(units.get("enabled") or 0) + int(units.get("warning") or 0) - int(sku.get("consumedUnits") or 0)


# -- within -------------------------------------------------------------------------------------------------------


def _read(body: Body) -> tuple[list[Body], list[str]]:
    for name in body:
        if name not in ("addLicenses", "removeLicenses"):
            raise refusals.unknown_property(name)
    added, removed = body.get("addLicenses"), body.get("removeLicenses")
    if not isinstance(added, list) or not isinstance(removed, list):
        raise bad_request("The parameters 'addLicenses' and 'removeLicenses' are both required collections.")
    licences = []
    for each in added:
        plans = each.get("disabledPlans") or [] if isinstance(each, dict) else None
        if not isinstance(each, dict) or not _guids([each.get("skuId")]) or not _guids(plans):
            raise refusals.invalid_value("addLicenses", "AssignedLicense")
        if set(each) - {"skuId", "disabledPlans", "@odata.type"}:
            raise refusals.unknown_property(next(iter(set(each) - {"skuId", "disabledPlans", "@odata.type"})))
        licences.append({"skuId": each["skuId"].lower(), "disabledPlans": [one.lower() for one in plans or ()]})
    if not _guids(removed):
        raise refusals.invalid_value("removeLicenses", "AssignedLicense")
    names = [each["skuId"] for each in licences] + [each.lower() for each in removed]
    if len(set(names)) != len(names):
        raise refusals.duplicate_values()
    return licences, [each.lower() for each in removed]


def _guids(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) and GUID.match(each) for each in values)


def _check_sku(skus: dict[str, Record], licence: Body) -> None:
    found = skus.get(licence["skuId"])
    if found is None:
        raise bad_request(f"License {licence['skuId']} does not correspond to a valid company License.")
    names = {each["servicePlanId"]: each.get("servicePlanName", "") for each in found.read().get("servicePlans") or ()}
    off = set(licence["disabledPlans"])
    unknown = off - set(names)
    if unknown:
        raise bad_request(f"Service plan {min(unknown)} is not part of license {licence['skuId']}.")
    for plan, name in names.items():
        needed = [one for one, other in names.items() if other in NEEDS.get(name, ())]
        if plan not in off and needed and all(one in off for one in needed):
            raise bad_request(
                f"License assignment failed because service plan {plan} depends on the service plan(s) "
                f"{', '.join(sorted(needed))}."
            )


def _plans(licences: Any) -> dict[str, list[str]]:
    return {each["skuId"]: list(each.get("disabledPlans") or ()) for each in licences or ()}


def _direct(body: Body) -> dict[str, list[str]]:
    states = body.get("licenseAssignmentStates") or []
    known = {each["skuId"] for each in states}
    direct = {
        each["skuId"]: list(each.get("disabledPlans") or ()) for each in states if not each.get("assignedByGroup")
    }
    # a licence of which no state tells where it came from was assigned directly
    return direct | {sku: plans for sku, plans in _plans(body.get("assignedLicenses")).items() if sku not in known}


def _settle(store: Store, record: Record, direct: dict[str, list[str]]) -> None:
    body = record.read()
    had = _plans(body.get("assignedLicenses"))
    states: list[Body] = []
    total: dict[str, list[str]] = {}
    sources: list[tuple[str | None, str, list[str]]] = [(None, sku, plans) for sku, plans in direct.items()]
    for key in store.link_set("members").sources(record.key):
        group = store.get(key)
        if group is not None and group.table == "group":
            sources += [(key, sku, plans) for sku, plans in _plans(group.read().get("assignedLicenses")).items()]
    stamp = store.clock.stamp()
    earlier = {(each.get("assignedByGroup"), each["skuId"]): each for each in body.get("licenseAssignmentStates") or ()}
    for group_id, sku, plans in sources:
        short = sku not in had and sku not in total and _short(store, sku)
        state = {
            "skuId": sku, "assignedByGroup": group_id, "disabledPlans": plans,
            "state": "Error" if short else "Active", "error": "CountViolation" if short else "None",
        }  # fmt: skip
        old = earlier.get((group_id, sku))
        same = old is not None and {**old, "lastUpdatedDateTime": ""} == {**state, "lastUpdatedDateTime": ""}
        states.append(old if same and old is not None else state | {"lastUpdatedDateTime": stamp})
        if not short:
            # a plan is off only where every source has it off
            total[sku] = [one for one in total[sku] if one in plans] if sku in total else list(plans)
    for sku in total.keys() - had.keys():
        _count(store, sku, +1)
    for sku in had.keys() - total.keys():
        _count(store, sku, -1)
    licences = [{"skuId": sku, "disabledPlans": plans} for sku, plans in total.items()]
    store.update(record.key, body | {"assignedLicenses": licences, "licenseAssignmentStates": states})
    _tell_details(store, record, total)


def _tell_details(store: Store, record: Record, total: dict[str, list[str]]) -> None:
    """Keep the user's `licenseDetails`, a read-only view of the same licences, in step with them."""
    held = {store.records[key].read()["skuId"]: key for key in store.link_set("licenseDetails").targets(record.key)}
    for sku in held.keys() - total.keys():
        store.delete(held[sku], soft=False)
    for each in store.all("subscribedSku") if total else ():
        body = each.read()
        if (sku := body["skuId"]) not in total:
            continue
        plans = [
            {"servicePlanId": plan["servicePlanId"], "servicePlanName": plan.get("servicePlanName"),
             "appliesTo": plan.get("appliesTo") or "User",
             "provisioningStatus": "Disabled" if plan["servicePlanId"] in total[sku] else "Success"}
            for plan in body.get("servicePlans") or ()
        ]  # fmt: skip
        told = {"id": f"{store.tenant_id}_{sku}", "skuId": sku, "skuPartNumber": body.get("skuPartNumber"),
                "servicePlans": plans}  # fmt: skip
        if sku in held:
            store.update(held[sku], told)
        else:
            store.create("licenseDetails", told, record.key, "licenseDetails")


def _short(store: Store, sku: str) -> bool:
    return not any(each.read()["skuId"] == sku and free_seats(each.read()) > 0 for each in store.all("subscribedSku"))


def _count(store: Store, sku: str, step: int) -> None:
    for each in store.all("subscribedSku"):
        body = each.read()
        if body["skuId"] == sku:
            store.update(each.key, body | {"consumedUnits": max(0, int(body.get("consumedUnits") or 0) + step)})
            return
