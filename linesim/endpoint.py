"""LINE's calls that read, set and test the webhook URL."""

from datetime import UTC
from typing import Any

from flask import Blueprint, g, request

from linesim import checks, clock, webhooks
from linesim.current import world
from linesim.faults import TESTS
from linesim.gate import Refused, guard

MAX_URL_CHARACTERS = 500

endpoint = Blueprint("endpoint", __name__)
guard(endpoint, with_token=True)


@endpoint.get("/v2/bot/channel/webhook/endpoint")
def webhook_get() -> dict[str, Any]:
    account = world().sim.account
    if not account.webhook_url:
        raise Refused(404, "Webhook endpoint not found")
    return {"endpoint": account.webhook_url, "active": account.use_webhook}


@endpoint.put("/v2/bot/channel/webhook/endpoint")
def webhook_set() -> dict[str, Any]:
    """Sets the URL and, as at LINE, does not switch "Use webhook" on."""
    url = checks.json_body().get("endpoint")
    if not checks.is_reachable_url(url) or len(url) > MAX_URL_CHARACTERS:
        raise Refused(400, "Invalid webhook endpoint URL")
    sim = world().sim
    with sim.lock:
        sim.account.webhook_url = url
        sim.touch()
    return {}


@endpoint.post("/v2/bot/channel/webhook/test")
def webhook_test() -> dict[str, Any]:
    """Calls the URL with a signed body without events, like the console's "Verify"."""
    account = world().sim.account
    asked = checks.json_body() if request.get_data() else {}
    url = asked.get("endpoint") or account.webhook_url
    if not url:
        raise Refused(404, "Webhook endpoint not found")
    if g.fault and g.fault.what in TESTS:
        return _result(*TESTS[g.fault.what])
    body = webhooks.encode({"destination": account.user_id, "events": []})
    answer = webhooks.post(url, body, webhooks.sign(account.channel_secret, body))
    return _result(answer.reason, answer.status or 0, str(answer.status or answer.outcome))


def _result(reason: str, status: int, detail: str) -> dict[str, Any]:
    moment = clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    is_good = reason == webhooks.OK
    return {"success": is_good, "timestamp": moment, "statusCode": status, "reason": reason, "detail": detail}
