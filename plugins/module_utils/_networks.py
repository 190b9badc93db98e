# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker networks are missing, and the address ranges that they get."""

from __future__ import annotations

import ipaddress
import typing as t


def to_create(
    wanted: t.Mapping[str, t.Mapping[str, t.Any]], found: t.Sequence[t.Mapping[str, t.Any]], pool: str, size: int = 24
) -> list[dict[str, t.Any]]:
    """Return the networks to create, each with ``name``, ``internal``, ``subnet`` and ``ip_range``.

    ``found``: networks as Docker's API lists them (``Name``, ``IPAM``). ``pool``: the address range that berth's
    networks are cut from, in pieces of ``/size``. Docker hands out addresses from the upper half alone; the lower half
    is for the fixed addresses that routes carry.
    """
    names = {network["Name"] for network in found}
    taken = [
        ipaddress.ip_network(config["Subnet"])
        for network in found
        for config in (network.get("IPAM") or {}).get("Config") or ()
        if config.get("Subnet")
    ]
    free = (
        subnet
        for subnet in ipaddress.ip_network(pool).subnets(new_prefix=size)
        if not any(subnet.version == other.version and subnet.overlaps(other) for other in taken)
    )
    created = []
    for name, options in sorted(wanted.items()):
        if name in names:
            continue
        subnet = next(free, None)
        if subnet is None:
            raise ValueError(f"network {name}: no free /{size} is left in {pool}; choose a larger docker_network_pool")
        upper = list(subnet.subnets(1))[1]
        internal = bool(options.get("internal", False))
        created.append({"name": name, "internal": internal, "subnet": str(subnet), "ip_range": str(upper)})
    return created
