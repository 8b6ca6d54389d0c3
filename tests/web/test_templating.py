"""What templates call for every page: sentences, constant parts and icons, kept and yet right.

All of it as in a Mado that has translations; with one language sentences are text of the templates.
"""

import re

import pytest
from babel import Locale
from babel.support import NullTranslations
from flask import Flask, g
from flask_babel import Babel
from jinja2 import meta
from markupsafe import Markup

from app import create_app, templating

CONSTANT = re.compile(r'constant\("([^"]+)"\)')


class Language(NullTranslations):
    """One that begins every sentence with its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def ugettext(self, message: str) -> str:
        return f"{self.name}: {message}"


def render(app, source: str, language: Language, **context) -> str:
    with app.test_request_context():
        g.translations = language
        return app.jinja_env.from_string(source).render(**context)


@pytest.fixture(scope="module")
def app(sqlite_app) -> Flask:
    """One that finds translations beside its own language."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Babel, "list_translations", lambda _self: [Locale("en"), Locale("ja")])
        return create_app(sqlite_app.extensions["mado"])


@pytest.fixture
def languages() -> tuple[Language, Language]:
    return Language("one"), Language("two")


def test_a_sentence_is_kept_for_its_language_alone(app, languages):
    for language in languages * 2:
        assert render(app, "{{ _('Save') }}", language) == f"{language.name}: Save"


def test_what_is_filled_in_is_escaped_and_never_kept(app, languages):
    for name in ("<b>", "Emma"):
        shown = render(app, "{{ _('Reply to %(name)s', name=name) }}", languages[0], name=name)
        assert shown == Markup("one: Reply to %s") % name


def test_a_percent_sign_is_one_with_and_without_something_filled_in(app, languages):
    plain = render(app, "{{ _('80 %% used') }}", languages[0])
    filled = render(app, "{{ _('%(n)s %% used', n=80) }}", languages[0])
    assert (plain, filled) == ("one: 80 % used", "one: 80 % used")


@pytest.mark.parametrize("part", ["_keys.html", "cases/_composer_words.html"])
def test_a_constant_part_is_rendered_once_for_each_language(app, languages, part):
    first, second = (render(app, "{{ constant(part) }}", one, part=part) for one in languages)

    assert "one: " in first
    assert first.replace("one: ", "two: ") == second
    with app.test_request_context():
        g.translations = languages[0]
        assert templating.constant(part) is templating.constant(part)


def test_constant_parts_ask_for_nothing_of_the_page_or_its_viewer(app):
    env = app.jinja_env
    sources = {name: env.loader.get_source(env, name)[0] for name in env.list_templates()}
    constant = {part for source in sources.values() for part in CONSTANT.findall(source)}

    assert constant >= {"_keys.html", "cases/_composer_words.html"}
    for part in constant:
        assert meta.find_undeclared_variables(env.parse(sources[part])) <= {"_", "asset", "icon"}


def test_an_icon_has_its_size_and_its_name_is_escaped(app, languages):
    shown = render(app, "{{ icon('x') }}{{ icon(name, 'large') }}", languages[0], name='"><b>')

    assert shown.count('<svg class="icon"') == 1
    assert '<svg class="icon is-large"' in shown
    assert "<b>" not in shown
