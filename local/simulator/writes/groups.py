"""Groups: kinds, names, members and owners bound in the body, rules of dynamic groups (Create group, Update group)."""

from __future__ import annotations

from local.simulator.errors import bad_request
from local.simulator.store import Body, Record
from local.simulator.writes import cascades, dynamic, guards, links, references, refusals, unique
from local.simulator.writes.change import GLOBAL_ADMINISTRATOR, Write
from local.simulator.writes.hooks import Hooks, register
from local.simulator.writes.users import NICKNAME, security_identifier

OWN_PATCH = frozenset(
    [
        "allowExternalSenders",
        "autoSubscribeNewMembers",
        "hideFromAddressLists",
        "hideFromOutlookClients",
        "isSubscribedByMail",
        "unseenCount",
    ]
)
MOST_ROLE_ASSIGNABLE = 500  # Microsoft Entra service limits and restrictions


def _prepare(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    kinds = made.get("groupTypes") or []
    unified = "Unified" in kinds
    _check_kind(made, kinds)
    if OWN_PATCH & set(body):
        raise refusals.read_only(next(iter(OWN_PATCH & set(body))))
    if made.get("assignedLabels") and write.app_only:
        raise refusals.delegated_only()
    _check_nickname(write, made["mailNickname"], unified, "")
    members = references.bound(write, body, "members")
    owners = references.bound(write, body, "owners")
    if len(members) + len(owners) > references.MOST_BOUND:
        raise bad_request("The number of members and owners bound in one request exceeds the limit of 20.")
    if members and "DynamicMembership" in kinds:
        raise refusals.denied()
    links.check_targets(write, None, made, "members", members, links.RULES["group", "members"])
    links.check_targets(write, None, made, "owners", owners, links.RULES["group", "owners"])
    _check_rule(write, made, kinds)
    _check_role_assignable(write, made, kinds)
    write.links += [("members", each.key) for each in members] + [("owners", each.key) for each in owners]
    if not owners and not write.app_only:
        write.links.append(("owners", write.caller.object_id))
    mail = f"{made['mailNickname']}@{_default_domain(write)}" if unified else None
    if mail:
        unique.check_addresses(write.store, [f"SMTP:{mail}"])
    private = made.get("isAssignableToRole") or (made.get("visibility") or "") == "Private"
    return {
        "groupTypes": [], "assignedLicenses": [], "resourceBehaviorOptions": [], "resourceProvisioningOptions": [],
        **made,
        "mail": mail, "proxyAddresses": unique.primary((), mail), "createdDateTime": write.now,
        "renewedDateTime": write.now, "deletedDateTime": None, "onPremisesSyncEnabled": None,
        "securityIdentifier": security_identifier(made["id"]),
        "visibility": made.get("visibility") or ("Private" if private else "Public" if unified else None),
        "membershipRuleProcessingState": (
            made.get("membershipRuleProcessingState") or ("On" if "DynamicMembership" in kinds else None)
        ),
    }  # fmt: skip


def _born(write: Write, record: Record, _sent: Body) -> None:
    dynamic.refill(write.store, record)


def _change(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    names = {name.partition("@")[0] for name in body if not name.startswith("@")}
    was, kinds = old.get("groupTypes") or [], new.get("groupTypes") or []
    guards.check_synced(record, names)
    if old.get("mailEnabled") and "Unified" not in was:
        raise refusals.mail_enabled("Update")
    guards.check_role_assignable(write, old)
    guards.check_restricted(write, record)
    own = names & OWN_PATCH
    if own and (len(names) > 1 or "Unified" not in kinds):
        raise bad_request(f"Property '{min(own)}' of a Microsoft 365 group must be updated alone.")
    if "assignedLabels" in names and write.app_only:
        raise refusals.delegated_only()
    _check_kept(old, new, names)
    if "mailNickname" in names and new["mailNickname"] != old.get("mailNickname"):
        _check_nickname(write, new["mailNickname"], "Unified" in kinds, record.key)
    _settle_rule(write, record, old, new, names)
    for name in ("members", "owners"):
        _bind(write, record, new, body, name)
    return new


def _check_kept(old: Body, new: Body, names: set[str]) -> None:
    """What a group was made as stays."""
    unified = "Unified" in (new.get("groupTypes") or ())
    if "mailEnabled" in names and new["mailEnabled"] != old.get("mailEnabled"):
        raise refusals.read_only("mailEnabled")
    if ("Unified" in (old.get("groupTypes") or ())) != unified:
        raise bad_request("The value of property 'groupTypes' cannot turn a group into one of another kind.")
    if new.get("visibility") == "HiddenMembership" and old.get("visibility") != "HiddenMembership":
        raise bad_request("The visibility HiddenMembership can be set only when a group is created.")
    if old.get("isAssignableToRole") and new.get("visibility") not in (None, "Private"):
        raise bad_request("The visibility of a role-assignable group is always Private.")
    if "securityEnabled" in names and not new.get("securityEnabled") and not unified:
        raise refusals.invalid_value("securityEnabled", "group")


def _settle_rule(write: Write, record: Record, old: Body, new: Body, names: set[str]) -> None:
    """The rule of a group that is, becomes or was dynamic."""
    if not {"groupTypes", "membershipRule", "membershipRuleProcessingState"} & names:
        return
    was, kinds = old.get("groupTypes") or [], new.get("groupTypes") or []
    left = "DynamicMembership" in was and "DynamicMembership" not in kinds
    if left and not {"membershipRule", "membershipRuleProcessingState"} & names:
        new |= {"membershipRule": None, "membershipRuleProcessingState": None}
    _check_rule(write, new, kinds, record.key)
    if "DynamicMembership" in kinds:
        new["membershipRuleProcessingState"] = new.get("membershipRuleProcessingState") or "On"
        if old.get("isAssignableToRole"):
            raise bad_request("A role-assignable group cannot be dynamic.")


def _bind(write: Write, record: Record, new: Body, body: Body, name: str) -> None:
    targets = references.bound(write, body, name)
    if not targets:
        return
    if name == "owners":
        raise refusals.unknown_property("owners@odata.bind")
    links.check_source(write, record, name)
    links.check_targets(write, record, new, name, targets)
    write.links += [(name, each.key) for each in targets]


def _changed(write: Write, record: Record, before: Body) -> None:
    for name, key in write.links:
        links.follow(write, record, name, write.store.records[key], added=True)
    dynamic.rule_changed(write.store, write.store.records[record.key], before)


def _remove(write: Write, record: Record) -> bool | None:
    body = record.read()
    guards.check_role_assignable(write, body)
    guards.check_restricted(write, record)
    store = write.store
    if GLOBAL_ADMINISTRATOR in guards.tenant_roles(store, record.key):
        guards.check_last_administrator(store, store.link_set("members").targets(record.key))
    if body.get("assignedLicenses"):
        raise bad_request("The group has licenses assigned; remove them before deleting the group.")
    cascades.park(store, record)
    # distribution and mail-enabled groups leave at once (Delete group)
    return not body.get("mailEnabled") or "Unified" in (body.get("groupTypes") or ())


register(
    "group",
    Hooks(prepare=_prepare, born=_born, change=_change, changed=_changed, remove=_remove, answered=OWN_PATCH),
)


def _check_kind(made: Body, kinds: list[str]) -> None:
    unified = "Unified" in kinds
    if len(set(kinds)) != len(kinds):
        raise refusals.duplicate_values()
    if made["mailEnabled"] and not unified:
        raise refusals.mail_enabled("Create")
    if unified and not made["mailEnabled"]:
        raise refusals.invalid_value("mailEnabled", "group")
    if not unified and not made["securityEnabled"]:
        raise refusals.invalid_value("securityEnabled", "group")
    if made.get("visibility") == "HiddenMembership" and not unified:
        raise refusals.invalid_value("visibility", "group")


def _check_rule(write: Write, body: Body, kinds: list[str], key: str = "") -> None:
    rule = body.get("membershipRule")
    if "DynamicMembership" in kinds:
        if not rule:
            raise refusals.required("membershipRule", "group")
        read = dynamic.checked(rule)
        dynamic.check_sources(write.store, read, key)
        if read.table == "device" and "Unified" in kinds:
            raise bad_request("Dynamic membership rule validation error: a Microsoft 365 group holds users only.")
    elif rule or body.get("membershipRuleProcessingState"):
        raise refusals.invalid_value("membershipRule", "group")


def _check_role_assignable(write: Write, made: Body, kinds: list[str]) -> None:
    if not made.get("isAssignableToRole"):
        return
    write.require("RoleManagement.ReadWrite.Directory")
    if not made["securityEnabled"] or "DynamicMembership" in kinds:
        raise bad_request("A role-assignable group is security-enabled and its members are assigned.")
    if made.get("visibility") not in (None, "Private"):
        raise refusals.invalid_value("visibility", "group")
    held = sum(1 for each in write.store.all("group") if each.read().get("isAssignableToRole"))
    if held >= MOST_ROLE_ASSIGNABLE:
        raise bad_request(
            f"The tenant has {MOST_ROLE_ASSIGNABLE} role-assignable groups, which is the most there can be."
        )


def _check_nickname(write: Write, nickname: str, unified: bool, besides: str) -> None:
    if not NICKNAME.match(nickname) or not nickname.isascii():
        raise refusals.invalid_value("mailNickname", "group")
    if not unified:
        return
    wanted = nickname.casefold()
    rivals = [
        *write.store.find("group", "mailNickname", nickname),
        *(each.record for each in write.store.deleted("group")),
    ]
    for each in rivals:
        body = each.read()
        rival = each.key != besides and "Unified" in (body.get("groupTypes") or ())
        if rival and str(body.get("mailNickname") or "").casefold() == wanted:
            raise refusals.taken("mailNickname")


def _default_domain(write: Write) -> str:
    domains = [each.read() for each in write.store.all("domain")]
    chosen = next((each for each in domains if each.get("isDefault")), domains[0] if domains else {"id": "invalid"})
    return str(chosen["id"])
