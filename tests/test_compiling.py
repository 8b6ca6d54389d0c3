"""Templates that several threads ask for at once are compiled once, with what never changes put in."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment, nodes
from markupsafe import Markup

from app.compiling import Kept, OneAtATime, PutIn

THREADS = 5


class Counting(Environment):
    """Counts what it compiles."""

    compiled = 0

    def compile(self, *args, **kwargs):
        self.compiled += 1
        return super().compile(*args, **kwargs)


def test_threads_that_meet_a_template_together_compile_it_once():
    environment = Counting(loader=OneAtATime(DictLoader({"page": "Hello {{ name }}"})))
    environment.bytecode_cache = Kept()
    together = threading.Barrier(THREADS)

    def render(name: str) -> str:
        together.wait()
        return environment.get_template("page").render(name=name)

    with ThreadPoolExecutor(THREADS) as threads:
        said = list(threads.map(render, "abcde"))

    assert said == ["Hello a", "Hello b", "Hello c", "Hello d", "Hello e"]
    assert environment.compiled == 1


def test_a_template_that_changed_is_compiled_anew():
    sources = {"page": "old"}
    environment = Counting(loader=OneAtATime(DictLoader(sources)), bytecode_cache=Kept())
    assert environment.get_template("page").render() == "old"
    sources["page"] = "new"

    assert environment.get_template("page").render() == "new"


def test_the_application_compiles_its_templates_so(app: Flask):
    assert isinstance(app.jinja_env.loader, OneAtATime)
    assert "layout.html" in app.jinja_env.list_templates()
    assert PutIn.identifier in app.jinja_env.extensions


def said(*words: str) -> str:
    return " & ".join(words)


@pytest.fixture
def putting_in() -> Environment:
    """One whose function `said` is called when it compiles, and not to be had when it renders."""
    environment = Environment(autoescape=True, extensions=[PutIn])
    environment.put_in.update(said=said, icon=lambda name: Markup("<svg>%s</svg>") % name)
    return environment


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ said() }}.", "."),
        ("{{ said('a') }}", "a"),
        ("-\n{{- said('<a>', \"b\") -}}\n-", "-&lt;a&gt; &amp; b-"),
        ("{{ icon('<x>') }}", "<svg>&lt;x&gt;</svg>"),
        ("{% if true %}{{ said('a') }}{{ said('b') }}{% endif %}", "ab"),
    ],
)
def test_what_is_given_words_of_the_template_alone_is_text_of_it(putting_in, source, text):
    assert list(putting_in.parse(source).find_all(nodes.Call)) == []
    assert putting_in.from_string(source).render() == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ said(name) }}",
        "{{ said('a', name) }}",
        "{{ said('a')|upper }}",
        "{{ said('a') ~ name }}",
        "{{ said('a', n='b') }}",
        "{{ ui.said('a') }}",
        "{{ other('a') }}",
        "{% set here = said('a') %}",
    ],
)
def test_every_other_call_is_made_when_the_page_is(putting_in, source):
    assert len(list(putting_in.parse(source).find_all(nodes.Call))) == 1


def test_a_page_in_the_only_language_asks_for_none_of_its_sentences(app: Flask):
    assert list(app.jinja_env.parse("{{ _('Save') }}{{ icon('x') }}").find_all(nodes.Call)) == []
    with app.test_request_context():
        assert app.jinja_env.from_string("{{ _('80 %% used') }}").render() == "80 % used"
