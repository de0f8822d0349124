"""The libraries the pages load: exactly what the manifest says, with their licences, in what is installed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "src" / "keepshowingup" / "web" / "static" / "vendor"


@pytest.fixture
def manifest() -> dict[str, Any]:
    return dict(json.loads((VENDOR / "MANIFEST.json").read_text("utf-8")))


def test_every_vendored_file_is_the_one_the_manifest_knows(manifest: dict[str, Any]) -> None:
    files = {path.name for path in VENDOR.iterdir()} - {"MANIFEST.json", "LICENCES.txt"}
    assert files == set(manifest["files"])
    for name, known in manifest["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == known["sha256"], name
        assert len((VENDOR / name).read_bytes()) == known["bytes"]
        assert b"sourceMappingURL" not in (VENDOR / name).read_bytes()


def test_every_package_in_them_is_named_with_version_licence_and_hash(manifest: dict[str, Any]) -> None:
    packages = {package["name"]: package for package in manifest["packages"]}
    assert set(packages) == {name for known in manifest["files"].values() for name in known["packages"]}
    pinned = json.loads((ROOT / "frontend" / "package.json").read_text("utf-8"))["dependencies"]
    licences = (VENDOR / "LICENCES.txt").read_text("utf-8")
    for name, package in packages.items():
        assert package["version"] == pinned[name]
        assert package["licence"] == "MIT"
        assert package["integrity"].startswith("sha512-")
        assert f"{name} {package['version']}" in licences


def test_what_is_installed_brings_them_along(manifest: dict[str, Any]) -> None:
    shipped = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    for name in (*manifest["files"], "MANIFEST.json", "LICENCES.txt"):
        assert f"keepshowingup/web/static/vendor/{name}" in shipped
