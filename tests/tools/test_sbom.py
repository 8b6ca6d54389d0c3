"""The list of parts says what is pinned and vendored today. T36, ASVS 15.1.2."""

import json

import sbom


def test_it_is_what_the_pins_and_vendored_files_say_today():
    assert sbom.BOM.read_text("utf-8") == sbom.written(), "python tools/sbom.py"


def test_it_has_every_pinned_package_and_vendored_file_once():
    heads = [line.split()[0] for line in sbom.REQUIREMENTS.read_text("utf-8").splitlines() if line[:1].isalnum()]
    vendored = json.loads(sbom.VENDORED.read_text("utf-8"))
    wanted = heads + [f"{entry['package']}=={entry['version']}" for entry in vendored]
    parts = json.loads(sbom.written())["components"]
    assert len(wanted) > 50
    assert sorted(f"{part['name']}=={part['version']}" for part in parts) == sorted(wanted)


def test_somebody_wants_each_part():
    bom = json.loads(sbom.written())
    wanted = {ref for one in bom["dependencies"] for ref in one["dependsOn"]}
    assert wanted == {part["bom-ref"] for part in bom["components"]}
