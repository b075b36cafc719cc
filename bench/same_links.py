"""`python -m local`, without the two links that the rival does not read and that take a page of a hundred objects each:
users' sponsors and devices' registered users. Only for measuring side by side; the product has no such switch.
"""

import sys
from typing import Any

import shared.entra.wanted as reading
from local.__main__ import main

CAIRN_ALONE = frozenset({"sponsors", "registeredUsers"})

if __name__ == "__main__":
    original = reading._link_allowed  # noqa: SLF001 - where the product decides which links are read

    def same_links(link: Any, *others: Any) -> bool:
        """As the product decides, save for those two."""
        return link.name not in CAIRN_ALONE and original(link, *others)

    reading._link_allowed = same_links  # noqa: SLF001 - as above
    sys.exit(main())
