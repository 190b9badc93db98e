#!/bin/sh
# Before a new release takes traffic: migrate, then make the first superuser. Safe to run again.
set -eu
cd "$(dirname "$0")/.."
alembic upgrade head
python -m app.prestart
