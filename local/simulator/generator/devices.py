"""Devices: joined, hybrid joined and registered computers and phones, with whom they belong to."""

from __future__ import annotations

import base64

from local.simulator.generator.draft import Draft, ids, moments

SYSTEMS = (
    # share, operating system, versions, manufacturer, models, trust, name
    (0.55, "Windows", ("10.0.26100.2314", "10.0.22631.4460", "10.0.19045.5131"), "Microsoft Corporation",
     ("Surface Laptop 6", "Surface Pro 9", "Virtual Machine"), "AzureAd", "DESKTOP"),
    (0.70, "Windows", ("10.0.22631.4460", "10.0.19045.5131"), "Dell Inc.", ("Latitude 7440", "OptiPlex 7010"),
     "ServerAd", "HYB"),
    (0.84, "IPhone", ("18.1", "17.7.1"), "Apple", ("iPhone 15", "iPhone 14 Pro"), "Workplace", "iPhone"),
    (0.92, "AndroidForWork", ("15", "14"), "samsung", ("SM-S921B", "SM-A546B"), "Workplace", "Android"),
    (0.98, "MacMDM", ("15.1", "14.7"), "Apple", ("MacBookPro18,3", "Mac15,12"), "AzureAd", "MBP"),
    (1.0, "Linux", ("24.04", "22.04"), "LENOVO", ("21HM",), "AzureAd", "ubuntu"),
)  # fmt: skip
INTUNE = "0000000a-0000-0000-c000-000000000000"


def make_devices(draft: Draft) -> None:
    """Create all devices, nine in ten with an owner who is also their user."""
    chance = draft.rng("devices")
    new_id = ids(draft.rng("device ids"))
    moment = moments(chance)
    store = draft.store
    for number in range(draft.sizes.devices):
        drawn = chance.random() if number >= len(SYSTEMS) else SYSTEMS[number][0] - 0.001
        _, system, versions, maker, models, trust, prefix = next(each for each in SYSTEMS if drawn < each[0])
        device_id, object_id = new_id(), new_id()
        registered = moment(1500, 3)
        managed = chance.random() < 0.85
        key = base64.b64encode(f"X509:<SHA1-TP-PUBKEY>{device_id.replace('-',
                                                                         '').upper()}".encode("utf-16-le")).decode()
        enabled = chance.random() > 0.04
        body = {
            "id": object_id, "deviceId": device_id, "accountEnabled": enabled,
            "displayName": f"{prefix}-{device_id[:7].upper()}", "operatingSystem": system,
            "operatingSystemVersion": versions[int(drawn * 7919) % len(versions)], "manufacturer": maker,
            "model": models[int(drawn * 104729) % len(models)], "trustType": trust, "profileType": "RegisteredDevice",
            "deviceVersion": 2, "registrationDateTime": registered, "approximateLastSignInDateTime": moment(60),
            "alternativeSecurityIds": [{"type": 2, "identityProvider": None, "key": key}],
            "physicalIds": [f"[USER-GID]:{object_id}:6966518641169130", f"[GID]:g:{6755460000000 + number}",
                            f"[HWID]:h:{6825780000000 + number}"],
            "systemLabels": [], "isCompliant": managed and drawn > 0.05, "isManaged": managed, "isRooted": False,
            "deviceOwnership": "Company" if trust != "Workplace" else "Personal",
            "enrollmentType": "AzureDomainJoined" if trust == "AzureAd" else "UserEnrollment",
            "managementType": "MDM" if managed else None, "mdmAppId": INTUNE if managed else None,
            "enrollmentProfileName": "Autopilot – Standard" if trust == "AzureAd" and drawn < 0.3 else None,
        }  # fmt: skip
        if trust == "ServerAd":
            body |= {
                "onPremisesSyncEnabled": True, "onPremisesLastSyncDateTime": moment(2),
                "onPremisesSecurityIdentifier": f"S-1-5-21-1004336348-1177238915-682003330-{5000000 + number}",
            }  # fmt: skip
        if number % 9 == 0:  # shown by beta only
            body["extensionAttributes"] = {"extensionAttribute1": f"ring-{number % 3}"}
        draft.add("device", {name: value for name, value in body.items() if value is not None})
        draft.devices.append(object_id)
        if system == "Linux" and enabled:
            draft.bucket("linux").append(object_id)
        if draft.users and chance.random() < 0.9:
            owner = chance.choice(draft.users)
            store.link(object_id, "registeredOwners", owner)
            store.link(object_id, "registeredUsers", owner)
