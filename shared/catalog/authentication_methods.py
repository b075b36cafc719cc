"""How users prove who they are: what can be written anew (phone, email), what they must register again, MFA state.

Personal data, one user at a time, and off until asked for. The ids of phones and emails are the same for every user.
Sources: Microsoft Graph "emailAuthenticationMethod", "phoneAuthenticationMethod", "authenticationMethod",
"strongAuthenticationRequirements", "signInPreferences resource type".
"""

from shared.catalog.row import LeftAlone, ObjectType, Reference

_OF_USER = Reference("@cairn.parent", "user", holder=True)

EMAIL_METHOD = ObjectType(
    name="emailAuthenticationMethod",
    title="Authentication email addresses",
    path="/users/{id}/authentication/emailMethods",
    graph_type="emailAuthenticationMethod",
    reading="perParent",
    parent="user",
    key_in_parent=True,
    slow=True,
    option="authenticationMethods",
    read_permissions=("UserAuthMethod-Email.Read.All",),
    write_permissions=("UserAuthMethod-Email.ReadWrite.All",),
    create_required=("emailAddress",),
    read_only=("id", "createdDateTime"),
    immutable=("id",),
    unique=("@cairn.parent",),
    references=(_OF_USER,),
    unconfirmed=("The limits of the authentication methods interface are not published.",),
)

PHONE_METHOD = ObjectType(
    name="phoneAuthenticationMethod",
    title="Authentication phones",
    path="/users/{id}/authentication/phoneMethods",
    graph_type="phoneAuthenticationMethod",
    reading="perParent",
    parent="user",
    key_in_parent=True,
    slow=True,
    option="authenticationMethods",
    read_permissions=("UserAuthMethod-Phone.Read.All",),
    write_permissions=("UserAuthMethod-Phone.ReadWrite.All",),
    create_required=("phoneNumber", "phoneType"),
    read_only=("id", "createdDateTime", "smsSignInState"),
    immutable=("id", "phoneType"),
    unique=("@cairn.parent+phoneType",),
    references=(_OF_USER,),
    unconfirmed=("The mobile phone must exist before the alternate mobile phone.",),
)

OTHER_METHODS = ObjectType(
    name="authenticationMethod",
    title="Registered authentication methods",
    path="/users/{id}/authentication/methods",
    graph_type="authenticationMethod",
    reading="perParent",
    parent="user",
    key_in_parent=True,
    slow=True,
    option="authenticationMethods",
    read_permissions=("UserAuthenticationMethod.Read.All",),
    not_updated="a method is registered by its user",
    not_deleted="taking away someone's sign-in method is not a thing a restore does",
    immutable=("id",),
    references=(_OF_USER,),
    left_alone=(
        LeftAlone(
            ("@odata.type", "#microsoft.graph.emailAuthenticationMethod|#microsoft.graph.phoneAuthenticationMethod"),
            "restored as an authentication email address or phone",
        ),
    ),
    not_restored=(
        "keys and secrets of passkeys, authenticator apps and tokens cannot be read: the user registers again, with a "
        "temporary access pass if no method is left"
    ),
)

MFA_STATE = ObjectType(
    name="strongAuthenticationRequirements",
    title="Per-user MFA state",
    path="/users/{id}/authentication/requirements",
    graph_type="strongAuthenticationRequirements",
    version="beta",
    reading="perParent",
    parent="user",
    one_per_parent=True,
    slow=True,
    option="authenticationMethods",
    read_permissions=("Policy.Read.All",),
    write_permissions=("Policy.ReadWrite.AuthenticationMethod",),
    references=(_OF_USER,),
    comes_with_parent=True,
    not_restored="every user has one: it is changed, never made",
)

SIGN_IN_PREFERENCES = ObjectType(
    name="signInPreferences",
    title="Preferred sign-in methods",
    path="/users/{id}/authentication/signInPreferences",
    graph_type="signInPreferences",
    version="beta",
    reading="perParent",
    parent="user",
    one_per_parent=True,
    slow=True,
    option="authenticationMethods",
    read_permissions=("UserAuthenticationMethod.Read.All",),
    write_permissions=("UserAuthenticationMethod.ReadWrite.All",),
    read_only=("systemPreferredAuthenticationMethod",),
    alone=("userPreferredMethodForSecondaryAuthentication",),
    references=(_OF_USER,),
    comes_with_parent=True,
    after=("emailAuthenticationMethod", "phoneAuthenticationMethod"),
    not_restored="every user has one: it is changed, never made",
    unconfirmed=("A preference can be set only for a method that the user has registered.",),
)

ROWS = (EMAIL_METHOD, PHONE_METHOD, OTHER_METHODS, MFA_STATE, SIGN_IN_PREFERENCES)
