"""What can go wrong with the local stack: one error, whose text is the one line that the terminal shows."""

from shared.errors import CairnError


class LocalStackError(CairnError):
    """Something that the local stack needs is missing, taken or did not start."""

    default_remedy = "Mend what the message names and start it again; nothing was lost."
