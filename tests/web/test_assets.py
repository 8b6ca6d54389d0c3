"""What browsers get from us: vendored files as they were published, no build step, nothing inline."""

import hashlib
import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "app/static"
TEMPLATES = Path(__file__).parents[2] / "app/templates"
VENDORED = json.loads((STATIC / "vendor/VENDORED.json").read_text())
SHEETS = sorted((STATIC / "css").glob("*.css"))
MODULES = sorted((STATIC / "js").glob("*.js"))
EVERY_TEMPLATE = sorted((STATIC.parent).rglob("templates/**/*.html"))


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: entry["file"])
def test_vendored_files_are_unchanged_and_licensed(entry):  # T36
    content = (STATIC / "vendor" / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert (STATIC / "vendor" / entry["licence_file"]).is_file()
    assert entry["version"]


def test_every_vendored_file_is_listed():
    listed = {entry[key] for entry in VENDORED for key in ("file", "licence_file")}
    assert {path.name for path in (STATIC / "vendor").iterdir()} == listed | {"VENDORED.json"}


def test_every_icon_that_is_named_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/icons.svg").read_text()))
    source = "".join(path.read_text() for path in EVERY_TEMPLATE)
    named = set(re.findall(r'icon\("([a-z0-9-]+)"', source))
    named |= set(re.findall(r'icon_name="([a-z0-9-]+)"', source))
    assert named and named <= sprite


@pytest.mark.parametrize("path", EVERY_TEMPLATE, ids=lambda path: path.name)
def test_templates_keep_the_csp(path):  # STYLE 15, T34
    source = path.read_text()
    for forbidden in (r"\bstyle=", r"<style", r"\bhx-on", r"js:", r"hx-trigger=\"[^\"]*\[", r"\|safe", r"javascript:"):
        assert not re.search(forbidden, source), forbidden
    for script in re.findall(r"<script[^>]*>", source):
        assert "src=" in script


@pytest.mark.parametrize("path", EVERY_TEMPLATE, ids=lambda path: path.name)
def test_partials_begin_with_what_they_need(path):  # STYLE 14
    source = path.read_text()
    if path.name.startswith("_") and path.parent.name not in ("patterns", "_macros"):
        assert source.startswith("{#")
        assert "{% extends" not in source


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_are_small_and_never_write_html(path):  # STYLE 18
    source = path.read_text()
    assert len(source.splitlines()) <= 120
    for forbidden in ("innerHTML", "outerHTML =", "insertAdjacentHTML", "eval(", "new Function", "document.write"):
        assert forbidden not in source


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_stylesheets_keep_the_rules(path):  # STYLE 17
    source = path.read_text()
    assert "!important" not in source
    assert not re.search(r"(^|[\s,}])#[a-zA-Z][\w-]*\s*[{,:.]", source), "a rule for an id"
    physical = r"(?<![\w-])(margin|padding|border)-(left|right|top|bottom)|(?<![\w-])(left|right):"
    assert not re.search(physical, source), "physical instead of logical"


def test_every_sheet_and_module_is_loaded():
    main = (STATIC / "css/main.css").read_text()
    assert {path.name for path in SHEETS} == {"main.css", *re.findall(r'url\("([^"]+)"\)', main)}
    imported = {"main.js", "bare.js", "theme_early.js"}
    for path in MODULES:
        imported |= set(re.findall(r'import [^;]*?"\./([^"]+)"', path.read_text()))
    assert {path.name for path in MODULES} == imported


def test_scripts_stay_within_sixty_kilobytes():  # G14's budget
    import gzip

    shipped = [*MODULES, *(STATIC / "vendor").glob("*.js")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in shipped) < 60_000


def test_a_page_waits_for_one_sheet_that_holds_all_of_them_in_their_layers(client):
    main = (STATIC / "css/main.css").read_text()
    imported = re.findall(r'@import url\("([^"]+)"\) layer\((\w+)\);', main)
    served = client.get("/static/css/main.css")

    assert (served.status_code, served.mimetype) == (200, "text/css")
    assert "@import" not in served.text
    places = [
        served.text.index(f"@layer {layer} {{\n{(STATIC / 'css' / name).read_text()}}}")
        for name, layer in imported
    ]
    assert places == sorted(places)
    assert len(places) == main.count("@import")


def test_a_sheet_that_a_browser_has_is_not_sent_again(client):
    tag = client.get("/static/css/main.css").headers["ETag"]
    assert client.get("/static/css/main.css", headers={"If-None-Match": tag}).status_code == 304


def test_assets_are_kept_for_a_year_under_the_name_of_their_version(client):
    page = client.get("/sign-in").text
    address = re.search(r'href="(/static/v/[0-9a-f]{12}/css/main\.css)"', page)[1]
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_assets_without_a_version_are_asked_for_again(client):
    assert "immutable" not in client.get("/static/vendor/icons.svg").headers["Cache-Control"]


def test_patterns_are_for_development_only(app, client, monkeypatch):
    assert client.get("/patterns").status_code == 404
    monkeypatch.setenv("MADO_PATTERNS", "1")
    assert client.get("/patterns").status_code == 200
