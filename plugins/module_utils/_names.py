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
    return redis_service(redis_instance(app, use))


def redis_service(instance: str) -> str:
    """Return what an instance answers to: its stack, its service and, unless another is given, its network."""
    return f"redis-{instance}"


def volume(app: str, name: str) -> str:
    """Return the name that Docker knows an app's volume by; releases share it."""
    return f"{app}_{name}"


def postgres_secret(app: str, database: str) -> str:
    """Return the name of the secret that is a database role's password."""
    return f"{app}/postgres/{database}"


def redis_secret(app: str, use: str) -> str:
    """Return the name of the secret that is a Redis user's password."""
    return f"{app}/redis/{use}"


def job_service(job: str) -> str:
    """Return the key that a job has in the Compose project of each release."""
    return f"job-{job}"


def run_service(service: str) -> str:
    """Return the key that commands run under with a service's image, in the Compose project of each release."""
    return f"run-{service}"


def job_unit(app: str, job: str) -> str:
    """Return the name of a job's systemd units, without suffix."""
    return f"berth-{app}-{job}"


def postgres_volume(instance: str) -> str:
    """Return the name that Docker knows an instance's data by."""
    return f"{postgres_host(instance)}_data"


def postgres_directory(root: str, instance: str) -> str:
    """Return the directory of an instance's stack."""
    return f"{root}/postgres/{instance}"
