# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _networks
from ansible_collections.berth.server.plugins.module_utils._networks import Network, plan
from hypothesis import given
from hypothesis import strategies as st


def network(name: str, *subnets: str) -> dict[str, t.Any]:
    return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets]}}


def as_wanted(name: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return a network that lacks nothing, but for the changes."""
    config = {"Subnet": "10.0.1.0/24", "IPRange": "10.0.1.128/25"}
    return {"Name": name, "Driver": "bridge", "Internal": False, "IPAM": {"Config": [config]}, **changes}


def ranges(**config: str) -> dict[str, t.Any]:
    return {"IPAM": {"Config": [{"Subnet": "10.0.1.0/24", "IPRange": "10.0.1.128/25", **config}]}}


def test_missing_networks_get_the_next_free_subnets() -> None:
    wanted = {"b": {"internal": True}, "a": {}, "there": {}}
    assert plan(wanted, [as_wanted("there")], "10.0.0.0/16") == [
        Network("a", False, "10.0.0.0/24", "10.0.0.128/25", "it is not there"),
        Network("b", True, "10.0.2.0/24", "10.0.2.128/25", "it is not there"),
    ]


@pytest.mark.parametrize(
    ("changes", "subnet", "reason"),
    [
        pytest.param({"Internal": True}, "10.0.1.0/24", "it has no way out, expected one", id="internal"),
        pytest.param({"Driver": "macvlan"}, "10.0.1.0/24", "its driver is macvlan, expected bridge", id="driver"),
        pytest.param(
            ranges(IPRange=""), "10.0.1.0/24", "it hands out all addresses, expected 10.0.1.128/25", id="no range"
        ),
        pytest.param(
            ranges(IPRange="10.0.1.0/25"), "10.0.1.0/24", "hands out 10.0.1.0/25, expected 10.0.1.128/25", id="range"
        ),
        pytest.param(
            ranges(Subnet="10.9.0.0/24"), "10.0.0.0/24", "its addresses are 10.9.0.0/24, expected some of", id="pool"
        ),
        pytest.param({"IPAM": None}, "10.0.0.0/24", "its addresses are no IPv4 ones, expected some of", id="none"),
    ],
)
def test_network_that_is_made_otherwise_is_remade(changes: dict[str, t.Any], subnet: str, reason: str) -> None:
    (made,) = plan({"a": {}}, [as_wanted("a", **changes)], "10.0.0.0/16")
    assert (made.remake, made.internal, made.subnet) == (True, False, subnet)
    assert reason in made.reason
    assert str(made).startswith(f"remake network a ({subnet}): ")


def test_network_that_lost_its_wall_is_remade() -> None:
    (made,) = plan({"a": {"internal": True}}, [as_wanted("a")], "10.0.0.0/16")
    assert made.reason == "it has a way out, expected none"
    assert made.create_command == [
        *("network", "create", "--driver", "bridge", "--subnet", "10.0.1.0/24"),
        *("--ip-range", "10.0.1.128/25", "--internal", "a"),
    ]


def test_network_can_be_made_again_as_it_was() -> None:
    old = _networks.as_found(as_wanted("a", Internal=True, **ranges(IPRange="")))
    assert old.create_command == [
        *("network", "create", "--driver", "bridge", "--subnet", "10.0.1.0/24", "--internal", "a")
    ]


@pytest.mark.parametrize(("address", "kept"), [("10.0.1.9", True), ("10.9.0.9", False), ("", False)])
def test_container_comes_back_with_its_names_and_an_address_that_fits(address: str, kept: bool) -> None:
    attachment = {"IPAMConfig": {"IPv4Address": address} if address else None, "Aliases": ["web", "0123456789ab"]}
    container = {"Id": "0123456789abcdef", "NetworkSettings": {"Networks": {"a": attachment}}}
    made = Network("a", False, "10.0.1.0/24", "10.0.1.128/25", "")
    expected = ["--ip", address] if kept else []
    assert _networks.reconnect_command(made, container) == [
        *("network", "connect", *expected, "--alias", "web", "a", "0123456789abcdef")
    ]


@pytest.mark.parametrize(
    "found",
    [
        {"Name": "host", "IPAM": {"Config": None}},
        {"Name": "none", "IPAM": None},
        {"Name": "bare"},
        {"Name": "odd", "IPAM": {"Config": [{}]}},
        network("six", "fd00::/64"),
        network("elsewhere", "172.17.0.0/16"),
    ],
    ids=lambda found: found["Name"],
)
def test_networks_that_take_nothing_of_the_pool(found: dict[str, t.Any]) -> None:
    (created,) = plan({"a": {}}, [found], "10.0.0.0/16")
    assert created.subnet == "10.0.0.0/24"


def test_larger_and_smaller_networks_are_stepped_over() -> None:
    found = [network("big", "10.0.0.0/23"), network("small", "10.0.2.64/28", "fd00::/64")]
    (created,) = plan({"a": {}}, found, "10.0.0.0/16")
    assert created.subnet == "10.0.3.0/24"


def test_exhausted_pool_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(ValueError, match=r"network c: no free /24 is left in 10.0.0.0/23; .*docker_network_pool"):
        plan({"a": {}, "b": {}, "c": {}}, [], "10.0.0.0/23")


def test_nothing_wanted_needs_no_pool() -> None:
    assert plan({}, [], "10.0.0.0/24") == []


SUBNETS = st.builds(
    lambda offset, size: str(ipaddress.ip_network((0x0A000000 + (offset << 6), size), strict=False)),
    st.integers(0, 63),
    st.integers(22, 28),
)


@given(taken=st.lists(SUBNETS, max_size=8), names=st.sets(st.sampled_from("abcdefgh")), size=st.integers(24, 26))
def test_created_networks_overlap_nothing(taken: list[str], names: set[str], size: int) -> None:
    found = [network(f"there-{i}", subnet) for i, subnet in enumerate(taken)]
    try:
        created = plan({name: {} for name in names}, found, "10.0.0.0/20", size)
    except ValueError:
        pool = ipaddress.ip_network("10.0.0.0/20").subnets(new_prefix=size)
        free = [s for s in pool if not any(s.overlaps(ipaddress.ip_network(other)) for other in taken)]
        assert len(free) < len(names)
        return
    assert [c.name for c in created] == sorted(names)
    subnets = [ipaddress.ip_network(c.subnet) for c in created]
    others = [ipaddress.ip_network(subnet) for subnet in taken]
    for i, subnet in enumerate(subnets):
        assert subnet.prefixlen == size
        assert not any(subnet.overlaps(other) for other in [*others, *subnets[:i]])
        ip_range = ipaddress.ip_network(created[i].ip_range)
        assert ip_range == list(subnet.subnets(1))[1]
