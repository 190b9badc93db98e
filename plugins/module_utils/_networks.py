# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker networks are missing or made otherwise than wanted, and the address ranges that they get."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

DRIVER = "bridge"
# Docker's own, which cannot be made by anybody else.
RESERVED = ("bridge", "host", "none")


@dataclasses.dataclass(frozen=True)
class Network:
    """A network to make. ``remake``: there is one of that name already, which is made otherwise."""

    name: str
    internal: bool
    subnet: str
    ip_range: str
    reason: str
    remake: bool = False

    def __str__(self) -> str:
        way_out = ", internal" if self.internal else ""
        return f"{'remake' if self.remake else 'create'} network {self.name} ({self.subnet}{way_out}): {self.reason}"

    @property
    def create_command(self) -> list[str]:
        """Docker's arguments that make it."""
        options = ["--driver", DRIVER, "--subnet", self.subnet]
        options += ["--ip-range", self.ip_range] if self.ip_range else []
        return ["network", "create", *options, *(["--internal"] if self.internal else []), self.name]


def plan(
    wanted: t.Mapping[str, t.Mapping[str, t.Any]], found: t.Sequence[t.Mapping[str, t.Any]], pool: str, size: int = 24
) -> list[Network]:
    """Return the networks to make.

    ``found``: networks as Docker's API shows them. ``pool``: the address range that berth's networks are cut from, in
    pieces of ``/size``. Docker hands out addresses from the upper half of each alone; the lower half is for the fixed
    addresses that routes carry. A network that is made anew keeps its range where that is of the pool.
    """
    there = {network["Name"]: network for network in found}
    taken = [subnet for network in found for subnet, _ip_range in _ranges(network)]
    whole = ipaddress.ip_network(pool)
    free = (s for s in whole.subnets(new_prefix=size) if not any(s.overlaps(other) for other in taken))
    made = []
    for name, options in sorted(wanted.items()):
        internal = bool((options or {}).get("internal", False))
        own = next(iter(_ranges(there[name])), (None, "")) if name in there else (None, "")
        fits = own[0] is not None and _is_part(own[0], whole)
        reasons = _differences(there[name], internal, own, whole) if name in there else ["it is not there"]
        if not reasons:
            continue
        subnet = own[0] if fits else next(free, None)
        if subnet is None:
            raise ValueError(f"network {name}: no free /{size} is left in {pool}; choose a larger docker_network_pool")
        made.append(Network(name, internal, str(subnet), _upper_half(subnet), "; ".join(reasons), name in there))
    return made


def as_found(network: t.Mapping[str, t.Any]) -> Network:
    """Return a network as it is, so that it can be made again."""
    subnet, ip_range = next(iter(_ranges(network)), ("", ""))
    return Network(network["Name"], bool(network.get("Internal")), str(subnet), ip_range, "as it was", remake=True)


def reconnect_command(network: Network, container: t.Mapping[str, t.Any]) -> list[str]:
    """Return Docker's arguments that bring a container back to a network that was made anew.

    ``container``: as ``docker inspect`` showed it before. A fixed address comes back where it is still of the network;
    who needs another one is given it by its stack or release.
    """
    attachment = container["NetworkSettings"]["Networks"][network.name]
    address = (attachment.get("IPAMConfig") or {}).get("IPv4Address")
    kept = address and ipaddress.ip_address(address) in ipaddress.ip_network(network.subnet)
    aliases = [a for a in attachment.get("Aliases") or () if a != container["Id"][:12]]
    words = [word for alias in aliases for word in ("--alias", alias)]
    return ["network", "connect", *(["--ip", address] if kept else []), *words, network.name, container["Id"]]


def _differences(
    network: t.Mapping[str, t.Any],
    internal: bool,
    own: tuple[ipaddress.IPv4Network | None, str],
    pool: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> list[str]:
    reasons = []
    if network.get("Driver", DRIVER) != DRIVER:
        reasons.append(f"its driver is {network['Driver']}, expected {DRIVER}")
    if bool(network.get("Internal")) != internal:
        reasons.append("it has a way out, expected none" if internal else "it has no way out, expected one")
    subnet, ip_range = own
    if subnet is None or not _is_part(subnet, pool):
        reasons.append(f"its addresses are {subnet or 'no IPv4 ones'}, expected some of {pool}")
    elif ip_range != _upper_half(subnet):
        reasons.append(f"it hands out {ip_range or 'all addresses'}, expected {_upper_half(subnet)}")
    return reasons


def _ranges(network: t.Mapping[str, t.Any]) -> list[tuple[ipaddress.IPv4Network, str]]:
    """Return the IPv4 subnets of a network, each with the part that Docker hands out by itself."""
    configs = (network.get("IPAM") or {}).get("Config") or ()
    subnets = [(ipaddress.ip_network(c["Subnet"]), c.get("IPRange") or "") for c in configs if c.get("Subnet")]
    return [(subnet, ip_range) for subnet, ip_range in subnets if isinstance(subnet, ipaddress.IPv4Network)]


def _upper_half(subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(list(subnet.subnets(1))[1]) if subnet.prefixlen < subnet.max_prefixlen else str(subnet)


def _is_part(subnet: ipaddress.IPv4Network, pool: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return isinstance(pool, ipaddress.IPv4Network) and subnet.subnet_of(pool)
