"""Profiles, groups, the bot itself, media, tokens and the webhook settings."""

import pytest
from linesim_contract import check_answer
from linesim_tools import CHANNEL_ID, SECRET, TOKEN, write
from PIL import Image

from linesim import ids

PROFILE = "/v2/bot/profile/{userId}"
VERIFY, TOKENS = "/v2/oauth/verify", "/oauth2/v3/token"


def test_a_friend_shows_his_profile(line, somchai):
    answer = line.get(f"/v2/bot/profile/{somchai}")
    check_answer(answer, "get", PROFILE)
    assert (answer.json["displayName"], answer.json["language"]) == ("Somchai", "th")


def test_the_picture_of_a_profile_can_be_fetched(sim, line, somchai):
    url = line.get(f"/v2/bot/profile/{somchai}").json["pictureUrl"]
    picture = sim.get(url)
    assert picture.content_type == "image/png"
    assert Image.open(picture.get_data(as_text=False) and _file(picture)).size == (120, 120)


def test_a_stranger_shows_a_profile_once_he_wrote(sim, line, kenji):
    assert line.get(f"/v2/bot/profile/{kenji}").status_code == 404
    write(sim, kenji)
    assert line.get(f"/v2/bot/profile/{kenji}").status_code == 200


def test_writing_in_a_group_shows_no_profile(sim, line, kenji, office):
    write(sim, kenji, group=office)
    assert line.get(f"/v2/bot/profile/{kenji}").status_code == 404


def test_a_blocker_shows_no_profile(sim, line, somchai):
    sim.post(f"/_sim/customers/{somchai}/block")
    answer = line.get(f"/v2/bot/profile/{somchai}")
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})


def test_people_keep_their_ids_because_these_come_from_names():
    assert ids.user_id("Somchai") == ids.user_id("Somchai") != ids.user_id("Yuki")
    assert ids.user_id("Somchai")[0] == "U" and len(ids.user_id("Somchai")) == 33


def test_group_members_are_shown_also_when_they_are_strangers(line, kenji, office):
    answer = line.get(f"/v2/bot/group/{office}/member/{kenji}")
    check_answer(answer, "get", "/v2/bot/group/{groupId}/member/{userId}")
    assert answer.json["displayName"] == "Kenji"
    assert line.get(f"/v2/bot/group/{office}/member/{ids.user_id('Anna')}").status_code == 404


def test_a_group_tells_name_and_size_while_the_account_is_in_it(sim, line, office):
    summary = line.get(f"/v2/bot/group/{office}/summary")
    check_answer(summary, "get", "/v2/bot/group/{groupId}/summary")
    assert summary.json["groupName"] == "Office move 引越し"
    count = line.get(f"/v2/bot/group/{office}/members/count")
    check_answer(count, "get", "/v2/bot/group/{groupId}/members/count")
    assert count.json == {"count": 2}
    sim.delete(f"/_sim/groups/{office}/account")
    assert line.get(f"/v2/bot/group/{office}/summary").status_code == 404


def test_bot_info_tells_who_the_account_is(line):
    answer = line.get("/v2/bot/info")
    check_answer(answer, "get", "/v2/bot/info")
    assert (answer.json["displayName"], answer.json["markAsReadMode"]) == ("Mado Test", "manual")


def test_quota_is_a_number_or_none(sim, line):
    path = "/v2/bot/message/quota"
    check_answer(line.get(path), "get", path)
    assert line.get(path).json == {"type": "limited", "value": 5000}
    sim.patch("/_sim/account", json={"monthly_limit": None})
    assert line.get(path).json == {"type": "none"}


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer ", f"Basic {TOKEN}"])
def test_a_wrong_token_gets_401_and_a_request_id(sim, header):
    answer = sim.get("/v2/bot/info", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json["message"].startswith("Authentication failed")
    assert answer.headers["x-line-request-id"]


def test_verify_tells_the_channel_of_a_token(sim):
    answer = sim.post(VERIFY, data={"access_token": TOKEN})
    check_answer(answer, "post", VERIFY, api="channel-access-token")
    assert answer.json["client_id"] == CHANNEL_ID
    assert sim.post(VERIFY, data={"access_token": "wrong"}).status_code == 400


def test_a_stateless_token_is_minted_with_the_secret_and_lives_15_minutes(sim):
    form = {"grant_type": "client_credentials", "client_id": CHANNEL_ID, "client_secret": SECRET}
    answer = sim.post(TOKENS, data=form)
    check_answer(answer, "post", TOKENS, api="channel-access-token")
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert sim.get("/v2/bot/info", headers=headers).status_code == 200
    sim.post("/_sim/clock", json={"advance_seconds": 900})
    assert sim.get("/v2/bot/info", headers=headers).status_code == 401


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "1"}, {"grant_type": "x"}])
def test_no_token_is_minted_with_wrong_credentials(sim, wrong):
    form = {"grant_type": "client_credentials", "client_id": CHANNEL_ID, "client_secret": SECRET} | wrong
    answer = sim.post(TOKENS, data=form)
    assert answer.status_code == 400
    assert set(answer.json) == {"error", "error_description"}


def test_a_photo_can_be_fetched_until_it_is_unsent(sim, line, somchai):
    photo = write(sim, somchai, "", kind="image")["messageId"]
    answer = line.get(f"/v2/bot/message/{photo}/content")
    assert Image.open(_file(answer)).size == (800, 600)
    assert line.get(f"/v2/bot/message/{photo}/content/preview").content_type == "image/png"
    sim.post(f"/_sim/messages/{photo}/unsend")
    assert line.get(f"/v2/bot/message/{photo}/content").status_code == 410


def test_a_sent_file_comes_back_byte_for_byte(sim, line, somchai):
    sent = write(sim, somchai, "", kind="file", content="AAEC", content_type="application/x-test")
    answer = line.get(f"/v2/bot/message/{sent['messageId']}/content")
    assert (answer.data, answer.content_type) == (b"\0\1\2", "application/x-test")


def test_texts_have_no_content(sim, line, somchai):
    text = write(sim, somchai)["messageId"]
    assert line.get(f"/v2/bot/message/{text}/content").status_code == 404


def test_the_webhook_url_can_be_read_set_and_tested(line, bot):
    path = "/v2/bot/channel/webhook/endpoint"
    check_answer(line.get(path), "get", path)
    assert line.put(path, json={"endpoint": bot.url + "&second"}).status_code == 200
    assert line.get(path).json == {"endpoint": bot.url + "&second", "active": True}
    test = line.post("/v2/bot/channel/webhook/test", json={})
    check_answer(test, "post", "/v2/bot/channel/webhook/test")
    assert (test.json["success"], test.json["statusCode"], test.json["reason"]) == (True, 200, "OK")


@pytest.mark.parametrize("url", ["", "nonsense", "http://example.com/", "https://" + "x" * 500, None])
def test_an_invalid_webhook_url_is_refused(line, url):
    answer = line.put("/v2/bot/channel/webhook/endpoint", json={"endpoint": url})
    assert (answer.status_code, answer.json["message"]) == (400, "Invalid webhook endpoint URL")


def test_a_webhook_test_tells_what_went_wrong(line, bot):
    bot.statuses = [401]
    refused = line.post("/v2/bot/channel/webhook/test")
    assert (refused.json["success"], refused.json["reason"], refused.json["statusCode"]) == (False, "ERROR_STATUS_CODE", 401)
    dead = line.post("/v2/bot/channel/webhook/test", json={"endpoint": "http://127.0.0.1:9/"})
    assert (dead.json["reason"], dead.json["statusCode"]) == ("COULD_NOT_CONNECT", 0)
    check_answer(dead, "post", "/v2/bot/channel/webhook/test")


def test_an_unset_webhook_url_is_not_found(sim, line):
    sim.patch("/_sim/account", json={"webhook": ""})
    assert line.get("/v2/bot/channel/webhook/endpoint").status_code == 404


def _file(answer):
    import io

    return io.BytesIO(answer.data)


def test_content_can_be_large_without_being_held(sim, line, somchai):
    sent = write(sim, somchai, "", kind="image", size=3_000_000)
    answer = line.get(f"/v2/bot/message/{sent['messageId']}/content")
    assert len(answer.data) == answer.content_length == 3_000_000
    assert answer.data.startswith(b"\x89PNG")


def test_film_is_prepared_first_when_told_so(sim, line, somchai):
    sent = write(sim, somchai, "", kind="video", preparing=1)
    path = f"/v2/bot/message/{sent['messageId']}/content"
    assert line.get(path).status_code == 202
    assert line.get(path).status_code == 200
    assert line.get(f"{path}/transcoding").json == {"status": "succeeded"}
