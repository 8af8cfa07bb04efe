/**
 * Times the site's model: a table for a person, and `window.bench` for a program that compares engines.
 * That program serves /common.js, whose `expose(load)` puts its own protocol in the place of `bench`.
 */

import { Engine } from "./engine/client.js";

const MODEL = new URL("model/", import.meta.url);
const LENGTHS = [32, 128, 512];
const REPLY = 32; // tokens after the first
const REPEATS = 3;
const ROOM = 2 * REPLY; // positions of the context past the longest prompt

/** @typedef {{ ids: number[] }} Prompt */

/** @param {{ n_ctx?: number }} options  n_ctx: positions that the cache holds */
async function load({ n_ctx }) {
  const engine = new Engine();
  const ready = await engine.load(MODEL, { context: n_ctx ?? null });
  return {
    /**
     * @param {Prompt} prompt
     * @param {number} count  tokens, that no stop id ends
     * @returns {Promise<number[]>}
     */
    generate: async ({ ids }, count) => (await engine.continueIds(ids, count, { fresh: true })).ids,
    info: () => ({ adapter: ready.adapter, context: ready.context }),
  };
}

/** @type {{ bench?: (options: unknown) => Promise<unknown> }} */
const exposed = /** @type {any} */ (window);
const first = async (/** @type {unknown} */ options) => {
  const { expose } = await import(new URL("/common.js", location.href).href);
  expose(load);
  if (!exposed.bench || exposed.bench === first) throw new Error("/common.js exposes no window.bench.");
  return exposed.bench(options);
};
exposed.bench = first;

/** @param {string} selector */
const part = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const [button, status, alert, table] = ["button", "[role=status]", "[role=alert]", "table"].map(part);

button.addEventListener("click", async () => {
  button.setAttribute("disabled", "");
  alert.hidden = table.hidden = true;
  part("tbody").replaceChildren();
  const engine = new Engine();
  try {
    await measure(engine);
    status.textContent = "Done";
  } catch (error) {
    status.textContent = "";
    alert.textContent = error instanceof Error ? error.message : String(error);
    alert.hidden = false;
  } finally {
    engine.dispose();
    button.removeAttribute("disabled");
  }
});

/** @param {Engine} engine */
async function measure(engine) {
  status.textContent = "Loading the model…";
  await engine.load(MODEL, { context: LENGTHS[LENGTHS.length - 1] + ROOM });
  const { config } = await (await fetch(new URL("manifest.json", MODEL))).json();
  for (const length of LENGTHS) {
    status.textContent = `Timing a prompt of ${length} tokens…`;
    const ids = Array.from({ length }, (_, index) => (index * 7919 + 1) % config.vocab);
    const time = async (/** @type {number} */ count) => (await engine.continueIds(ids, count, { fresh: true })).timing;
    await time(1 + REPLY); // shapes of this length
    const prompts = [];
    const replies = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const { first } = await time(1);
      prompts.push(length / first);
      replies.push(REPLY / ((await time(1 + REPLY)).total - first));
    }
    addRow([length, median(prompts), median(replies)]);
  }
}

/** @param {number[]} numbers  tokens, and tokens per second */
function addRow([length, ...speeds]) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = String(length);
  row.append(head);
  for (const speed of speeds) row.insertCell().textContent = speed.toFixed(1);
  part("tbody").append(row);
  table.hidden = false;
}

/** @param {number[]} numbers  an odd count */
function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}
