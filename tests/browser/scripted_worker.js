/** Stands in for the engine's worker: replies by a script, picked by the last question. */

/** @type {Set<number>} */
const stopped = new Set();
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
let crashes = 0;

self.onmessage = async ({ data }) => {
  if (data.type === "load" && data.model.includes("/stuck/")) {
    self.postMessage({ type: "notice", message: "There is no room." });
    self.postMessage({ type: "progress", stage: "weights", done: 9e8, total: 19e8, fetched: 9e8, note: null });
  } else if (data.type === "load") {
    self.postMessage({ type: "progress", stage: "weights", done: 2_000_000, total: 4_000_000 });
    await pause();
    self.postMessage({ type: "progress", stage: "weights", done: 4_000_000, total: 4_000_000 });
    self.postMessage({ type: "ready", model: data.model, context: data.context ?? 4096, adapter: {} });
  }
  if (data.type === "cancel") self.postMessage({ type: "error", id: null, kind: "Cancelled", message: "Loading was cancelled." });
  if (data.type === "stop") stopped.add(data.id);
  if (data.type === "reply") reply(data);
};

async function reply({ id, messages, thinking }) {
  const question = messages.at(-1).content;
  if (question === "Crash?" && !crashes++) {
    self.postMessage({ type: "error", id, kind: "ContextFullError", message: "Out of room. Close other tabs and reload." });
    return;
  }
  let text = "";
  const say = async (piece, kind = "text") => {
    if (kind === "text") text += piece;
    self.postMessage({ type: "piece", id, kind, text: piece });
    await pause();
  };
  if (thinking) await say("Let me see.", "thinking");
  if (question === "Endless?") {
    while (!stopped.has(id)) await say("Hi ");
  } else if (question === "How many?") {
    await say(`${messages.length} message`);
  } else if (question === "Markup?") {
    await say("<img src=x onerror=alert(1)>");
  } else {
    for (const piece of ["Hi", " there", "."]) await say(piece);
  }
  self.postMessage({
    type: "done", id, message: { role: "assistant", content: text }, ids: [1, 2, 3],
    stopReason: stopped.has(id) ? "stopped" : "stop", usage: {}, timing: { tokens_per_second: 6 },
  });
}
