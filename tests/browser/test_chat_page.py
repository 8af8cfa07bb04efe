"""The chat page in Chromium, with a scripted worker in the engine's place (see conftest.py)."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def ask(chat: Page, question: str) -> None:
    """Write a question and send it."""
    chat.get_by_label("Message").fill(question)
    chat.get_by_role("button", name="Send").click()


def lines(chat: Page):
    """The messages of the conversation."""
    return chat.get_by_role("log").get_by_role("listitem")


def test_reply_grows_in_one_line(chat: Page):
    ask(chat, "Hello?")

    expect(lines(chat).locator(".text:visible")).to_have_text(["Hello?", "Hi there."])
    expect(lines(chat)).to_have_count(2)


def test_speed_is_shown_after_a_reply(chat: Page):
    ask(chat, "Hello?")

    expect(chat.get_by_role("status")).to_have_text("6.0 tokens per second.")


def test_words_show_before_the_reply_ends_and_stop_ends_it(chat: Page):
    ask(chat, "Endless?")
    expect(lines(chat).last).to_contain_text("Hi Hi")

    chat.get_by_role("button", name="Stop").click()

    expect(chat.get_by_role("status")).to_contain_text("Stopped.")
    expect(chat.get_by_role("button", name="Send")).to_be_visible()
    ask(chat, "Hello?")
    expect(lines(chat)).to_have_count(4)


def test_new_chat_empties_the_log_and_the_history(chat: Page):
    ask(chat, "Hello?")
    expect(chat.get_by_role("status")).to_contain_text("tokens per second")

    chat.get_by_role("button", name="New chat").click()
    expect(lines(chat)).to_have_count(0)

    ask(chat, "How many?")
    expect(lines(chat).last).to_contain_text("1 message")


def test_new_chat_leaves_a_running_reply(chat: Page):
    ask(chat, "Endless?")
    expect(lines(chat).last).to_contain_text("Hi")

    chat.get_by_role("button", name="New chat").click()
    ask(chat, "Hello?")

    expect(lines(chat).last).to_contain_text("Hi there.")
    expect(lines(chat)).to_have_count(2)


def test_history_goes_along(chat: Page):
    ask(chat, "Hello?")
    expect(chat.get_by_role("status")).to_contain_text("tokens per second")

    ask(chat, "How many?")

    expect(lines(chat).last).to_contain_text("3 message")


def test_engine_error_is_shown_and_tried_again(chat: Page):
    ask(chat, "Crash?")
    expect(chat.get_by_role("alert")).to_contain_text("Close other tabs and reload")

    chat.get_by_role("button", name="Try again").click()

    expect(lines(chat).last).to_contain_text("Hi there.")
    expect(lines(chat)).to_have_count(2)
    expect(chat.get_by_role("alert")).to_have_count(0)


def test_thoughts_are_folded_away(chat: Page):
    chat.get_by_label("Think first").check()
    ask(chat, "Hello?")

    thoughts = lines(chat).last.get_by_text("Let me see.")
    expect(chat.get_by_role("status")).to_contain_text("tokens per second")
    expect(thoughts).to_be_hidden()
    chat.get_by_text("Thoughts", exact=True).click()
    expect(thoughts).to_be_visible()


def test_markup_of_a_model_stays_text(chat: Page):
    ask(chat, "Markup?")

    expect(lines(chat).last).to_contain_text("<img src=x onerror=alert(1)>")


def test_enter_sends_and_shift_enter_breaks_the_line(chat: Page):
    message = chat.get_by_label("Message")
    message.click()
    chat.keyboard.type("one")
    chat.keyboard.press("Shift+Enter")
    chat.keyboard.type("two")
    expect(message).to_have_value("one\ntwo")

    chat.keyboard.press("Enter")

    expect(message).to_have_value("")
    expect(lines(chat).first).to_have_text("one\ntwo")


def test_nothing_is_sent_when_nothing_is_written(chat: Page):
    chat.get_by_label("Message").press("Enter")

    expect(lines(chat)).to_have_count(0)
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()


def test_a_request_that_is_no_plain_data_gets_its_reason(chat: Page):
    told = chat.evaluate("""async () => {
      const { Engine } = await import("/engine/client.js");
      const engine = new Engine();
      const ask = (options) => engine.reply([{ role: "user", content: "Hi" }], options).next();
      const wrong = [{ maxTokens: NaN }, { tools: [() => 1] }, { sampling: { seed: 1n } }];
      return Promise.all(wrong.map((options) => ask(options).then(() => "a reply", (error) => error.message)));
    }""")

    assert [words.split(": ")[1].split(" is ")[0] for words in told] == ["maxTokens", "0", "seed"]
    assert "maxTokens is NaN, for which JSON has no word" in told[0]
