# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to an app or an instance is named here, once: networks, volumes, hosts, secrets."""

from __future__ import annotations


def edge_network(app: str) -> str:
    """Return the network of Traefik and an app's routed services."""
    return f"edge-{app}"


def postgres_host(instance: str) -> str:
    """Return the name that an instance answers to, which is its stack and its service too."""
    return f"postgres-{instance}"


def postgres_network(instance: str, app: str) -> str:
    """Return the network of an instance and the services of one app that use it."""
    return f"{postgres_host(instance)}-{app}"


def redis_instance(app: str, use: str) -> str:
    """Return the name of the instance for one use of an app."""
    return f"{app}-{use}"


def redis_host(app: str, use: str) -> str:
    """Return the name that it answers to, which is its stack, its service and its network too."""
    return f"redis-{redis_instance(app, use)}"


def volume(app: str, name: str) -> str:
    """Return the name that Docker knows an app's volume by; releases share it."""
    return f"{app}_{name}"


def postgres_secret(app: str, database: str) -> str:
    """Return the name of the secret that is a database role's password."""
    return f"{app}/postgres/{database}"


def redis_secret(app: str, use: str) -> str:
    """Return the name of the secret that is a Redis user's password."""
    return f"{app}/redis/{use}"
