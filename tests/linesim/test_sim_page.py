"""The page with the phone: without a browser as plain forms, with one as people use it."""

import io
import json
import re

import pytest
from linesim_tools import texts_seen, write
from playwright.sync_api import expect

from linesim import faults, ids, webhooks


def test_the_page_names_everybody_and_forbids_foreign_scripts(sim):
    page = sim.get("/")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert [name for name in ("Somchai", "Yuki", "Mei", "Anna", "Office move 引越し") if name not in text] == []
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", text) == []


def test_an_unchanged_page_is_not_sent_again(sim, somchai):
    path = f"/talks/{somchai}"
    version = sim.get(path).headers["ETag"]
    assert sim.get(path, headers={"If-None-Match": version}).status_code == 304
    write(sim, somchai)
    assert sim.get(path, headers={"If-None-Match": version}).status_code == 200


def test_the_forms_work_without_javascript(sim, somchai):
    answer = sim.post(f"/talks/{somchai}/messages", data={"text": "<b>plain</b>"})
    assert (answer.status_code, answer.location) == (303, f"/talks/{somchai}")
    assert "&lt;b&gt;plain&lt;/b&gt;" in sim.get(f"/talks/{somchai}").get_data(as_text=True)
    sim.post(f"/customers/{somchai}/block")
    refused = sim.post(f"/talks/{somchai}/messages", data={"text": "x"})
    assert refused.status_code == 409
    assert "Somchai has blocked the account" in refused.get_data(as_text=True)


def test_a_group_is_written_to_as_the_chosen_member(sim, office, kenji):
    sim.post(f"/talks/{office}/messages", data={"text": "from Kenji", "as": kenji})
    [message] = sim.get(f"/_sim/customers/{kenji}/talk?group={office}").json["items"]
    assert (message["from"], message["text"]) == (kenji, "from Kenji")


@pytest.mark.parametrize("kind", ["sticker", "image", "video", "audio", "file", "location"])
def test_every_kind_of_message_can_be_shown(sim, somchai, kind):
    sim.post(f"/talks/{somchai}/messages", data={"kind": kind})
    page = sim.get(f"/talks/{somchai}")
    pictures = re.findall(r'src="(/(?:photos|stickers|pictures)/[^"]+)"', page.get_data(as_text=True))
    assert [sim.get(url).content_type for url in pictures] == ["image/png"] * len(pictures)


@pytest.mark.parametrize("message", [
    {"type": "sticker", "packageId": "1", "stickerId": "1"},
    {"type": "image", "originalContentUrl": "https://example.com/a.png", "previewImageUrl": "https://example.com/b.png"},
    {"type": "flex", "altText": "A card", "contents": {"type": "bubble"}},
    {"type": "location", "title": "Shop", "address": "Silom", "latitude": 13.7, "longitude": 100.5},
])
def test_every_kind_of_answer_can_be_shown(sim, line, somchai, message):
    line.post("/v2/bot/message/push", json={"to": somchai, "messages": [message]})
    text = sim.get(f"/talks/{somchai}").get_data(as_text=True)
    assert message.get("altText", message.get("title", message["type"])).lower() in text.lower()


NEAR, FAR = "http://127.0.0.1:8000/media/token", "https://mado.example.com/media/token"


def sent(sim, line, somchai, message: dict) -> str:
    """The talk's page after the account sent this."""
    line.post("/v2/bot/message/push", json={"to": somchai, "messages": [message]})
    return sim.get(f"/talks/{somchai}").get_data(as_text=True)


@pytest.mark.parametrize(("kind", "tag"), [("image", "img"), ("video", "video"), ("audio", "audio")])
def test_the_phone_fetches_a_medium_from_the_address_it_was_told(sim, line, somchai, kind, tag):
    message = {"type": kind, "originalContentUrl": f"{NEAR}/a", "previewImageUrl": f"{NEAR}/preview/p.jpg", "duration": 3000}
    page = sent(sim, line, somchai, message)
    shown = f"{NEAR}/preview/p.jpg" if kind == "image" else f"{NEAR}/a"
    assert re.search(rf'<{tag}[^>]* src="{re.escape(shown)}"', page)


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
def test_another_host_is_linked_and_never_asked(sim, line, somchai, kind):
    message = {"type": kind, "originalContentUrl": f"{FAR}/a", "previewImageUrl": f"{FAR}/p", "duration": 3000}
    page = sent(sim, line, somchai, message)
    assert f'href="{FAR}/a"' in page
    assert "src=\"https://" not in page


def test_a_card_shows_its_lines_and_opens_its_link(sim, line, somchai):
    texts = [{"type": "text", "text": text} for text in ("plan.pdf", "1.4 MB")]
    bubble = {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": texts},
              "action": {"type": "uri", "uri": f"{FAR}/plan.pdf"}}
    page = sent(sim, line, somchai, {"type": "flex", "altText": "plan.pdf", "contents": bubble})
    assert f'href="{FAR}/plan.pdf"' in page
    assert "<span>plan.pdf</span><span>1.4 MB</span>" in page


def test_a_card_opens_nothing_but_pages(sim, line, somchai):
    bubble = {"type": "bubble", "action": {"type": "uri", "uri": "javascript:alert(1)"}}
    assert 'href="javascript:' not in sent(sim, line, somchai, {"type": "flex", "altText": "x", "contents": bubble})


def test_an_unknown_talk_is_not_found(sim):
    assert sim.get("/talks/nobody").status_code == 404
    assert sim.get("/pictures/nobody.png").status_code == 404


@pytest.fixture
def phone(page, running):
    """A browser on Somchai's phone that fails the test on any complaint of the console."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.goto(f"{running.url}/talks/{ids.user_id('Somchai')}")
    yield page
    assert complaints == []


@pytest.fixture
def box(phone):
    return phone.get_by_role("textbox", name="Message as Somchai")


def test_enter_sends_and_the_answer_appears_by_itself(phone, box, sim, line, bot, somchai):
    box.fill("สวัสดีครับ")
    box.press("Enter")
    expect(phone.get_by_role("log")).to_contain_text("สวัสดีครับ")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    bot.wait_for(1)
    line.push(somchai, "Hello Somchai")
    expect(phone.get_by_role("log")).to_contain_text("Hello Somchai")


def test_enter_confirms_an_input_methods_word_and_does_not_send(phone, box, sim, somchai):
    box.fill("こんにちは")
    confirm = "({isComposing, keyCode}) => document.activeElement.dispatchEvent(Object.defineProperty(new KeyboardEvent('keydown', {key: 'Enter', isComposing, bubbles: true, cancelable: true}), 'keyCode', {value: keyCode}))"
    box.focus()
    phone.evaluate(confirm, {"isComposing": True, "keyCode": 13})
    phone.evaluate(confirm, {"isComposing": False, "keyCode": 229})
    box.press("Shift+Enter")
    expect(box).to_have_value("こんにちは\n")
    box.press("Enter")
    expect(box).to_have_value("")
    assert texts_seen(sim, somchai) == ["こんにちは"]


def test_a_text_in_the_making_survives_what_arrives(phone, box, line, somchai):
    box.press_sequentially("half a sen")
    line.push(somchai, "interrupting you")
    expect(phone.get_by_role("log")).to_contain_text("interrupting you")
    expect(box).to_have_value("half a sen")
    expect(box).to_be_focused()


def test_a_new_customer_writes_while_one_stays_on_the_phone(phone, sim, bot):
    phone.get_by_role("button", name="A new customer writes").click()
    newcomer = sim_newest(sim, bot)
    expect(phone.get_by_role("navigation").get_by_role("link", name=re.compile(newcomer))).to_contain_text("waits")
    expect(phone).to_have_url(re.compile(ids.user_id("Somchai")))


def test_blocking_closes_the_composer_and_unblocking_opens_it(phone, box, sim, somchai):
    phone.get_by_role("button", name="Block", exact=True).click()
    expect(phone.get_by_text("Somchai has blocked the account and can't write.")).to_be_visible()
    assert sim.get(f"/_sim/customers/{somchai}").json["relation"] == "blocked"
    phone.get_by_role("button", name="Unblock").click()
    expect(box).to_be_visible()


def test_a_sticker_is_sent_from_the_menu_which_then_closes(phone, sim, somchai):
    menu = phone.get_by_role("button", name="Sticker")
    phone.get_by_label("Send something else").click()
    phone.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    phone.get_by_label("Send something else").click()
    menu.click()
    expect(phone.get_by_role("log").get_by_text("hello")).to_be_visible()
    expect(menu).to_be_hidden()
    assert sim.get(f"/_sim/customers/{somchai}/talk").json["items"][0]["kind"] == "sticker"


def test_a_group_is_made_from_its_members(phone, sim):
    phone.get_by_text("Make a group").click()
    phone.get_by_label("Name").fill("旅行 trip")
    phone.get_by_label("Yuki").check()
    phone.get_by_label("Mei").check()
    phone.get_by_role("button", name="Make the group").click()
    expect(phone.get_by_role("heading", name="旅行 trip")).to_be_visible()
    expect(phone.get_by_role("link", name="Mei", exact=True)).to_be_visible()
    assert sim.get("/_sim/groups").json["items"][-1]["member_ids"] == [ids.user_id("Yuki"), ids.user_id("Mei")]


def test_the_log_shows_calls_as_they_happen_and_keeps_open_what_is_read(phone, line, somchai):
    phone.set_viewport_size({"width": 1600, "height": 900})
    phone.reload()
    line.push(somchai, "first")
    first = phone.locator(".log details", has_text="push")
    expect(first).to_have_count(1)
    first.locator("summary").click()
    expect(phone.get_by_text('"text": "first"')).to_be_visible()
    line.push(somchai, "second")
    expect(first).to_have_count(2)
    expect(phone.get_by_text('"text": "first"')).to_be_visible()


def test_a_fault_can_be_ordered_from_the_page(phone, line, somchai):
    phone.set_viewport_size({"width": 1600, "height": 900})
    phone.reload()
    phone.get_by_label("Next").select_option("push")
    phone.get_by_label("fails with").select_option("500")
    phone.get_by_role("button", name="Order").click()
    expect(phone.get_by_text("push: 500")).to_be_visible()
    assert line.push(somchai, "x").status_code == 500
    expect(phone.get_by_text("push: 500")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1024, 1600])
def test_nothing_sticks_out_sideways(phone, width):
    phone.set_viewport_size({"width": width, "height": 800})
    expect(phone.get_by_role("textbox", name="Message as Somchai")).to_be_visible()
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_on_a_narrow_screen_one_goes_back_to_the_list(phone):
    phone.set_viewport_size({"width": 360, "height": 740})
    phone.get_by_role("link", name="Back to the list").click()
    phone.get_by_role("link", name=re.compile("Yuki")).click()
    expect(phone.get_by_role("textbox", name="Message as Yuki")).to_be_visible()


def sim_newest(sim, bot):
    bot.wait_for(2)
    return sim.get("/_sim/customers").json["items"][-1]["name"]


# ── What people try by hand ───────────────────────────────────────────────────────────────────


def events_of(bot, count):
    """The events of the first calls that the bot server got, in the order they came."""
    return [event for _headers, body in bot.wait_for(count) for event in json.loads(body)["events"]]


def test_a_set_of_photos_comes_in_no_order(sim, bot, somchai):
    sim.post(f"/talks/{somchai}/messages", data={"kind": "photos"})
    sets = [event["message"]["imageSet"] for event in events_of(bot, 3)]
    assert [one["index"] for one in sets] == [2, 1, 3]
    assert {(one["id"], one["total"]) for one in sets} == {(sets[0]["id"], 3)}


def test_the_last_photo_of_a_set_may_never_come(sim, bot, somchai):
    sim.post(f"/talks/{somchai}/messages", data={"kind": "part"})
    write(sim, somchai, "That was it")
    *photos, text = (event["message"] for event in events_of(bot, 3))
    assert [(photo["imageSet"]["index"], photo["imageSet"]["total"]) for photo in photos] == [(2, 3), (1, 3)]
    assert text["text"] == "That was it"


def test_a_member_writes_without_a_user_id_in_groups_only(sim, bot, kenji, office):
    sim.post(f"/talks/{office}/messages", data={"kind": "nameless", "as": kenji})
    [event] = events_of(bot, 1)
    assert event["source"] == {"type": "group", "groupId": office}
    assert sim.post(f"/talks/{kenji}/messages", data={"kind": "nameless"}).status_code == 409
    assert "Without a user id" not in sim.get(f"/talks/{kenji}").get_data(as_text=True)


def test_an_emoji_and_a_mention_say_where_they_stand(sim, bot, somchai, office):
    sim.post(f"/talks/{somchai}/messages", data={"kind": "emoji"})
    sim.post(f"/talks/{office}/messages", data={"kind": "mention", "as": somchai})
    emoji, mention = (event["message"] for event in events_of(bot, 2))
    place = emoji["emojis"][0]
    assert emoji["text"][place["index"]:][: place["length"]] == "(hello)"
    [mentionee] = mention["mention"]["mentionees"]
    assert mention["text"][: mentionee["length"]] == "@Mado Test"
    assert mentionee["isSelf"] is True


def test_files_of_this_device_are_sent_as_what_they_are(sim, bot, line, somchai):
    files = [(io.BytesIO(b"GIF89a"), "a.gif", "image/gif"), (io.BytesIO(b"%PDF-1.7"), "ใบเสร็จ.pdf", "application/pdf")]
    sim.post(f"/talks/{somchai}/messages", data={"kind": "upload", "files": files})
    picture, document = (event["message"] for event in events_of(bot, 2))
    assert (picture["type"], document["type"]) == ("image", "file")
    assert (document["fileName"], document["fileSize"]) == ("ใบเสร็จ.pdf", 8)
    content = line.get(f"/v2/bot/message/{picture['id']}/content")
    assert (content.data, content.content_type) == (b"GIF89a", "image/gif")


def test_several_pictures_of_this_device_are_a_set(sim, bot, somchai):
    files = [(io.BytesIO(b"1"), "1.png", "image/png"), (io.BytesIO(b"2"), "2.png", "image/png")]
    sim.post(f"/talks/{somchai}/messages", data={"kind": "upload", "files": files})
    assert [event["message"]["imageSet"]["index"] for event in events_of(bot, 2)] == [1, 2]


def test_no_chosen_file_is_told(sim, somchai):
    answer = sim.post(f"/talks/{somchai}/messages", data={"kind": "upload"})
    assert answer.status_code == 409
    assert "Choose a file first" in answer.get_data(as_text=True)


def test_a_message_is_quoted_from_the_page(sim, bot, line, somchai):
    sent = line.push(somchai, "Which size?").json["sentMessages"][0]["id"]
    page = sim.get(f"/talks/{somchai}?quote={sent}").get_data(as_text=True)
    assert "Quotes “Which size?”" in page
    sim.post(f"/talks/{somchai}/messages", data={"text": "M", "quoted": sent})
    [event] = events_of(bot, 1)
    assert event["message"]["quotedMessageId"] == sent


def test_a_groups_text_is_edited_from_the_page(sim, bot, somchai, office):
    message = write(sim, somchai, "at thre", group=office)["messageId"]
    assert f"/messages/{message}/edit" in sim.get(f"/talks/{office}?as={somchai}").get_data(as_text=True)
    sim.post(f"/messages/{message}/edit", data={"text": "at three", "as": somchai})
    edited = events_of(bot, 2)[1]
    assert (edited["type"], edited["message"]["text"]) == ("messageEdited", "at three")


def test_members_join_and_leave_from_the_page(sim, bot, office):
    sim.post(f"/groups/{office}/members", data={"who": ids.user_id("Yuki")})
    sim.post(f"/groups/{office}/members", data={"who": ids.user_id("Yuki")})
    assert [event["type"] for event in events_of(bot, 2)] == ["memberJoined", "memberLeft"]


def test_everything_twice_is_the_same_event_twice(sim, bot, somchai):
    sim.post("/account", data={"webhook_url": bot.url, "use_webhook": "on", "twice": "on"})
    write(sim, somchai)
    first, second = events_of(bot, 2)
    assert first == second


def test_reversed_webhooks_gather_and_leave_the_newest_first(sim, bot, somchai, monkeypatch):
    monkeypatch.setattr(webhooks, "GATHER_SECONDS", 0.5)
    sim.post("/account", data={"webhook_url": bot.url, "use_webhook": "on", "reversed": "on"})
    write(sim, somchai, "one", wait=False)
    write(sim, somchai, "two", wait=False)
    write(sim, somchai, "three", wait=False)
    assert [event["message"]["text"] for event in events_of(bot, 3)] == ["three", "two", "one"]


def test_an_event_of_the_log_is_delivered_again(sim, bot, somchai):
    event_id = write(sim, somchai)["webhookEventId"]
    bot.wait_for(1)
    sim.post(f"/webhooks/{event_id}/redelivery", data={"talk": somchai})
    first, again = events_of(bot, 2)
    assert first["webhookEventId"] == again["webhookEventId"]
    assert again["deliveryContext"] == {"isRedelivery": True}


def test_the_quota_is_set_from_the_page(sim, bot, line, somchai):
    sim.post("/account", data={"webhook_url": bot.url, "use_webhook": "on", "monthly_limit": "10", "used_this_month": "10"})
    assert line.push(somchai, "x").status_code == 429
    sim.post("/account", data={"webhook_url": bot.url, "use_webhook": "on", "monthly_limit": "", "used_this_month": "10"})
    assert line.push(somchai, "x").status_code == 200
    assert sim.post("/account", data={"monthly_limit": "many"}).status_code == 409


def test_every_fault_has_words_on_the_page():
    assert set(faults.WORDS) == faults.ALL


def test_faults_come_as_often_as_ordered_and_are_cleared(sim, line, somchai):
    sim.post("/faults", data={"call": "push", "what": "500", "times": "2"})
    assert [line.push(somchai, "x").status_code for _ in range(3)] == [500, 500, 200]
    sim.post("/faults", data={"call": "push", "what": "500", "times": "9"})
    sim.post("/faults/deletion")
    assert line.push(somchai, "x").status_code == 200


def test_a_file_is_sent_as_soon_as_it_is_chosen(phone, sim, bot, somchai):
    phone.get_by_label("Send something else").click()
    phone.get_by_label("From this device").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(phone.get_by_role("log")).to_contain_text("a.txt")
    expect(phone.get_by_label("From this device")).to_be_hidden()


def test_a_quote_is_chosen_sent_and_gone(phone, box, sim, line, bot, somchai):
    line.push(somchai, "Which size?")
    bubble = phone.locator(".bubble-line", has_text="Which size?")
    bubble.hover()
    bubble.get_by_role("link", name="Quote").click()
    phone.wait_for_url("**quote=**")
    expect(phone.get_by_text("Quotes “Which size?”")).to_be_visible()
    box.fill("M")
    box.press("Enter")
    expect(phone.locator(".bubble q")).to_have_text("Mado Test: Which size?")
    expect(phone.get_by_text("Quotes “Which size?”")).to_have_count(0)
    [event] = events_of(bot, 1)
    assert "quotedMessageId" in event["message"]
