"""`python -m local`, with the slow lane off: links and properties that take a page of a hundred or a request for each
object are not read. Only for measuring the slow lane apart; the product has no such switch.
"""

import sys
from functools import partial

import shared.backup.capturing as capturing
from local.__main__ import main

if __name__ == "__main__":
    capturing.Reading = partial(capturing.Reading, slow=False)  # type: ignore[misc, assignment]
    sys.exit(main())
