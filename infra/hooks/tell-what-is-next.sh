#!/bin/sh
# After provisioning: where to go on. Consent is a decision of each tenant's administrator, so nothing here gives it.
set -eu
echo "Cairn: ${CAIRN_URL:-}"
echo "Give yourself a role: Entra admin center, Enterprise applications, 'Cairn interface', Users and groups."
echo "A tenant's administrator consents to being backed up:  ${CONSENT_BASIC_URL:-}"
echo "and to being restored, now or when it is needed:       ${CONSENT_RESTORE_URL:-}"
[ -z "${EGRESS_PREFIX:-}" ] || echo "Cairn calls Microsoft Graph from ${EGRESS_PREFIX}"
