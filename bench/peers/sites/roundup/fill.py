"""Make and fill a Roundup tracker: `python fill.py cases.jsonl HOME PASSWORD`.

Its classic template on SQLite, with SQLite's full text search. Rows go straight into its tables:
before each text that it adds, its indexer reads the whole index. All contacts are one user: with
one for each of them the page of an issue would offer all of them in its menus.
"""

import json
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from roundup import configuration, init, instance
from roundup.date import Date
from roundup.password import Password

AGENTS = ("alice", "bob", "charlie")
STATUSES = {"open": "chatting", "pending": "need-eg", "closed": "resolved"}
PORTION = 1000
TEMPLATE = Path(sys.prefix, "share", "roundup", "templates", "classic")


def make(home, password):
    init.install(home, str(TEMPLATE))
    config = configuration.CoreConfig(home)
    config["RDBMS_BACKEND"] = "sqlite"
    config["INDEXER"] = "native-fts"
    config["MAIL_DOMAIN"] = "example.com"
    config["MAIL_HOST"] = "127.0.0.1"
    config["TRACKER_WEB"] = "http://127.0.0.1/"
    config.save(str(Path(home, "config.ini")))
    tracker = instance.open(home)
    tracker.init(Password(password, config=config))
    return tracker


class Filler:
    def __init__(self, db, password):
        self.db, self.rows, self.message = db, defaultdict(list), 0
        secret = Password(password, config=db.config)
        self.agents = [
            int(db.user.create(username=name, realname=name.title(), password=secret, roles="User"))
            for name in AGENTS
        ]
        self.contact = int(db.user.create(username="contact", realname="Contact", roles="User"))
        self.priority = int(db.priority.lookup("bug"))
        self.statuses = {ours: int(db.status.lookup(its)) for ours, its in STATUSES.items()}

    def add(self, case):
        number, began = case["id"], datetime.fromtimestamp(case["at"], UTC)
        assignee = case["assignee"] and self.agents[case["assignee"] - 1]
        for turn, (direction, text) in enumerate(case["messages"]):
            moment = Date(began + timedelta(milliseconds=5 * turn)).serialise()
            self.say(number, direction, text, moment)
            action, change = (
                ("set", {"messages": (("+", [str(self.message)]),)}) if turn else ("create", {})
            )
            self.note("issue", number, moment, self.contact, action, change)
        self.insert(
            "_issue",
            id=number,
            _title=case["subject"],
            _assignedto=assignee,
            _priority=self.priority,
            _status=self.statuses[case["status"]],
            **self.stamps(Date(began).serialise(), moment),
        )
        for one in filter(None, (self.contact, assignee)):
            self.insert("issue_nosy", linkid=one, nodeid=number)
        self.index("issue", number, "title", case["subject"])

    def say(self, issue, direction, text, moment):
        self.message += 1
        number, author = self.message, self.contact if direction == "in" else self.agents[0]
        self.insert(
            "_msg",
            id=number,
            _author=author,
            _date=moment,
            _summary=text[:60],
            _type="text/plain",
            **self.stamps(moment, moment),
        )
        self.insert("issue_messages", linkid=number, nodeid=issue)
        self.note("msg", number, moment, author, "create", {})
        self.note("msg", number, moment, author, "link", ("issue", str(issue), "messages"))
        self.index("msg", number, "content", text)
        place = Path(self.db.filename("msg", str(number), create=1))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")

    def note(self, classname, number, moment, by, action, change):
        """A line of its history, which the page of an issue shows."""
        row = {
            "nodeid": number,
            "date": moment,
            "tag": by,
            "action": action,
            "params": repr(change),
        }
        self.insert(f"{classname}__journal", **row)

    def index(self, classname, number, prop, text):
        self.insert("__fts", _class=classname, _itemid=str(number), _prop=prop, _textblob=text)

    def stamps(self, created, changed):
        by = {"_creator": self.contact, "_actor": self.contact}
        return {"_creation": created, "_activity": changed, **by}

    def insert(self, table, **row):
        self.rows[table, tuple(row)].append(tuple(row.values()))

    def write(self):
        for (table, columns), rows in self.rows.items():
            places = ", ".join("?" * len(columns))
            sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
            self.db.cursor.executemany(sql, rows)
        self.rows.clear()
        self.db.commit()


def main(file, home, password):
    db = make(home, password).open("admin")
    filler = Filler(db, password)
    with open(file, encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            filler.add(case)
            if case["id"] % PORTION == 0:
                filler.write()
    db.setid("issue", str(case["id"]))
    db.setid("msg", str(filler.message))
    filler.write()
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
