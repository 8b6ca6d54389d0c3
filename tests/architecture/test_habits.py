"""Habits that hold the ideas up: who commits, where time comes from, what nobody swallows."""

import ast
import re
from functools import cache

from tests.architecture.source import ROOT, Module, modules

CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")
DRAWING = ("render_template_string", "from_string", "eval", "exec")
TRUSTING = ("Markup", "MarkSafe", "MarkSafeIfAutoescape")
#: What is said to be HTML already: our own words, and our own templates with nothing put in.
TRUSTED = {
    "app.templating Markup(language.ugettext(message))",
    "app.templating Markup(template.render())",
    "app.templating Markup(words)",
}


def calls(module: Module) -> list[tuple[str, ast.Call]]:
    return [
        (ast.unparse(node.func), node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
    ]


def is_empty(handler: ast.ExceptHandler) -> bool:
    is_broad = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
    return is_broad and all(isinstance(node, ast.Pass) for node in handler.body)


def test_only_transaction_commits_the_session():
    found = [
        module.at(node)
        for module in modules("app", "scheduler.py")
        for name, node in calls(module)
        if name.endswith("session.commit") and module.name != "app.transaction"
    ]
    assert found == []


def test_the_domain_neither_commits_nor_rolls_back():
    ends = (".commit", ".rollback", "transaction.release", "transaction.writing", ".start_writing")
    found = [
        module.at(node)
        for module in modules("app/domain")
        for name, node in calls(module)
        if name.endswith(ends)
    ]
    assert found == []


def test_time_comes_from_the_clock_alone():
    found = [
        module.at(node)
        for module in modules("app", "scheduler.py")
        for name, node in calls(module)
        if name in CLOCKS and module.name != "app.clock"
    ]
    assert found == []


def test_nobody_swallows_every_exception():
    found = [
        module.at(node)
        for module in modules("app", "linesim", "tools", "scheduler.py", "wsgi.py")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and is_empty(node)
    ]
    assert found == []


def test_every_function_says_what_it_takes_and_gives():
    found = [
        f"{module.at(node)} {node.name}"
        for module in modules("app", "linesim", "tools", "scheduler.py", "wsgi.py")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        and node.returns is None
        and not is_explained(module, node)
    ]
    assert found == []


def is_explained(module: Module, node: ast.FunctionDef) -> bool:
    """`# noqa: ANN...` with a reason stands where a type can't be named."""
    line = module.path.read_text("utf-8").splitlines()[node.lineno - 1 : node.body[0].lineno]
    return any("noqa: ANN" in text for text in line)


def test_nothing_is_drawn_from_a_string_as_a_template_or_trusted_as_html():
    """`|safe` in a template is found by test_templates."""
    found = [
        f"{module.name} {ast.unparse(node)}"
        for module in modules("app", "linesim")
        for name, node in calls(module)
        if name.split(".")[-1] in DRAWING + TRUSTING
    ]
    assert sorted(found) == sorted(TRUSTED)


def test_html_is_trusted_under_no_other_name():
    found = [
        module.at(node)
        for module in modules("app", "linesim")
        for node in ast.walk(module.tree)
        if is_other_name(node)
    ]
    assert found == []


def is_other_name(node: ast.AST) -> bool:
    """`import Markup as ...`, a name for it, or it handed on: whoever calls that is not seen above."""
    if isinstance(node, ast.alias):
        return node.name.split(".")[-1] in TRUSTING and node.asname is not None
    handed = [node.value] if isinstance(node, ast.Assign) else node.args if isinstance(node, ast.Call) else []
    return any(getattr(one, "attr", getattr(one, "id", "")) in TRUSTING for one in handed)


def test_queries_are_never_put_together_from_strings():
    found = [
        module.at(node)
        for module in modules("app")
        for name, node in calls(module)
        if name.split(".")[-1] in sql_functions(module)
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert found == []


def test_no_program_is_started_through_a_shell():
    found = [
        module.at(node)
        for module in modules("app", "linesim", "tools", "scheduler.py", "wsgi.py")
        for name, node in calls(module)
        if name in ("os.system", "os.popen", "subprocess.getoutput")
        or any(word.arg == "shell" for word in node.keywords)
    ]
    assert found == []


def test_nothing_unpickles():
    """What is read back from a file, a bus or a browser is JSON; a bucket lists its files in XML."""
    unsafe = ("pickle", "marshal", "shelve", "dill", "yaml")
    found = [
        f"{module.place}:{line}"
        for module in modules("app", "linesim", "tools", "scheduler.py", "wsgi.py")
        for name, line in module.imports()
        if name.split(".")[0] in unsafe
    ]
    assert found == []


def test_chance_that_matters_comes_from_secrets():
    """`random` can be foretold; only the demo's script throws dice."""
    found = {
        module.name
        for module in modules("app")
        for name, _line in module.imports()
        if name.split(".")[0] == "random"
    }
    assert found - {"app.demo.script"} == set()


def test_signatures_are_compared_in_constant_time():
    """T1: `==` ends at the first wrong character, and its time tells which."""
    signed = re.compile(r"signature|digest|hmac|\bmac\b")
    found = [
        f"{module.at(node)} {ast.unparse(node)}"
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and signed.search(ast.unparse(node))
    ]
    assert found == []


def test_no_redirect_goes_where_the_request_says():
    """T30: `next` is judged first."""
    found = [
        module.at(node)
        for module in modules("app")
        for name, node in calls(module)
        if name in ("redirect", "go")
        and node.args
        and not isinstance(node.args[0], ast.Call)
        and "request." in ast.unparse(node.args[0])
    ]
    assert found == []


@cache
def sql_functions(module: Module) -> set[str]:
    """What takes SQL as text there: `text` is also a name that others use."""
    imported = {name for name, _ in module.imports()}
    return {"exec_driver_sql"} | ({"text"} if "sqlalchemy.text" in imported else set())


def test_no_two_files_of_tests_have_one_name():
    """pytest takes the second for the first, and then none of them runs."""
    names = [path.name for folder in ("tests", "e2e") for path in (ROOT / folder).rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
