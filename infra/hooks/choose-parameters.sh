#!/bin/sh
# Before provisioning: the parameter file of this azd environment becomes infra/main.bicepparam, which azd reads.
# An azd environment is named {environment}-{region}, as its parameter file is {environment}.{region}.bicepparam.
set -eu
cd "$(dirname "$0")/.."
environment=${AZURE_ENV_NAME%%-*}
region=${AZURE_ENV_NAME#*-}
chosen=parameters/$environment.$region.bicepparam
if [ ! -f "$chosen" ]; then
    echo "There is no infra/$chosen. Copy one beside it, or name the azd environment like one of:" >&2
    for file in parameters/*.*.bicepparam; do
        name=$(basename "$file" .bicepparam)
        case $name in *.regions) ;; *) echo "  ${name%%.*}-${name#*.}" >&2 ;; esac
    done
    exit 1
fi
sed "s#^using '\.\./main\.bicep'#using 'main.bicep'#" "$chosen" > main.bicepparam
echo "Parameters: infra/$chosen"
