"""The End chat dialog: nobody's message is overlooked, and an ending happens once."""

from playwright.sync_api import expect

from e2e.desk import Desk


def endings(mado, number: int) -> list[str]:
    """Who ended the case, ending for ending."""
    events = mado.api("GET", f"/cases/{number}/events")["items"]
    return [event["type"] for event in events if event["type"] == "chat.ended"]


def chat_of(desk, customer) -> tuple[Desk, object]:
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    return bob, somchai


def test_the_dialog_suggests_open_or_pending_by_who_wrote_last(desk, customer):
    """S17."""
    bob, _somchai = chat_of(desk, customer)
    bob.ask_to_end()
    expect(bob.dialog.get_by_role("radio", name="Open")).to_be_checked()
    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_be_hidden()
    bob.send("Hello!")
    bob.expect_sent("Hello!")
    bob.ask_to_end()
    expect(bob.dialog.get_by_role("radio", name="Pending")).to_be_checked()


def test_a_message_that_came_meanwhile_refuses_once(desk, customer, watch):
    """S17."""
    watch.expect("status of 409")
    bob, somchai = chat_of(desk, customer)
    bob.ask_to_end()
    somchai.writes("Wait, one more thing")
    expect(bob.bubble("Wait, one more thing")).to_be_attached()
    bob.dialog.get_by_role("button", name="End chat").click()
    expect(bob.dialog).to_contain_text(f"{somchai.name} just wrote")
    bob.dialog.get_by_role("radio", name="Closed").check()
    bob.dialog.get_by_role("button", name="End anyway").click()
    expect(bob.dialog).to_be_hidden()
    bob.goto("/cases")
    expect(bob.case_row(somchai.name)).to_contain_text("Closed")


def test_a_double_click_ends_once(mado, desk, customer):
    """S17, U5."""
    bob, somchai = chat_of(desk, customer)
    number = bob.number
    bob.ask_to_end()
    bob.dialog.get_by_role("button", name="End chat").dblclick()
    expect(bob.dialog).to_be_hidden()
    expect(bob.row(somchai.name)).to_have_count(0)
    assert endings(mado, number) == ["chat.ended"]


def test_of_two_agents_who_end_one_ends_and_the_other_is_told(mado, desk, customer):
    """S17."""
    bob, _somchai = chat_of(desk, customer)
    number = bob.number
    charlie = desk("charlie", f"/chats/{number}")
    bob.ask_to_end()
    charlie.ask_to_end()
    bob.dialog.get_by_role("button", name="End chat").click()
    expect(bob.dialog).to_be_hidden()
    charlie.dialog.get_by_role("button", name="End chat").click()
    expect(charlie.toasts).to_contain_text("This chat has ended already.")
    assert endings(mado, number) == ["chat.ended"]


def test_a_chat_that_ends_while_one_types_says_so_and_keeps_the_text(desk, customer):
    """S20a, S26: Send makes it active again."""
    bob, somchai = chat_of(desk, customer)
    charlie = desk("charlie", f"/chats/{bob.number}")
    bob.composer.press_sequentially("I am still wri")
    charlie.end("Closed")
    expect(bob.page.get_by_text("This chat has ended. Sending a reply makes it active again")).to_be_visible()
    bob.composer.press_sequentially("ting")
    expect(bob.composer).to_have_value("I am still writing")
    bob.press("Send")
    somchai.waits_to_see("I am still writing")
    expect(bob.page.get_by_role("button", name="Put back")).to_be_visible()
    expect(charlie.tab("Others")).to_contain_text("1")
