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
READS = """async (reads) => {
  const { Gpu } = await import("/engine/gpu/replay.js");
  const { submit } = GPUQueue.prototype;
  let submits = 0;
  GPUQueue.prototype.submit = function (commands) { submits++; return submit.call(this, commands); };
  const gpu = await Gpu.create();
  gpu.createBuffer("x", 64, "scratch");
  const found = [];
  for (let read = 0; read < reads; read++) {
    submits = 0;
    await gpu.read("x", 0, 64);
    found.push(submits);
    await new Promise((resolve) => setTimeout(resolve)); // a pause, as between two replies
  }
  GPUQueue.prototype.submit = submit;
  return found;
}"""


@pytest.mark.parametrize("alone", ["never", "at first"])
def test_a_queue_that_is_looked_at_seldom_is_looked_at_by_submits(chat: Page, alone):
    found = chat.evaluate(WAIT, {"alone": alone, "takes": 100, "waits": 3})

    assert found["submits"] >= 3
    assert not found["isPrompt"]


def test_a_queue_that_answers_at_once_is_left_alone(chat: Page):
    found = chat.evaluate(WAIT, {"alone": "always", "takes": 1, "waits": 3})

    assert found == {"submits": 0, "isPrompt": True}


def test_a_read_takes_one_submit_in_chromium_and_more_in_firefox(chat: Page, browser_name):
    submits = chat.evaluate(READS, 40)

    assert submits[-1] == 1 if browser_name == "chromium" else min(submits) > 1
