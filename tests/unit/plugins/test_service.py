# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._service import build_command


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ({}, ["--file", "/d/./Dockerfile", "/d/."]),
        ({"context": "b", "dockerfile": "Prod"}, ["--file", "/d/b/Prod", "/d/b"]),
        ({"context": "/c", "target": "x"}, ["--file", "/c/Dockerfile", "--target", "x", "/c"]),
        ({"context": "/c", "args": {"A": 1}}, ["--file", "/c/Dockerfile", "--build-arg", "A=1", "/c"]),
        ({"context": "/c", "args": ["A=1"]}, ["--file", "/c/Dockerfile", "--build-arg", "A=1", "/c"]),
    ],
    ids=["defaults", "relative", "target", "arguments", "arguments as a list"],
)
def test_build_command(build: dict[str, t.Any], expected: list[str]) -> None:
    assert build_command(build, "tag", "/d") == ["build", "--quiet", "--tag", "tag", *expected]
