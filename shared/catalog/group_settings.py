"""What governs groups beside their own properties: settings from templates, for all or for one, and expiry.

Sources: Microsoft Graph "groupSetting", "groupSettingTemplate", "groupLifecyclePolicy resource type".
"""

from shared.catalog.row import ObjectType, Reference

_NAMED_IN_VALUES = Reference("values[].value", "group", alternatives=("user",), inside_text=True)

GROUP_SETTING_TEMPLATE = ObjectType(
    name="groupSettingTemplate",
    title="Group setting templates",
    path="/groupSettingTemplates",
    graph_type="groupSettingTemplate",
    reference_only=True,
    read_permissions=("GroupSettings.Read.All",),
    read_only=("id", "deletedDateTime", "description", "displayName", "values"),
    immutable=("id",),
    not_restored="templates are Microsoft's and the same in every tenant",
)

GROUP_SETTING = ObjectType(
    name="groupSetting",
    title="Group settings of the tenant",
    path="/groupSettings",
    graph_type="groupSetting",
    read_permissions=("GroupSettings.Read.All",),
    write_permissions=("GroupSettings.ReadWrite.All",),
    create_required=("templateId", "values"),
    read_only=("id", "displayName"),
    immutable=("id", "templateId"),
    unique=("templateId",),
    references=(Reference("templateId", "groupSettingTemplate"), _NAMED_IN_VALUES),
    unconfirmed=("Whether a template can have one setting at most.",),
)

GROUP_SPECIFIC_SETTING = ObjectType(
    name="groupSpecificSetting",
    title="Settings of one group",
    path="/groups/{id}/settings",
    graph_type="groupSetting",
    reading="perParent",
    parent="group",
    parent_where=("groupTypes", "Unified"),
    slow=True,
    read_permissions=("GroupSettings.Read.All",),
    write_permissions=("GroupSettings.ReadWrite.All",),
    create_required=("templateId", "values"),
    read_only=("id", "displayName"),
    immutable=("id", "templateId"),
    unique=("templateId",),
    references=(
        Reference("@cairn.parent", "group", holder=True),
        Reference("templateId", "groupSettingTemplate"),
        _NAMED_IN_VALUES,
    ),
)

GROUP_LIFECYCLE_POLICY = ObjectType(
    name="groupLifecyclePolicy",
    title="Group expiration policy",
    path="/groupLifecyclePolicies",
    graph_type="groupLifecyclePolicy",
    read_permissions=("Directory.Read.All",),
    write_permissions=("Directory.ReadWrite.All",),
    create_required=("groupLifetimeInDays", "managedGroupTypes"),
    read_only=("id",),
    immutable=("id",),
    unique=("managedGroupTypes",),
    unconfirmed=(
        "Whether alternateNotificationEmails is required.",
        "A tenant has at most one, so a repeated creation finds it whatever it says.",
    ),
)

ROWS = (GROUP_SETTING, GROUP_SPECIFIC_SETTING, GROUP_SETTING_TEMPLATE, GROUP_LIFECYCLE_POLICY)
