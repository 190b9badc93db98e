# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._networks import to_create
from hypothesis import given
from hypothesis import strategies as st


def network(name: str, *subnets: str) -> dict[str, t.Any]:
    return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets]}}


def test_missing_networks_get_the_next_free_subnets() -> None:
    wanted = {"b": {"internal": True}, "a": {}, "there": {}}
    assert to_create(wanted, [network("there", "10.0.1.0/24")], "10.0.0.0/16") == [
        {"name": "a", "internal": False, "subnet": "10.0.0.0/24", "ip_range": "10.0.0.128/25"},
        {"name": "b", "internal": True, "subnet": "10.0.2.0/24", "ip_range": "10.0.2.128/25"},
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
    (created,) = to_create({"a": {}}, [found], "10.0.0.0/16")
    assert created["subnet"] == "10.0.0.0/24"


def test_larger_and_smaller_networks_are_stepped_over() -> None:
    found = [network("big", "10.0.0.0/23"), network("small", "10.0.2.64/28", "fd00::/64")]
    (created,) = to_create({"a": {}}, found, "10.0.0.0/16")
    assert created["subnet"] == "10.0.3.0/24"


def test_exhausted_pool_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(ValueError, match=r"network c: no free /24 is left in 10.0.0.0/23; .*docker_network_pool"):
        to_create({"a": {}, "b": {}, "c": {}}, [], "10.0.0.0/23")


def test_nothing_wanted_needs_no_pool() -> None:
    assert to_create({}, [], "10.0.0.0/24") == []


SUBNETS = st.builds(
    lambda offset, size: str(ipaddress.ip_network((0x0A000000 + (offset << 6), size), strict=False)),
    st.integers(0, 63),
    st.integers(22, 28),
)


@given(taken=st.lists(SUBNETS, max_size=8), names=st.sets(st.sampled_from("abcdefgh")), size=st.integers(24, 26))
def test_created_networks_overlap_nothing(taken: list[str], names: set[str], size: int) -> None:
    found = [network(f"there-{i}", subnet) for i, subnet in enumerate(taken)]
    try:
        created = to_create({name: {} for name in names}, found, "10.0.0.0/20", size)
    except ValueError:
        pool = ipaddress.ip_network("10.0.0.0/20").subnets(new_prefix=size)
        free = [s for s in pool if not any(s.overlaps(ipaddress.ip_network(other)) for other in taken)]
        assert len(free) < len(names)
        return
    assert [c["name"] for c in created] == sorted(names)
    subnets = [ipaddress.ip_network(c["subnet"]) for c in created]
    others = [ipaddress.ip_network(subnet) for subnet in taken]
    for i, subnet in enumerate(subnets):
        assert subnet.prefixlen == size
        assert not any(subnet.overlaps(other) for other in [*others, *subnets[:i]])
        ip_range = ipaddress.ip_network(created[i]["ip_range"])
        assert ip_range == list(subnet.subnets(1))[1]
