"""What templates, styles and scripts may not hold: whatever the content policy or people forbid."""

import re

import pytest

from tests.architecture.source import static_files, templates

FORBIDDEN = {
    "trusted as HTML": re.compile(r"\|\s*safe\b|autoescape\s+false"),
    "an inline handler": re.compile(r"\s(?:hx-on|on[a-z]+)\s*(?::[a-z:-]+)?=|javascript:|[\"']js:"),
    "an inline style": re.compile(r"<style\b|\sstyle\s*="),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)"),
    "a trigger filter": re.compile(r"hx-trigger=\"[^\"]*\["),
    "another site's file": re.compile(r"(?:src|srcset|data-src)=\"https?://"),
    # htmx forgets a hint that comes while an answer is on its way to replace the whole region.
    "a region that misses hints": re.compile(
        r"<\w+(?=[^<]*\sdata-topic=)(?=[^<]*\shx-get=)(?![^<]*\sdata-merge)[^<]*>"
    ),
}
CSS_FORBIDDEN = {
    "!important": re.compile(r"!important"),
    "an id": re.compile(r"^[^{}@/*]*#[a-z][\w-]*[^{}]*\{", re.M),
    "another site's file": re.compile(r"url\(\s*[\"']?(?:https?:)?//"),
}
JS_FORBIDDEN = {
    "HTML from a string": re.compile(
        r"\.(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML|document\.write"
    ),
    "code from a string": re.compile(r"\beval\(|new Function\("),
}
COMMENT = re.compile(r"\{#.*?#\}|/\*.*?\*/", re.S)
TAG = re.compile(r"<(a|form)\b((?:[^<>\"]|\"[^\"]*\"|\{\{.*?\}\}|\{%.*?%\})*)>", re.S)


def places(found: list[tuple[str, str]], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{place}: {match[0].strip()[:60]}"
        for place, text in found
        for match in pattern.finditer(COMMENT.sub("", text))
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds(what: str):
    assert places(list(templates()), FORBIDDEN[what]) == []


@pytest.mark.parametrize("what", CSS_FORBIDDEN)
def test_no_style_holds(what: str):
    assert places(static_files(".css"), CSS_FORBIDDEN[what]) == []


@pytest.mark.parametrize("what", JS_FORBIDDEN)
def test_no_script_makes(what: str):
    assert places(static_files(".js"), JS_FORBIDDEN[what]) == []


def test_scripts_keep_nothing_in_the_browser_but_the_theme():
    """ASVS 14.3.3: who signs out leaves no text behind."""
    kept = re.compile(r"(?:local|session)Storage\.setItem\([^,]*|indexedDB|document\.cookie|caches\.open")
    ours = [(place, text) for place, text in static_files(".js") if place.startswith("app/")]
    assert places(ours, kept) == ['app/static/js/menu.js: localStorage.setItem("mado-theme"']


def test_links_and_forms_work_without_scripts():
    """Whatever htmx does on a link or a form, the browser can do by itself."""
    plain = {"a": "href=", "form": "action="}
    lacking = [
        f"{place}: <{match[1]}{match[2][:60]}"
        for place, text in templates()
        for match in TAG.finditer(COMMENT.sub("", text))
        if re.search(r"\shx-(?:get|post|put|patch|delete)=", match[2])
        and plain[match[1]] not in match[2]
    ]
    assert lacking == []


def test_partials_say_what_they_need_and_extend_nothing():
    partials = [
        (place, text)
        for place, text in templates()
        if place.startswith("app/") and "/_" in place and "/patterns/" not in place
    ]
    assert partials
    assert [place for place, text in partials if not text.lstrip().startswith("{#")] == []
    assert [place for place, text in partials if "{% extends" in text] == []
