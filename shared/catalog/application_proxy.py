"""Application proxy: how applications inside a network are published, and the connectors that reach them (beta).

Sources: Microsoft Graph (beta) "onPremisesPublishing", "connectorGroup", "connector resource type".
"""

from shared.catalog.row import LeftAlone, Link, ObjectType, Reference, words

_DELEGATED = "Microsoft documents connector groups and connectors for signed-in administrators only"

ON_PREMISES_PUBLISHING = ObjectType(
    name="onPremisesPublishing",
    title="Application proxy settings",
    path="/applications/{id}/onPremisesPublishing",
    graph_type="onPremisesPublishing",
    version="beta",
    reading="perParent",
    parent="application",
    one_per_parent=True,
    absent_status=(400, 404),
    slow=True,
    option="applicationProxy",
    read_permissions=("Application.Read.All",),
    write_permissions=("Application.ReadWrite.All",),
    update="PATCH /applications/{id}",
    create_required=("externalUrl", "internalUrl", "externalAuthenticationType"),
    read_only=("applicationType", "isOnPremPublishingEnabled", "verifiedCustomDomainCertificatesMetadata"),
    secret=("verifiedCustomDomainKeyCredential", "verifiedCustomDomainPasswordCredential"),
    unique=("externalUrl",),
    references=(Reference("@cairn.parent", "application", holder=True),),
    not_restored="it belongs to its application, and is written there by PATCH of `onPremisesPublishing`",
    unconfirmed=(
        "Whether externalAuthenticationType is required.",
        "What Microsoft Graph answers for an application that is not published; 400 and 404 are taken as none.",
        "After an application is restored from the recycle bin its settings may take up to 24 hours.",
    ),
)

CONNECTOR_GROUP = ObjectType(
    name="connectorGroup",
    title="Connector groups",
    path="/onPremisesPublishingProfiles/applicationProxy/connectorGroups",
    graph_type="connectorGroup",
    version="beta",
    option="applicationProxy",
    links=(
        Link(
            name="members", targets=("connector",), reading="each", version="beta",
            add="POST /onPremisesPublishingProfiles/applicationProxy/connectors/{target}/memberOf/$ref",
            add_body=((
                "@odata.id", "{root}/onPremisesPublishingProfiles/applicationProxy/connectorGroups/{id}",
            ),),
            note="a connector is in one group at a time, so adding moves it",
        ),
        Link(
            name="applications", targets=("application",), reading="each", version="beta",
            add="PUT /applications/{target}/connectorGroup/$ref",
            add_body=((
                "@odata.id", "{root}/onPremisesPublishingProfiles/applicationProxy/connectorGroups/{id}",
            ),),
            note="an application uses one group at a time, so adding moves it",
        ),
    ),
    read_permissions=("Application.Read.All",),
    delegated_read=_DELEGATED,
    delegated_only=(
        "connector groups are written by a signed-in Application Administrator (delegated Directory.ReadWrite.All)"
    ),
    create_required=("name",),
    read_only=("id", "isDefault", "connectorGroupType"),
    immutable=("id",),
    unique=("name",),
    left_alone=(LeftAlone(("isDefault", "true"), "every tenant has its own default group"),),
    unconfirmed=(
        "Whether an application is let in; reading it app-only may be refused.",
        "Whether name must be unique, and whether the id of a group made anew differs.",
        "region can be set only while no connector and no application is in the group.",
    ),
)

CONNECTOR = ObjectType(
    name="connector",
    title="Application proxy connectors",
    path="/onPremisesPublishingProfiles/applicationProxy/connectors",
    graph_type="connector",
    version="beta",
    option="applicationProxy",
    links=(Link(name="memberOf", reading="inverse", held_by=("connectorGroup.members",)),),
    read_permissions=("Application.Read.All",),
    delegated_read=_DELEGATED,
    not_updated="a connector is an agent that runs on a server: it is set up there",
    not_deleted="a connector is an agent that runs on a server: it is removed there",
    read_only=words("id externalIp machineName status version"),
    immutable=("id",),
    volatile=("status", "version"),
    unique=("machineName",),
    not_restored="a connector is an agent that runs on a server: it is installed there, and only its group is restored",
)

ROWS = (ON_PREMISES_PUBLISHING, CONNECTOR_GROUP, CONNECTOR)
