"""docs/sbom.cdx.json: what Mado consists of besides its own code, for programs that look for known holes.

CycloneDX 1.6, made of requirements.txt and the list of vendored files, which say it already; `make lock` writes
it. The hashes of packages stay in requirements.txt, where pip checks them.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BOM = ROOT / "docs" / "sbom.cdx.json"
REQUIREMENTS = ROOT / "requirements.txt"
VENDORED = ROOT / "app/static/vendor/VENDORED.json"
# One package of requirements.txt: its name, version, where it is wanted, and the comment that says by whom.
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+?)(?: ; ([^\\]+?))? \\\n(?: +--hash=.+\n)+((?: +#.+\n)+)", re.M)
OURS = "mado"


def written() -> str:
    pins = PIN.findall(REQUIREMENTS.read_text("utf-8"))
    vendored = json.loads(VENDORED.read_text("utf-8"))
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _ourselves()},
        "components": [*(_package(*pin[:3]) for pin in pins), *map(_vendored, vendored)],
        "dependencies": _dependencies(pins, vendored),
    }
    return json.dumps(bom, indent=1) + "\n"


def _ourselves() -> dict[str, Any]:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return {"type": "application", "bom-ref": OURS, "name": OURS, "version": version}


def _package(name: str, version: str, marker: str) -> dict[str, Any]:
    """`marker` says on which Pythons and systems it is installed; empty means on all."""
    address = f"pkg:pypi/{name}@{version}"
    component = {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}
    return component | ({"properties": [{"name": "mado:marker", "value": marker}]} if marker else {})


def _vendored(entry: dict[str, str]) -> dict[str, Any]:
    address = _npm(entry)
    return {
        "type": "library",
        "bom-ref": address,
        "name": entry["package"],
        "version": entry["version"],
        "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}],
        "licenses": [{"license": {"id": entry["licence"]}}],
        "purl": address,
    }


def _npm(entry: dict[str, str]) -> str:
    return f"pkg:npm/{entry['package']}@{entry['version']}"


def _dependencies(pins: list[tuple[str, ...]], vendored: list[dict[str, str]]) -> list[dict[str, Any]]:
    wanted: dict[str, list[str]] = {OURS: [_npm(entry) for entry in vendored]}
    for name, version, _marker, comment in pins:
        for by in re.findall(r"#(?: +via)? +(?:-r )?(\S+)$", comment, re.M):
            wanted.setdefault(by.replace("requirements.in", OURS), []).append(f"pkg:pypi/{name}@{version}")
    refs = [(OURS, OURS), *((name, f"pkg:pypi/{name}@{version}") for name, version, *_ in pins)]
    return [{"ref": ref, "dependsOn": sorted(wanted[name])} for name, ref in refs if name in wanted]


if __name__ == "__main__":
    BOM.write_text(written(), "utf-8")
    sys.stdout.write(f"{BOM}\n")
