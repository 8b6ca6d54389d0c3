"""docs/permissions.md, made of the table that the access matrix asks. `python -m tests.permissions` writes it."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from tests.web.test_access_matrix import API, FORBIDDEN, IN, MISSING, REFUSED, SIGN_IN, TABLE, Rule

PAGE = Path(__file__).parent.parent / "docs" / "permissions.md"
COLUMNS = {
    "anonymous": "Signed out",
    "looker": "View only",
    "outsider": "Other group",
    "stranger": "Only theirs, not theirs",
    "assignee": "Only theirs, theirs",
    "agent": "Of the group",
    "admin": "Admin",
}
WORDS = {IN: "yes", SIGN_IN: "sign in", FORBIDDEN: "403", MISSING: "404", REFUSED: "401"}
INTRODUCTION = """# Who may do what

Made by `python -m tests.permissions` from the table that the tests ask for every route, so it says what is so. What is
asked about is a chat or case of a group, or a thing that belongs to it; of one's own things (sessions, notifications,
macros) those of one agent of that group.

- **Signed out**: nobody is signed in, or a program has no token.
- **View only**: an agent who sees everything and may change nothing.
- **Other group**: an agent who sees the cases of their own groups, of which this is none.
- **Only theirs**: agents who see only what is assigned to or taken by them; it is not, and it is.
- **Of the group**: an agent who sees the cases of their own groups, of which this is one. Whoever sees everything gets
  the same.
- **404** is what a missing thing answers, word for word; **403** says that one may not; **sign in** leads to the page
  for it; **401** is told to programs.

"""


def written(app: Flask) -> str:
    parts = [INTRODUCTION, "## Pages\n\n", *_table(app, TABLE), "\n## JSON API\n\n", *_table(app, API)]
    return "".join(parts)


def _table(app: Flask, rules: dict[str, Rule]) -> Iterator[str]:
    yield f"| | {' | '.join(COLUMNS.values())} |\n|---|{'---|' * len(COLUMNS)}\n"
    for route, rule in rules.items():
        method, endpoint = route.split(" ")
        path = next(iter(app.url_map.iter_rules(endpoint))).rule
        answers = [WORDS[rule.wanted(method, who)] for who in COLUMNS]
        yield f"| `{method} {_plain(path)}` | {' | '.join(answers)} |\n"


def _plain(path: str) -> str:
    """`<int(max=9):number>` as `<number>`."""
    parts = [part.rpartition(":")[2] for part in path.split("<")]
    return "<".join(parts)


if __name__ == "__main__":
    from app import create_app
    from tests.conftest import config_for

    with tempfile.TemporaryDirectory() as folder:
        found = create_app(config_for(f"sqlite:///{folder}/mado.sqlite3", Path(folder)))
        PAGE.write_text(written(found), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
