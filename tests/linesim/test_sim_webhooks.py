"""Webhooks as a bot server meets them: signature, shapes, order, timeouts, redelivery."""

import base64
import hashlib
import hmac
import json
import re

import pytest
from linesim_contract import check, check_event
from linesim_tools import SECRET, write

from linesim import ids, webhooks


def events_of(received):
    return [event for _headers, body in received for event in json.loads(body)["events"]]


def test_the_signature_is_that_of_lines_own_example():
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    assert webhooks.sign(SECRET, body) == "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


def test_a_webhook_is_signed_over_its_raw_bytes(sim, bot, somchai):
    write(sim, somchai, "สวัสดี 😀")
    [(headers, body)] = bot.wait_for(1)
    expected = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    assert headers["x-line-signature"] == expected
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert "สวัสดี 😀".encode() in body
    check(json.loads(body), {"$ref": "#/components/schemas/CallbackRequest"}, api="webhook")


@pytest.mark.parametrize("kind", ["text", "sticker", "image", "video", "audio", "file", "location"])
def test_every_kind_of_message_has_lines_shape(sim, bot, somchai, kind):
    sent = write(sim, somchai, "words", kind=kind)
    [event] = events_of(bot.wait_for(1))
    check_event(event)
    assert event["message"]["id"] == sent["messageId"]
    assert event["webhookEventId"] == sent["webhookEventId"]
    assert event["source"] == {"type": "user", "userId": somchai}
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", event["webhookEventId"])
    assert int(event["message"]["id"]) > 2**53


def test_a_message_into_a_group_names_group_and_writer(sim, bot, kenji, office):
    write(sim, kenji, group=office)
    write(sim, kenji, group=office, anonymous=True)
    named, nameless = events_of(bot.wait_for(2))
    check_event(named)
    assert named["source"] == {"type": "group", "groupId": office, "userId": kenji}
    assert nameless["source"] == {"type": "group", "groupId": office}


def test_people_come_and_go_in_lines_shapes(sim, bot, somchai, kenji, office):
    sim.post(f"/_sim/customers/{somchai}/block")
    sim.post(f"/_sim/customers/{somchai}/follow")
    sim.post(f"/_sim/customers/{kenji}/follow")
    anna = ids.user_id("Anna")
    sim.post(f"/_sim/groups/{office}/members/{anna}")
    sim.delete(f"/_sim/groups/{office}/members/{anna}")
    sim.delete(f"/_sim/groups/{office}/account")
    sim.post(f"/_sim/groups/{office}/account")
    events = events_of(bot.wait_for(7))
    [check_event(event) for event in events]
    kinds = ["unfollow", "follow", "follow", "memberJoined", "memberLeft", "leave", "join"]
    assert [event["type"] for event in events] == kinds
    assert [event["follow"]["isUnblocked"] for event in events[1:3]] == [True, False]


def test_a_new_group_or_room_greets_the_account(sim, bot, somchai):
    group = sim.post("/_sim/groups", json={"name": "Trip", "members": [somchai]}).json
    room = sim.post("/_sim/groups", json={"name": "Old", "members": [somchai], "kind": "room"}).json
    join_group, join_room = events_of(bot.wait_for(2))
    check_event(join_group)
    check_event(join_room)
    assert join_group["source"] == {"type": "group", "groupId": group["group_id"]}
    assert join_room["source"] == {"type": "room", "roomId": room["group_id"]}


def test_unsending_and_editing_are_told(sim, bot, somchai, office):
    sent = write(sim, somchai, "typo", group=office)["messageId"]
    sim.post(f"/_sim/messages/{sent}/edit", json={"text": "no typo"})
    sim.post(f"/_sim/messages/{sent}/unsend")
    first, edited, unsent = events_of(bot.wait_for(3))
    check_event(unsent)
    assert unsent["unsend"] == {"messageId": sent}
    assert edited["message"]["id"] == sent and edited["message"]["text"] == "no typo"
    assert edited["message"]["quoteToken"] != first["message"]["quoteToken"]
    assert "markAsReadToken" not in edited["message"]


def test_a_customer_can_quote(sim, bot, line, somchai):
    sent = line.push(somchai, "which size?").json["sentMessages"][0]["id"]
    write(sim, somchai, "this one", quoted=sent)
    [event] = events_of(bot.wait_for(1))
    check_event(event)
    assert event["message"]["quotedMessageId"] == sent


def test_webhooks_keep_the_order_of_what_happened(sim, bot, somchai):
    for number in range(10):
        sim.post(f"/_sim/customers/{somchai}/messages", json={"text": str(number)})
    texts = [event["message"]["text"] for event in events_of(bot.wait_for(10))]
    assert texts == [str(number) for number in range(10)]


def test_waiting_tells_what_the_bot_server_answered(sim, bot, somchai):
    bot.statuses = [503]
    assert write(sim, somchai)["status"] == 503
    assert write(sim, somchai)["status"] == 200


def test_a_bot_server_that_is_too_slow_counts_as_failed(sim, bot, somchai, monkeypatch):
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.05)
    bot.hold.clear()
    sent = write(sim, somchai)
    assert sent["status"] is None
    assert sent["outcome"] == "no answer within 0.05 s"


def test_without_the_redelivery_switch_a_failed_webhook_is_lost(sim, bot, somchai):
    bot.statuses = [500]
    write(sim, somchai, "lost")
    write(sim, somchai, "next")
    assert [event["message"]["text"] for event in events_of(bot.wait_for(2))] == ["lost", "next"]


def test_a_failed_webhook_is_redelivered_until_it_is_taken(sim, bot, line, somchai):
    sim.patch("/_sim/account", json={"redelivery": True, "redelivery_seconds": [0.01, 0.01, 0.01]})
    bot.statuses = [500, 503]
    sent = write(sim, somchai, "again")
    first, second, third = events_of(bot.wait_for(3))
    assert [e["deliveryContext"]["isRedelivery"] for e in (first, second, third)] == [False, True, True]
    assert first | {"deliveryContext": {"isRedelivery": True}} == second == third
    assert line.reply(sent["replyToken"], "got it").status_code == 200


def test_redelivery_gives_up_at_last(sim, bot, somchai):
    sim.patch("/_sim/account", json={"redelivery": True, "redelivery_seconds": [0.01]})
    bot.statuses = [500, 500]
    write(sim, somchai, "never taken")
    bot.wait_for(2)
    write(sim, somchai, "next")
    texts = [event["message"]["text"] for event in events_of(bot.wait_for(3))]
    assert texts == ["never taken", "never taken", "next"]


def test_any_event_can_be_delivered_again_with_a_living_token(sim, bot, line, somchai):
    sent = write(sim, somchai)
    sim.post("/_sim/clock", json={"advance_seconds": 120})
    assert line.reply(sent["replyToken"], "x").status_code == 400
    again = sim.post(f"/_sim/webhooks/{sent['webhookEventId']}/redelivery", json={"wait": True})
    assert again.json["status"] == 200
    event = events_of(bot.wait_for(2))[1]
    assert (event["webhookEventId"], event["deliveryContext"]["isRedelivery"]) == (sent["webhookEventId"], True)
    assert line.reply(sent["replyToken"], "x").status_code == 200


def test_nothing_is_sent_while_use_webhook_is_off(sim, bot, somchai):
    sim.patch("/_sim/account", json={"use_webhook": False})
    assert write(sim, somchai)["status"] is None
    assert bot.received == []


def test_foreign_events_and_bad_signatures_can_be_sent(sim, bot):
    event = {"type": "somethingNew", "text": "\ud800"}
    sim.post("/_sim/webhooks", json={"events": [event, event], "signature": "bad", "wait": True})
    [(headers, body)] = bot.wait_for(1)
    assert headers["x-line-signature"] == "bad"
    assert json.loads(body)["events"] == [event, event]
