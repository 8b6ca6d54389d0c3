"""An installation moved to a fresh machine by its backup, while customers write (F33)."""

from pathlib import Path

import requests

from linesim.serving import Running
from tests.channels.line_posts import text_event
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send


def outgoing_states(mado: Mado, token: str) -> list[str]:
    items = mado.get("/api/v1/cases/1/messages", token)["items"]
    return [item["state"] for item in items if item["direction"] == "out"]


def test_reply_that_left_after_the_backup_is_not_sent_again(
    embedded: Mado, line: Running, tmp_path: Path
):  # F33
    token, hook = prepared(embedded)
    embedded.start_embedded()
    requests.put(f"{line.url}/_sim/account", json={"webhook": hook}, timeout=5)
    user = requests.post(f"{line.url}/_sim/customers", json={"name": "Nok"}, timeout=5).json()["user_id"]
    said = {"text": "hello", "wait": True}
    requests.post(f"{line.url}/_sim/customers/{user}/messages", json=said, timeout=10)
    fault = {"call": "*", "what": "429", "times": 1000}
    requests.post(f"{line.url}/_sim/faults", json=fault, timeout=5)
    embedded.post("/api/v1/cases/1/messages", token, {"text": "We are open until six."})
    soon(lambda: outgoing_states(embedded, token) == ["queued"])
    backup = tmp_path / "mado.tar"
    assert embedded.run("backup", "create", "--with-key", str(backup)).returncode == 0
    requests.delete(f"{line.url}/_sim/faults", timeout=5)
    soon(lambda: outgoing_states(embedded, token) == ["sent"])
    embedded.stop()

    fresh = tmp_path / "fresh"
    moved = Mado(embedded.env | {"DATA_DIR": str(fresh)})
    restored = moved.run("backup", "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert 'now unconfirmed, each with "Send again": 1' in restored.stdout
    moved.start_embedded()
    try:
        assert outgoing_states(moved, token) == ["unconfirmed"]
        assert "Stop Mado first" in moved.run("backup", "restore", "--replace", str(backup)).stderr
        assert send(hook.replace(embedded.url, moved.url), text_event("still there?")) == 200
        talk = requests.get(f"{line.url}/_sim/customers/{user}/talk", timeout=5).json()["items"]
    finally:
        moved.stop()
    assert [one["text"] for one in talk].count("We are open until six.") == 1
