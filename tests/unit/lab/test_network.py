"""Who is given which address."""

from __future__ import annotations

import ipaddress

import pytest

from lab import network
from lab.errors import LabError


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        pytest.param([], "10.250.77.10", id="first"),
        pytest.param(["10.250.77.10", "10.250.77.11"], "10.250.77.12", id="next"),
        pytest.param(["10.250.77.11"], "10.250.77.10", id="gap"),
        pytest.param(
            [network.REGISTRY_ADDRESS, network.OUTSIDE_ADDRESS, ""], "10.250.77.10", id="fixed-ones-are-below"
        ),
    ],
)
def test_lowest_free(taken: list[str], expected: str) -> None:
    assert network.lowest_free(taken) == expected


def test_no_address_is_free() -> None:
    hosts = [str(host) for host in ipaddress.ip_network(network.SUBNET).hosts()]
    assert network.lowest_free(hosts[:-1]) == hosts[-1]
    with pytest.raises(LabError, match=r"no address is free in 10\.250\.77\.0/24"):
        network.lowest_free(hosts)
