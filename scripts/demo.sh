#!/usr/bin/env bash
# A throwaway server on this machine, and `ansible-playbook site.yml` run against it. Called by `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."

phase() { printf '\n==> %d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

phase "Docker engine"
python -m lab engine
phase "Server 'demo': a bare Debian"
python -m lab up demo --publish
phase "Secrets: ansible-playbook -i inventories/demo playbooks/secrets.yml"
ansible-playbook -i inventories/demo playbooks/secrets.yml
phase "ansible-playbook -i inventories/demo site.yml"
ansible-playbook -i inventories/demo site.yml
phase "Done"
python scripts/demo_summary.py
