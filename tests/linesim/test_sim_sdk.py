"""LINE's own SDK, which Mado calls LINE with, accepts the simulator for LINE."""

import pytest
from linesim_tools import SECRET, TOKEN, texts_seen, write

messaging = pytest.importorskip("linebot.v3.messaging")


@pytest.fixture
def sdk(running):
    configuration = messaging.Configuration(access_token=TOKEN, host=running.url)
    configuration.retries = False
    with messaging.ApiClient(configuration) as client:
        yield messaging.MessagingApi(client)


def text(words):
    return [messaging.TextMessage(text=words)]


def test_the_sdk_replies_once(sim, sdk, somchai):
    token = write(sim, somchai)["replyToken"]
    request = messaging.ReplyMessageRequest(replyToken=token, messages=text("hi"))
    assert sdk.reply_message(request).sent_messages[0].id
    with pytest.raises(messaging.exceptions.ApiException) as refusal:
        sdk.reply_message(request)
    assert refusal.value.status == 400
    assert messaging.ErrorResponse.from_json(refusal.value.body).message == "Invalid reply token"
    assert texts_seen(sim, somchai) == ["hello", "hi"]


def test_the_sdk_reads_a_409(sdk, somchai):
    request = messaging.PushMessageRequest(to=somchai, messages=text("hi"))
    key = "f8b6a8e0-7f3b-4c1c-9f57-0d6e0a5b1c2d"
    sent = sdk.push_message(request, x_line_retry_key=key).sent_messages[0].id
    with pytest.raises(messaging.exceptions.ApiException) as conflict:
        sdk.push_message(request, x_line_retry_key=key)
    assert conflict.value.status == 409
    assert conflict.value.headers["x-line-accepted-request-id"]
    assert messaging.ErrorResponse.from_json(conflict.value.body).sent_messages[0].id == sent


def test_the_sdk_reads_profiles_groups_bot_and_quota(sdk, somchai, kenji, office):
    assert sdk.get_profile(somchai).display_name == "Somchai"
    assert sdk.get_group_member_profile(office, kenji).display_name == "Kenji"
    assert sdk.get_group_summary(office).group_name == "Office move 引越し"
    assert sdk.get_bot_info().display_name == "Mado Test"
    assert sdk.get_message_quota().value == 5000
    assert sdk.get_message_quota_consumption().total_usage == 0
    with pytest.raises(messaging.exceptions.NotFoundException):
        sdk.get_profile(kenji)


def test_the_sdk_sets_and_tests_the_webhook(sdk, bot):
    sdk.set_webhook_endpoint(messaging.SetWebhookEndpointRequest(endpoint=bot.url))
    assert sdk.get_webhook_endpoint().active is True
    assert sdk.test_webhook_endpoint(messaging.TestWebhookEndpointRequest()).success is True


def test_the_sdk_parses_the_webhooks(sim, bot, somchai):
    from linebot.v3 import WebhookParser

    write(sim, somchai, "สวัสดี")
    [(headers, body)] = bot.wait_for(1)
    [event] = WebhookParser(SECRET).parse(body.decode(), headers["x-line-signature"])
    assert (event.message.text, event.source.user_id) == ("สวัสดี", somchai)
