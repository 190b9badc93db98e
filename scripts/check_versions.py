"""Compare the collections that requirements.yml and galaxy.yml name with those the ansible package brought."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet


def installed_versions() -> dict[str, str]:
    """Return the installed collections: name -> version, the first found of each."""
    command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", "list", "--format", "json"]
    listing = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    versions: dict[str, str] = {}
    for collections in listing.values():
        for name, entry in collections.items():
            versions.setdefault(name, entry["version"])
    return versions


def mistakes(requirements: dict[str, str], dependencies: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Return what differs, one line each."""
    found = []
    for name in sorted(requirements.keys() ^ dependencies.keys()):
        where, other = ("requirements.yml", "galaxy.yml")[:: 1 if name in requirements else -1]
        found.append(f"{name}: in {where}, not in {other}")
    for name, version in requirements.items():
        if installed.get(name) != version:
            found.append(f"requirements.yml: {name} {version}, tested with {installed.get(name)}")
    for name, specifiers in dependencies.items():
        if name in installed and installed[name] not in SpecifierSet(specifiers):
            found.append(f"galaxy.yml: {name} {specifiers} excludes {installed[name]}, which it is tested with")
    return found


def main() -> int:
    """Print every mistake; return 1 if there is one."""
    listed = yaml.safe_load(Path("requirements.yml").read_text(encoding="utf-8"))["collections"]
    galaxy = yaml.safe_load(Path("galaxy.yml").read_text(encoding="utf-8"))
    requirements = {entry["name"]: entry["version"] for entry in listed}
    found = mistakes(requirements, galaxy["dependencies"], installed_versions())
    print("\n".join(found) or "collection versions agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
