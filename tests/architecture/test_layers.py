"""The layers of docs/architecture.md, held by reading every import: they point down only."""

import ast

from tests.architecture.source import Module, modules

# From the ground up. A module may import its own rank and what lies below.
GROUND, SCHEMA, INTERFACE, DOMAIN, SHARED, ENTRY, ASSEMBLY = range(7)
RANKS = {
    "app": ASSEMBLY,
    "app.blueprints": ENTRY,
    "app.live": ENTRY,
    "app.channels": ENTRY,
    "app.demo": ENTRY,
    "app.backups": SHARED,
    "app.calling": ENTRY,
    "app.cli": ENTRY,
    "app.background": ENTRY,
    "app.worker": ENTRY,
    "app.security": ENTRY,
    "app.templating": ENTRY,
    "app.webhooks": ENTRY,
    "app.intake": SHARED,
    "app.banners": SHARED,
    "app.delivery": SHARED,
    "app.downloads": SHARED,
    "app.foresight": SHARED,
    "app.assets": GROUND,
    "app.compiling": GROUND,
    "app.counters": GROUND,
    "app.language": GROUND,
    "app.logs": GROUND,
    "app.requests": ENTRY,
    "app.server_logs": GROUND,
    "app.links": SHARED,
    "app.lookups": SHARED,
    "app.mailing": SHARED,
    "app.mails": SHARED,
    "app.media": SHARED,
    "app.password_mails": SHARED,
    "app.quotas": SHARED,
    "app.pictures": SHARED,
    "app.previews": SHARED,
    "app.probing": SHARED,
    "app.problems": SHARED,
    "app.rotation": SHARED,
    "app.rows": SHARED,
    "app.sendable": SHARED,
    "app.signals": SHARED,
    "app.storage": SHARED,
    "app.words": SHARED,
    "app.workers": SHARED,
    "app.domain": DOMAIN,
    "app.channels.base": INTERFACE,
    "app.channels.registry": INTERFACE,
    "app.models": SCHEMA,
    "app.tables": SCHEMA,
    "app.columns": SCHEMA,
    "app.clock": GROUND,
    "app.content_types": GROUND,
    "app.encryption": GROUND,
    "app.outgoing": GROUND,
    "app.s3": GROUND,
    "app.smtp": GROUND,
    # The engine's own parts: they know the tables' metadata and nothing of their meaning.
    "app.config": SCHEMA,
    "app.extensions": SCHEMA,
    "app.schema": SCHEMA,
    "app.transaction": SCHEMA,
}
# The registry imports the package it walks through; `create_app` lends itself to programs.
KNOWN = {
    ("app.channels.registry", "app.channels"),
    ("app.demo.__main__", "app.create_app"),
    ("app.backups.restoring", "app.create_app"),
}
OUTSIDE_THE_DOMAIN = (
    "flask",
    "requests",
    "urllib3",
    "urllib.request",
    "linebot",
    "redis",
    "gunicorn",
)
KINDS = ("app.channels.line", "app.channels.manual")


def rank_of(name: str) -> int | None:
    """The rank of the longest known prefix; None for what isn't ours."""
    parts = name.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((RANKS[prefix] for prefix in prefixes if prefix in RANKS), None)


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def upward(module: Module) -> list[str]:
    own = rank_of(module.name)
    return [
        f"{module.place}:{line} imports {imported}"
        for imported, line in module.imports()
        if (module.name, imported) not in KNOWN
        and (rank := rank_of(imported)) is not None
        and own is not None
        and rank > own
    ]


def test_every_module_of_the_application_has_a_layer_of_its_own():
    unplaced = [
        module.place
        for module in modules("app")
        if module.name != "app" and rank_of(module.name) == ASSEMBLY
    ]
    assert unplaced == []


def test_imports_point_down_only():
    assert [found for module in modules("app") for found in upward(module)] == []


def test_the_domain_knows_no_web_and_no_provider():
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules("app/domain")
        for imported, line in module.imports()
        if any(is_below(imported, package) for package in OUTSIDE_THE_DOMAIN)
    ]
    assert found == []


def test_only_its_own_folder_and_the_demo_know_a_kind():
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules("app")
        for imported, line in module.imports()
        for kind in KINDS
        if is_below(imported, kind)
        and not is_below(module.name, kind)
        and not is_below(module.name, "app.demo")
    ]
    assert found == []


def test_the_core_never_asks_whether_a_kind_is_line():
    core = [module for module in modules("app") if not is_below(module.name, "app.channels.line")]
    found = [
        module.at(node)
        for module in core
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare) and "'line'" in ast.unparse(node)
    ]
    assert found == []


def test_the_line_sdk_is_imported_in_its_folder_and_only_when_needed():
    found = [
        module.at(node)
        for module in modules("app", "scheduler.py", "wsgi.py")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        and is_below(node.module or "", "linebot")
        and (not is_below(module.name, "app.channels.line") or node in module.tree.body)
    ]
    assert found == []


def test_mado_and_its_simulator_meet_over_http_only():
    ours = [(module, "linesim") for module in modules("app", "scheduler.py", "wsgi.py")]
    theirs = [(module, "app") for module in modules("linesim", "tools")]
    found = [
        f"{module.place}:{line} imports {imported}"
        for module, other in ours + theirs
        for imported, line in module.imports()
        if is_below(imported, other)
    ]
    assert found == []


def test_what_starts_mado_needs_nothing_installed():
    import sys

    ours = {module.name.removeprefix("tools.") for module in modules("tools")}
    found = [
        f"{module.place}:{line} imports {imported}"
        for module in modules("tools")
        for imported, line in module.imports()
        if imported.split(".")[0] not in sys.stdlib_module_names | ours
    ]
    assert found == []
