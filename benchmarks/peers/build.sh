#!/bin/sh
# Makes .venv-peers: feint (editable) beside the pinned peers, for `python -m benchmarks.step` and tests/peers.
# Run it again and it does nothing, until what it installs from has changed.
set -eu
cd "$(dirname "$0")/../.."
venv=.venv-peers
stamp=$venv/.stamp
fresh=yes
for file in pyproject.toml constraints.txt benchmarks/peers/requirements.txt; do
    if [ ! "$stamp" -nt "$file" ]; then fresh=no; fi
done
if [ "$fresh" = yes ]; then exit 0; fi
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --editable . -r benchmarks/peers/requirements.txt -c constraints.txt
"$venv/bin/python" -c 'import art.attacks.evasion, captum.robust, feint, foolbox'
touch "$stamp"
