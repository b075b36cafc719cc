"""Custom security attributes: sets and definitions. Their values are properties of users and service principals.

Neither can be deleted, a definition only deprecated. Sources: Microsoft Graph "attributeSet",
"customSecurityAttributeDefinition", "allowedValue resource type".
"""

from shared.catalog.row import ObjectType, Reference, words

ATTRIBUTE_SET = ObjectType(
    name="attributeSet",
    title="Custom security attribute sets",
    path="/directory/attributeSets",
    graph_type="attributeSet",
    option="customSecurityAttributes",
    read_permissions=("CustomSecAttributeDefinition.Read.All",),
    write_permissions=("CustomSecAttributeDefinition.ReadWrite.All",),
    not_deleted="Microsoft Entra keeps attribute sets for ever",
    create_required=("id",),
    immutable=("id",),
    unique=("id",),
)

ATTRIBUTE_DEFINITION = ObjectType(
    name="customSecurityAttributeDefinition",
    title="Custom security attribute definitions",
    path="/directory/customSecurityAttributeDefinitions",
    graph_type="customSecurityAttributeDefinition",
    expand=("allowedValues",),
    option="customSecurityAttributes",
    read_permissions=("CustomSecAttributeDefinition.Read.All",),
    write_permissions=("CustomSecAttributeDefinition.ReadWrite.All",),
    actions=(("allowedValues", "POST /directory/customSecurityAttributeDefinitions/{key}/allowedValues"),),
    not_deleted="Microsoft Entra keeps definitions for ever; status `Deprecated` takes one out of use",
    create_required=words("attributeSet isCollection isSearchable name status type usePreDefinedValuesOnly"),
    read_only=("id",),
    immutable=words("id attributeSet isCollection isSearchable name type"),
    unique=("attributeSet+name",),
    keeps_key=True,
    references=(Reference("attributeSet", "attributeSet", holder=True),),
    unconfirmed=("Whether usePreDefinedValuesOnly, once false, can be true again.",),
)

ROWS = (ATTRIBUTE_SET, ATTRIBUTE_DEFINITION)
