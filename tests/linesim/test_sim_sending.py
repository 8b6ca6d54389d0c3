"""Reply and push: what LINE accepts, refuses, counts and silently drops."""

import uuid

import pytest
from linesim_contract import check_answer
from linesim_tools import texts_seen, write

REPLY, PUSH = "/v2/bot/message/reply", "/v2/bot/message/push"


def test_a_reply_reaches_the_customer_and_names_the_sent_messages(sim, line, somchai):
    token = write(sim, somchai)["replyToken"]
    answer = line.reply(token, "one", "two")
    assert answer.status_code == 200
    check_answer(answer, "post", REPLY)
    assert len(answer.json["sentMessages"]) == 2
    assert texts_seen(sim, somchai) == ["hello", "one", "two"]


def test_a_reply_token_works_once(sim, line, somchai):
    token = write(sim, somchai)["replyToken"]
    assert line.reply(token, "first").status_code == 200
    again = line.reply(token, "second")
    assert (again.status_code, again.json["message"]) == (400, "Invalid reply token")
    check_answer(again, "post", REPLY)
    assert texts_seen(sim, somchai) == ["hello", "first"]


def test_a_reply_token_expires_after_a_minute(sim, line, somchai):
    fresh, stale = write(sim, somchai)["replyToken"], write(sim, somchai)["replyToken"]
    sim.post("/_sim/clock", json={"advance_seconds": 59})
    assert line.reply(fresh, "in time").status_code == 200
    sim.post("/_sim/clock", json={"advance_seconds": 1})
    late = line.reply(stale, "too late")
    assert (late.status_code, late.json["message"]) == (400, "Invalid reply token")


def test_the_life_of_reply_tokens_can_be_set(sim, line, somchai):
    sim.patch("/_sim/account", json={"reply_token_seconds": 5})
    token = write(sim, somchai)["replyToken"]
    sim.post("/_sim/clock", json={"advance_seconds": 6})
    assert line.reply(token, "x").status_code == 400


def test_a_refused_reply_leaves_its_token_usable(sim, line, somchai):
    token = write(sim, somchai)["replyToken"]
    assert line.reply(token, "x" * 5001).status_code == 400
    assert line.reply(token, "shorter").status_code == 200


def test_a_retry_key_on_a_reply_is_refused(sim, line, somchai):
    token = write(sim, somchai)["replyToken"]
    answer = line.reply(token, "x", **{"X-Line-Retry-Key": str(uuid.uuid4())})
    assert answer.status_code == 400
    check_answer(answer, "post", REPLY)
    assert texts_seen(sim, somchai) == ["hello"]


def test_a_push_reaches_a_friend_and_counts_one_person(sim, line, somchai):
    answer = line.push(somchai, "one", "two")
    assert answer.status_code == 200
    check_answer(answer, "post", PUSH)
    assert texts_seen(sim, somchai) == ["one", "two"]
    assert line.get("/v2/bot/message/quota/consumption").json == {"totalUsage": 1}


def test_a_push_to_a_group_counts_its_people(sim, line, somchai, kenji, office):
    assert line.push(office, "hello all").status_code == 200
    assert texts_seen(sim, kenji, group=office) == texts_seen(sim, somchai, group=office) == ["hello all"]
    assert line.get("/v2/bot/message/quota/consumption").json == {"totalUsage": 2}


def test_an_accepted_retry_key_answers_409_with_the_same_messages(sim, line, somchai):
    key = {"X-Line-Retry-Key": str(uuid.uuid4())}
    first = line.push(somchai, "once", **key)
    again = line.push(somchai, "once", **key)
    assert again.status_code == 409
    check_answer(again, "post", PUSH)
    assert again.json["sentMessages"] == first.json["sentMessages"]
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert texts_seen(sim, somchai) == ["once"]


def test_a_retry_key_is_forgotten_after_24_hours(sim, line, somchai):
    key = {"X-Line-Retry-Key": str(uuid.uuid4())}
    line.push(somchai, "once", **key)
    sim.post("/_sim/clock", json={"advance_seconds": 24 * 3600})
    assert line.push(somchai, "once", **key).status_code == 200
    assert texts_seen(sim, somchai) == ["once", "once"]


def test_a_refused_push_leaves_its_retry_key_usable(line, somchai):
    key = {"X-Line-Retry-Key": str(uuid.uuid4())}
    assert line.push(somchai, **key).status_code == 400
    assert line.push(somchai, "now with words", **key).status_code == 200


def test_a_push_to_a_blocker_is_accepted_and_arrives_nowhere(sim, line, somchai):
    sim.post(f"/_sim/customers/{somchai}/block")
    answer = line.push(somchai, "hello?")
    assert answer.status_code == 200
    check_answer(answer, "post", PUSH)
    assert "hello?" not in texts_seen(sim, somchai)
    assert line.get("/v2/bot/message/quota/consumption").json == {"totalUsage": 0}


def test_a_reply_to_who_has_blocked_since_is_accepted_and_arrives_nowhere(sim, line, somchai):
    token = write(sim, somchai)["replyToken"]
    sim.post(f"/_sim/customers/{somchai}/block")
    assert line.reply(token, "too late").status_code == 200
    assert "too late" not in texts_seen(sim, somchai)


def test_a_push_to_a_non_friend_arrives_for_seven_days_after_he_wrote(sim, line, kenji):
    line.push(kenji, "before")
    write(sim, kenji, "hi")
    line.push(kenji, "within")
    sim.post("/_sim/clock", json={"advance_seconds": 7 * 24 * 3600})
    line.push(kenji, "after")
    assert texts_seen(sim, kenji) == ["hi", "within"]


@pytest.mark.parametrize("to", ["U" + "0" * 32, "C" + "0" * 32, "somebody", ""])
def test_a_push_to_an_unknown_address_is_refused(line, to):
    answer = line.push(to, "x")
    assert answer.status_code == 400
    check_answer(answer, "post", PUSH)


def test_a_push_over_the_monthly_limit_is_refused(sim, line, somchai):
    sim.patch("/_sim/account", json={"monthly_limit": 1})
    assert line.push(somchai, "the last").status_code == 200
    over = line.push(somchai, "one too many")
    assert (over.status_code, over.json["message"]) == (429, "You have reached your monthly limit.")
    check_answer(over, "post", PUSH)
    assert texts_seen(sim, somchai) == ["the last"]


def test_text_is_measured_in_utf16_units(line, somchai):
    assert line.push(somchai, "😀" * 2500).status_code == 200
    assert line.push(somchai, "😀" * 2500 + "x").status_code == 400


@pytest.mark.parametrize("count, status", [(0, 400), (1, 200), (5, 200), (6, 400)])
def test_a_call_carries_one_to_five_messages(line, somchai, count, status):
    answer = line.push(somchai, *["x"] * count)
    assert answer.status_code == status
    check_answer(answer, "post", PUSH)


@pytest.mark.parametrize("message", [
    {"type": "text"}, {"type": "text", "text": ""}, {"type": "text", "text": 5}, {"type": "carrier pigeon"}, {}, "text",
    {"type": "image", "originalContentUrl": "http://example.com/a.png", "previewImageUrl": "https://example.com/a.png"},
    {"type": "text", "text": "x", "sender": {"name": "x" * 21}},
    {"type": "text", "text": "x", "quoteToken": "never issued"},
    {"type": "location", "title": "x", "address": "y", "latitude": "north", "longitude": 1},
])
def test_an_incomplete_message_is_refused_with_its_place(line, somchai, message):
    answer = line.post(PUSH, json={"to": somchai, "messages": [message]})
    assert answer.status_code == 400
    check_answer(answer, "post", PUSH)
    assert answer.json["details"][0]["property"].startswith("messages[0]")


def test_a_quote_works_only_in_its_own_talk(line, somchai, office):
    token = line.push(somchai, "quote me").json["sentMessages"][0]["quoteToken"]
    quote = [{"type": "text", "text": "as I said", "quoteToken": token}]
    assert line.post(PUSH, json={"to": somchai, "messages": quote}).status_code == 200
    assert line.post(PUSH, json={"to": office, "messages": quote}).status_code == 400


def test_a_body_that_is_no_json_is_refused(line):
    headers = {"Content-Type": "application/json"}
    assert line.post(PUSH, data=b"{", headers=headers).status_code == 400
    assert line.post(PUSH, data=b'{"to": "\\ud800"}', headers=headers).status_code == 400
    assert line.post(PUSH, data=b"[]", headers=headers).status_code == 400
    assert line.post(PUSH, data="to=x").status_code == 415


def test_a_body_over_two_megabytes_is_refused(line, somchai):
    assert line.push(somchai, "x" * 2_100_000).status_code == 413


def test_the_loading_animation_is_for_single_customers(line, somchai, office):
    path = "/v2/bot/chat/loading/start"
    shown = line.post(path, json={"chatId": somchai, "loadingSeconds": 10})
    assert shown.status_code == 202
    check_answer(shown, "post", path)
    assert line.post(path, json={"chatId": office}).status_code == 400
    assert line.post(path, json={"chatId": somchai, "loadingSeconds": 7}).status_code == 400


def test_mark_as_read_reads_everything_up_to_its_message(sim, line, bot, somchai):
    write(sim, somchai, "one")
    write(sim, somchai, "two")
    write(sim, somchai, "three")
    calls = sim.get("/_sim/calls").json["items"]
    token = calls[1]["request"]["events"][0]["message"]["markAsReadToken"]
    assert line.post("/v2/bot/chat/markAsRead", json={"markAsReadToken": token}).status_code == 200
    talk = sim.get(f"/_sim/customers/{somchai}/talk").json["items"]
    assert [m["is_read"] for m in talk] == [True, True, False]
    assert line.post("/v2/bot/chat/markAsRead", json={"markAsReadToken": "x"}).status_code == 400
