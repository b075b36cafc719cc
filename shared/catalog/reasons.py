"""Reasons that several rows share for leaving out what Microsoft's schema lists, each worded once."""

CONTENT = "content of a mailbox, site, team or planner and no part of the directory: back it up as Microsoft 365 data"
DERIVED = "computed by Microsoft Graph from links that are read elsewhere"
PER_CALLER = "differs for each signed-in caller, so it says nothing about the object"
MICROSOFT_365_SERVICE = "an entry point into another Microsoft 365 service and no fact about the object"
INTUNE = "kept by Intune, which manages devices: outside the directory"
NEVER_RETURNED = "never returned by Microsoft Graph: it exists for filters only"
EVIDENCE = "a record of what people did and no setting: nothing to restore"
NOT_SUPPORTED = "not supported by Microsoft Graph: it is always empty"
SAME_BY_ID = "the object that an id beside it names already: the link is kept by that id"
INHERITED = "comes through a group or a wider scope, where it is restored"
FILLED_BY_RULE = "members come from the rule: restore writes the rule, and Microsoft Entra fills the group"
EXTENSIONS = (
    "open extensions belong to the applications that wrote them; Microsoft Graph lists them one object at a time. "
    "Directory extensions are properties of the object and are kept"
)
