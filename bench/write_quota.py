"""`python -m local` under another write quota than the documented one: `CAIRN_BENCH_WRITES` is `limit/seconds`.

Only for measuring; the product knows the documented quota and no switch for another.
"""

import os
import sys

from local.__main__ import main
from shared.entra import governor

if __name__ == "__main__":
    limit, _, seconds = os.environ.pop("CAIRN_BENCH_WRITES").partition("/")
    governor.WINDOWS["writes"] = governor.Window(int(limit), float(seconds))
    sys.exit(main())
