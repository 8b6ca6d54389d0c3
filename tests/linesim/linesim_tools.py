"""What the tests of the simulator share besides fixtures."""

from typing import Any

from flask.testing import FlaskClient

TOKEN, SECRET, CHANNEL_ID = "channel-token", "8c570fa6dd201bb328f1c1eac23a96d8", "1650000042"


def texts_as_messages(texts: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


def texts_seen(sim: FlaskClient, user_id: str, **query: str) -> list[str]:
    items = sim.get(f"/_sim/customers/{user_id}/talk", query_string=query).json["items"]
    return [item["text"] for item in items]


def write(sim: FlaskClient, user_id: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    answer = sim.post(f"/_sim/customers/{user_id}/messages", json={"text": text, "wait": True, **more})
    assert answer.status_code == 201, answer.json
    return answer.json
