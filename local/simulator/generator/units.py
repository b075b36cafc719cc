"""Administrative units: a plain one, one with restricted management, a dynamic one, one that hides its members."""

from __future__ import annotations

from local.simulator.generator.draft import Draft, pick
from local.simulator.store import Body


def make_units(draft: Draft) -> None:
    """Create the units with their members."""
    chance = draft.rng("administrative units")
    store = draft.store
    place, members = max(
        ((key[1], held) for key,
         held in draft.buckets.items() if key[0] == "place" and len(held) <= draft.largest_group),
        key=lambda each: (len(each[1]), each[0]), default=("XX", []),
    )  # fmt: skip
    kinds: tuple[tuple[str, Body, list[str]], ...] = (
        ("plain", {"displayName": "Werk München", "description": "Everything in Munich", "membershipType": "Assigned"},
         pick(chance, draft.users, 12) + pick(chance, draft.all_groups, 3) + pick(chance, draft.devices, 4)),
        ("restricted", {"displayName": "Executives 🔒", "isMemberManagementRestricted": True,
         "membershipType": "Assigned"},
         pick(chance, draft.users[6:], 3) + pick(chance, draft.of_kind("security")[1:], 1)),
        ("dynamic", {"displayName": f"All in {place}", "membershipType": "Dynamic",
                     "membershipRule": f'user.usageLocation -in ["{place}"]', "membershipRuleProcessingState": "On"},
         members),
        ("hidden", {"displayName": "Betriebsrat", "visibility": "HiddenMembership", "membershipType": "Assigned"},
         pick(chance, draft.users, 4)),
        ("empty", {"displayName": "Unit without members"}, []),
    )  # fmt: skip
    for kind, body, inside in kinds:
        unit = draft.add("administrativeUnit", {"id": draft.known_id(f"unit {kind}"), **body})
        draft.units[kind] = unit
        for member in inside:
            store.link(unit, "members", member)
            if kind == "restricted":
                record = store.records[member]
                store.update(member, record.read() | {"isManagementRestricted": True})
    for number in range(draft.sizes.users // 500):
        unit = draft.add(
            "administrativeUnit",
            {"id": draft.known_id(f"unit {number}"), "displayName": f"Branch {number}",
             "description": "A branch office",
             "membershipType": "Assigned"},
        )  # fmt: skip
        for member in pick(chance, draft.users, 5 + number % 20):
            store.link(unit, "members", member)
