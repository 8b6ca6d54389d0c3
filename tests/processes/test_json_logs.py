"""The log of a whole Mado with LOG_FORMAT=json: every line an object, and nothing secret in any."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

import requests

from linesim.serving import Running
from tests.channels.line_posts import text_event
from tests.processes.conftest import LINE_SECRET, LINE_TOKEN
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send


def test_every_line_is_an_object_and_none_holds_a_secret(embedded: Mado, line: Running):  # T26, T37
    embedded.env |= {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    token, hook = prepared(embedded)
    process = embedded.start_embedded()
    reading = ThreadPoolExecutor(1).submit(process.communicate)  # or the pipe is full soon
    assert send(hook, text_event("words of a customer", user="U" + "1" * 32)) == 200
    answer = embedded.post("/api/v1/cases/1/messages", token, {"text": "words of an agent"})
    assert answer.status_code == 201
    soon(lambda: embedded.get("/api/v1/cases/1/messages", token)["items"][-1]["state"] != "queued")
    page = requests.get(f"{embedded.url}/sign-in?next=/canary", timeout=5)

    process.send_signal(signal.SIGTERM)
    output = reading.result(timeout=30)[0].decode()

    told = [json.loads(line) for line in output.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(one) for one in told)
    assert {"gunicorn.error", "mado.requests"} <= {one["logger"] for one in told}
    numbers = [one.get("request_id") for one in told]
    assert page.headers["X-Request-ID"] in numbers
    assert {"/line/webhook/***", "/api/v1/cases/1/messages"} <= {one.get("path") for one in told}
    key = hook.rpartition("/")[2]
    for canary in (key, token, LINE_SECRET, LINE_TOKEN, "words of", "canary", "passphrase"):
        assert canary not in output
