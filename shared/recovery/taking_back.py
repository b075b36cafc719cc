"""What an undo could not take back of an operation, said before it is applied. Pure, from the catalog's rows."""

from shared.catalog import OBJECT_TYPES
from shared.recovery.plan import Operation
from shared.recovery.schedules import SCHEDULES

BEGINS_ANEW = "undone, it begins anew: no schedule begins in the past"


def why_not_undone(one: Operation) -> str:
    """Why an undo leaves it as it is, or brings it back only as another object; empty where it is taken back whole."""
    row = OBJECT_TYPES[one.object_type]
    match one.kind:
        case "create" if not row.delete_request:
            return row.not_deleted or "Microsoft Graph offers no request that deletes it"
        case "delete" if row.name in SCHEDULES:
            return BEGINS_ANEW
        case "delete" if row.recycle_bin is None and not row.create_request:
            return row.not_restored or "Microsoft Graph offers no request that creates it"
        case "delete" if row.recycle_bin is None:
            return "it goes to no recycle bin: an undo makes it anew, with a new id"
        case "link" if not row.link(one.link).remove and not row.link(one.link).single:
            return "Microsoft Graph offers no request that removes the link"
        case "manual":
            return "it is taken back by hand"
    return ""
