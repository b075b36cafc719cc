"""Renders `docs/settings.md` from the settings table: `python -m shared.settings_page > docs/settings.md`."""

import sys

from shared.settings import settings_table

HEAD = """# Settings

Every setting of Cairn is an environment variable: a line of `.env` on a laptop, an app setting of the function app in
Azure. An empty value counts as unset. A wrong value stops Cairn with the setting's name, what was expected and what
was found; the value of a secret is never shown.

One of `CAIRN_VAULT_URL` and `CAIRN_VAULT_CONNECTION_STRING` is needed, and so is one of `CAIRN_RECORDS_URL` and
`CAIRN_RECORDS_CONNECTION_STRING`. In Azure the addresses are used, with the managed identity, and there are no secrets;
the settings marked *secret* are for local use. `CAIRN_AUTH_ISSUER` and `CAIRN_AUTH_AUDIENCE` are needed too: there is
no unauthenticated mode. What a single tenant can set (schedule, retention, options) is not here but in its settings,
`/api/v1/tenants/{tenantId}/settings`.

This page is made from the table in `shared/settings.py`; `python -m shared.settings_page > docs/settings.md` makes it
anew, and a test holds it fresh.

| setting | form | default | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page, as it should stand in `docs/settings.md`."""
    rows = [
        f"| `{row.name}`{' *secret*' if row.secret else ''} | {row.expected} "
        f"| {f'`{row.default}`' if row.default else ''} | {row.meaning} |"
        for row in settings_table()
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
