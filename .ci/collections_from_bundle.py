"""Take the collections that requirements.yml names out of PyPI's `ansible` bundle.

usage: collections_from_bundle.py requirements.yml requirements-bundle.txt DESTINATION

The bundle is a wheel of more than a hundred collections. It is downloaded, not installed: only the named collections
are unpacked, into DESTINATION/ansible_collections, and each must satisfy the version that requirements.yml asks for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def main(requirements: Path, bundle: Path, destination: Path) -> int:
    """Unpack the named collections; exit status 1 when one is absent from the bundle or too old."""
    wanted = {
        entry["name"]: SpecifierSet(str(entry.get("version", "")).replace("*", ""))
        for entry in yaml.safe_load(requirements.read_text())["collections"]
    }
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary", ":all:", "--dest", folder, "--requirement", str(bundle)],
            check=True,
        )  # fmt: skip
        (wheel,) = Path(folder).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            for collection, allowed in wanted.items():
                root = "ansible_collections/" + collection.replace(".", "/") + "/"
                members = [name for name in names if name.startswith(root)]
                if not members:
                    print(f"{wheel.name} has no collection {collection}", file=sys.stderr)
                    return 1
                version = json.loads(archive.read(root + "MANIFEST.json"))["collection_info"]["version"]
                if Version(version) not in allowed:
                    print(f"{wheel.name} has {collection} {version}, wanted {allowed}", file=sys.stderr)
                    return 1
                archive.extractall(destination, members)
    return 0


if __name__ == "__main__":
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:4])))
