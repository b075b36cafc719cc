"""A whole tenant, part after part: each needs what those before it made."""

from __future__ import annotations

import gc

from local.simulator.credentials import Credentials
from local.simulator.generator.administrator import make_administrator
from local.simulator.generator.applications import make_applications
from local.simulator.generator.authentication_methods import make_authentication_methods
from local.simulator.generator.bins import make_bins
from local.simulator.generator.conditional_access import make_conditional_access
from local.simulator.generator.devices import make_devices
from local.simulator.generator.directory import make_directory
from local.simulator.generator.draft import Draft, Sizes
from local.simulator.generator.grants import make_grants
from local.simulator.generator.groups import make_groups, reserve_licence_groups
from local.simulator.generator.memberships import fill_groups
from local.simulator.generator.policies import make_policies
from local.simulator.generator.roles import make_roles
from local.simulator.generator.service_principals import make_service_principals
from local.simulator.generator.settings import make_settings
from local.simulator.generator.units import make_units
from local.simulator.generator.users import make_users
from local.simulator.schema import Schema
from local.simulator.store import Store


def populate(
    store: Store, schemas: dict[str, Schema], *, users: int, groups: int, seed: int, memberships: int | None = None,
    applications: int | None = None, service_principals: int | None = None, devices: int | None = None,
) -> Credentials:  # fmt: skip
    """Fill an empty store; returns the administrator's application.

    `users` and `groups` are exact. The other sizes default to what a tenant of so many users has, and are lower bounds:
    a few applications and service principals of every kind are always there. Equal arguments give equal bytes, save
    for when the contents of the recycle bins were deleted, which counts from today. `schemas` is not changed.
    """
    own = applications if applications is not None else max(14, users // 20)
    sizes = Sizes(
        users=users, groups=groups, memberships=memberships if memberships is not None else users * 2,
        applications=own, service_principals=service_principals or max(2 * own, own + 60),
        devices=devices if devices is not None else max(8, users * 3 // 10),
    )  # fmt: skip
    draft = Draft(store, seed, sizes)
    collecting = gc.isenabled()
    gc.disable()  # nothing made here is garbage, and looking for it would take most of the time
    try:
        return _fill(draft)
    finally:
        if collecting:
            gc.enable()


def _fill(draft: Draft) -> Credentials:
    reserve_licence_groups(draft)
    make_users(draft)
    make_devices(draft)
    make_groups(draft)
    make_applications(draft)
    make_service_principals(draft)
    fill_groups(draft)
    make_grants(draft)
    credentials, administrator = make_administrator(draft)
    make_units(draft)
    make_directory(draft)
    make_settings(draft)
    make_policies(draft)
    make_conditional_access(draft)
    make_roles(draft, administrator)
    make_authentication_methods(draft)
    make_bins(draft)
    return credentials
