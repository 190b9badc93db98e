# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import ipaddress
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _release
from ansible_collections.berth.server.plugins.module_utils._release import (
    RELEASE_ID,
    Record,
    ReleaseError,
    choose_version,
    free_addresses,
    known_image_ids,
    release_digest,
    to_prune,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.builders import DIGEST, resolved_app, route

MOMENTS = st.datetimes(min_value=datetime.datetime(2000, 1, 1), timezones=st.timezones())
IDS = st.builds("{:08d}t{:06d}z-{:08x}".format, st.integers(0, 99), st.integers(0, 9), st.integers(0, 99))


def record(**changes: t.Any) -> Record:
    defaults: dict[str, t.Any] = {"id": "i", "digest": DIGEST, "version": "0.9", "images": {}, "addresses": {}}
    return Record(**{**defaults, **changes})


def test_release_id_is_utc_time_and_content() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    now = datetime.datetime(2026, 11, 20, 12, 15, 0, tzinfo=zone)
    assert _release.release_id("1a2b3c4d5e", now) == "20261120t101500z-1a2b3c4d"


@given(one=MOMENTS, other=MOMENTS)
def test_later_releases_sort_later(one: datetime.datetime, other: datetime.datetime) -> None:
    early, late = sorted([one.astimezone(datetime.UTC), other.astimezone(datetime.UTC)])
    ids = [_release.release_id(DIGEST, moment) for moment in (early, late)]
    assert ids == sorted(ids)
    assert all(RELEASE_ID.match(found) for found in ids)


@pytest.mark.parametrize(
    ("version", "current", "services", "expected"),
    [
        ("1.0", None, {"web": {"image": "x:$VERSION"}}, "1.0"),
        ("1.0", record(), {"web": {"image": "x:$VERSION"}}, "1.0"),
        (None, record(), {"web": {"image": "x:$VERSION"}}, "0.9"),
        (None, None, {"web": {"image": "x:1"}}, ""),
    ],
    ids=["of the file", "of the file over the last", "the last", "none needed"],
)
def test_version(version: str | None, current: Record | None, services: dict[str, t.Any], expected: str) -> None:
    assert choose_version(resolved_app(version=version, services=services), {}, current) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"services": {"web": {"image": "x:$VERSION"}}}, id="in a service"),
        pytest.param(
            {
                "services": {"web": {"image": "x:1"}},
                "release_command": {"service": "web", "command": ["migrate", "$VERSION"]},
            },
            id="in the release command",
        ),
    ],
)
def test_version_that_was_never_known_is_an_error(changes: dict[str, t.Any]) -> None:
    with pytest.raises(ReleaseError, match=r"app shop: .* Set version in the app file"):
        choose_version(resolved_app(version=None, **changes), {}, None)


def test_version_in_composed_environment_is_needed_but_not_in_a_literal_value() -> None:
    app = resolved_app(version=None, services={"web": {"image": "x:1"}})
    with pytest.raises(ReleaseError):
        choose_version(app, {"web": {"literal": {}, "compose": {"A": "$VERSION"}}}, None)
    assert choose_version(app, {"web": {"literal": {"PASSWORD": "a$VERSION"}, "compose": {}}}, None) == ""


def test_image_reference_is_built_or_named() -> None:
    app = resolved_app(builds={"api": {"image": "berth-build/shop-api:1"}})
    assert _release.image_reference(app, "web", "1.0") == "shop:1.0"
    assert _release.image_reference(app, "api", "1.0") == "berth-build/shop-api:1"


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (None, {"web": "local", "job": None}),
        (record(images={"web": {"reference": "a:1", "id": "old"}}), {"web": "old", "job": None}),
        (record(images={"web": {"reference": "a:0", "id": "old"}}), {"web": "local", "job": None}),
        (record(images={"job": {"reference": "gone:1", "id": "old"}}), {"web": "local", "job": "old"}),
    ],
    ids=["first release", "same reference", "other reference", "no longer tagged"],
)
def test_known_image_ids(current: Record | None, expected: dict[str, str | None]) -> None:
    assert known_image_ids({"web": "a:1", "job": "gone:1"}, current, {"a:1": "local"}) == expected


def digest(environment: t.Any = None, images: dict[str, str] | None = None, **changes: t.Any) -> str:
    services = {"web": {"image": "x:$VERSION", "command": "serve"}}
    app = resolved_app(**{"services": services, **changes})
    return release_digest(app, "1.0", environment or {}, images or {"web": "sha256:1"})


SERVICE = {"image": "x", "command": "serve"}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"drain": 5.0}, True, id="drain"),
        pytest.param({"version": "2.0"}, True, id="version that is not used"),
        pytest.param({"routes": [route(hosts=["x.y"])]}, True, id="host of a route"),
        pytest.param({"services": {"web": SERVICE}}, True, id="reference of the same image"),
        pytest.param({"environment": {"web": {"A": "1"}}}, False, id="environment"),
        pytest.param({"images": {"web": "sha256:2"}}, False, id="image id"),
        pytest.param({"services": {"web": {**SERVICE, "command": "x"}}}, False, id="service"),
        pytest.param({"services": {"web": SERVICE, "job": SERVICE}}, False, id="another service"),
        pytest.param({"egress": False}, False, id="egress"),
        pytest.param({"routes": [], "networks": [], "edge": ""}, False, id="no route any more"),
        pytest.param({"joins": {"web": ["n"]}, "networks": ["edge-shop", "n"]}, False, id="network"),
        pytest.param({"volumes": {"v": {}}}, False, id="volume"),
        pytest.param(
            {"release_command": {"service": "web", "command": ["x"], "timeout": 1.0}}, False, id="release command"
        ),
    ],
)
def test_digest_is_what_the_release_is_made_of(changes: dict[str, t.Any], same: bool) -> None:
    assert (digest(**changes) == digest()) is same


SUBNETS = st.builds(
    lambda bits, size: str(ipaddress.IPv4Network((int(ipaddress.IPv4Address("10.0.0.0")) | bits << 12, size))),
    st.integers(0, 4095),
    st.integers(20, 26),
)


@given(subnet=SUBNETS, count=st.integers(0, 20), data=st.data())
def test_free_addresses(subnet: str, count: int, data: st.DataObject) -> None:
    network = ipaddress.IPv4Network(subnet)
    taken = {str(network[i]) for i in data.draw(st.sets(st.integers(0, network.num_addresses - 1), max_size=40))}
    lower = list(network)[2 : network.num_addresses // 2]
    single = data.draw(st.integers(0, count))
    containers = {f"s{i}": 1 for i in range(single)} | ({"many": count - single} if count > single else {})
    available = [address for address in map(str, lower) if address not in taken]
    if len(available) < count:
        with pytest.raises(ReleaseError, match=f"network {subnet}: {count} free addresses needed"):
            free_addresses(subnet, taken, containers)
        return
    found = free_addresses(subnet, taken, containers)
    assert {name: len(addresses) for name, addresses in found.items()} == containers
    given_out = [address for addresses in found.values() for address in addresses]
    assert len(set(given_out)) == count
    assert set(given_out) <= set(available)


@given(releases=st.sets(IDS, min_size=1, max_size=12), keep=st.integers(0, 6), data=st.data())
def test_prune_keeps_the_current_release_and_the_newest_others_that_served(
    releases: set[str], keep: int, data: st.DataObject
) -> None:
    current = data.draw(st.sampled_from(sorted(releases)))
    served = sorted({*data.draw(st.sets(st.sampled_from(sorted(releases)))), current})
    kept = sorted(releases - set(to_prune(releases, {current}, served, keep)))
    others = [release for release in kept if release != current]
    assert current in kept
    assert others == [release for release in served if release != current][len(served) - 1 - len(others) :]
    assert min(keep, len(served)) <= len(kept) <= max(keep, 1) + 1


def test_prune_leaves_foreign_directories_alone() -> None:
    assert to_prune(["lost+found", "20261120t101500z-1a2b3c4d"], [], [], 1) == ["20261120t101500z-1a2b3c4d"]
