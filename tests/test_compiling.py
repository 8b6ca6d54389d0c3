"""Templates that several threads ask for at once are compiled once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from jinja2 import DictLoader, Environment

from app.compiling import Kept, OneAtATime

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
