"""web/engine/gpu/watched-queue.js: a browser that looks at the GPU seldom is made to, and only such a one."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# A queue without a GPU, that is looked at by itself (`alone`: until it is waited for) or at submits alone
WAIT = """async ({ alone, takes, waits }) => {
  const { WatchedQueue } = await import("/engine/gpu/watched-queue.js");
  let time = 0, submits = 0, looks = alone !== "never", pending = [];
  const now = performance.now;
  performance.now = () => time;
  const look = () => pending.splice(0).forEach((resolve) => resolve());
  const queue = {
    submit() { submits++; look(); },
    onSubmittedWorkDone: () => new Promise((resolve) => {
      pending.push(resolve);
      if (looks) setTimeout(() => ((time += takes), look()));
    }),
  };
  const made = new WatchedQueue(queue);
  while (looks && pending.length) await new Promise((resolve) => setTimeout(resolve));
  looks = alone === "always";
  const before = submits;
  for (let wait = 0; wait < waits; wait++) await made.done();
  performance.now = now;
  return { submits: submits - before, isPrompt: made.isPrompt };
}"""
READS = """async (most) => {
  const { Gpu } = await import("/engine/gpu/replay.js");
  const { submit } = GPUQueue.prototype;
  let submits = 0;
  let queue;
  GPUQueue.prototype.submit = function (commands) { submits++; queue = this; return submit.call(this, commands); };
  const gpu = await Gpu.create();
  gpu.createBuffer("x", 64, "scratch");
  for (let read = 0; read < most && submits !== 1; read++) {
    submits = 0;
    await gpu.read("x", 0, 64);
    const found = submits;
    for (let idle = 0; idle < 3; idle++) await queue.onSubmittedWorkDone(); // a pause, as between two replies
    submits = found;
  }
  GPUQueue.prototype.submit = submit;
  return submits;
}"""


@pytest.mark.parametrize("alone", ["never", "at first"])
def test_a_queue_that_is_looked_at_seldom_is_looked_at_by_submits(chat: Page, alone):
    found = chat.evaluate(WAIT, {"alone": alone, "takes": 100, "waits": 3})

    assert found["submits"] >= 3
    assert not found["isPrompt"]


def test_a_queue_that_answers_at_once_is_left_alone(chat: Page):
    found = chat.evaluate(WAIT, {"alone": "always", "takes": 1, "waits": 3})

    assert found == {"submits": 0, "isPrompt": True}


def test_a_read_takes_more_submits_only_where_it_must(chat: Page, browser_name):
    submits = chat.evaluate(READS, 4 if browser_name == "firefox" else 400)

    assert (submits == 1) == (browser_name == "chromium")
