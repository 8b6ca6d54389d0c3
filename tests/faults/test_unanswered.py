"""A crash after the commit and before the answer: whoever asked asks again, and it is there once."""

from pathlib import Path

import pytest
import requests

from tests.channels.line_posts import text_event
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send, texts


@pytest.fixture
def dying(embedded: Mado, tmp_path: Path) -> Mado:
    embedded.env["DIES_AT"] = str(tmp_path / "die")
    embedded.start("-m", "gunicorn", "-c", "gunicorn.conf.py", "tests.faults.dying:app")
    return embedded


def order_death(mado: Mado) -> None:
    soon(mado.is_ready)
    Path(mado.env["DIES_AT"]).touch()


def test_event_whose_answer_was_lost_is_stored_once(dying: Mado):  # F6
    token, hook = prepared(dying)
    event = text_event("once")
    order_death(dying)
    with pytest.raises(requests.ConnectionError):
        send(hook, event)

    soon(dying.is_ready)
    assert texts(dying, token) == ["once"]
    assert send(hook, event) == 200
    assert texts(dying, token) == ["once"]


def test_reply_whose_answer_was_lost_is_written_once(dying: Mado):  # F6, U5
    token, hook = prepared(dying)
    soon(dying.is_ready)
    assert send(hook, text_event("hello")) == 200
    order_death(dying)

    def reply() -> requests.Response:
        return requests.post(
            f"{dying.url}/api/v1/cases/1/messages",
            json={"text": "on its way"},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "one"},
            timeout=10,
        )

    with pytest.raises(requests.ConnectionError):
        reply()
    soon(dying.is_ready)
    assert texts(dying, token) == ["hello", "on its way"]
    assert reply().status_code == 200
    assert texts(dying, token) == ["hello", "on its way"]
