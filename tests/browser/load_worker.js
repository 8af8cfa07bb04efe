/** A worker that loads sources through the engine's own modules and adds up their bytes. */

import { Downloads } from "/engine/load/download.js";
import { Pieces } from "/engine/load/pieces.js";
import { Store } from "/engine/store/store.js";

const ending = new AbortController();

self.onmessage = async ({ data }) => {
  if (data.type === "cancel") return ending.abort(new Error("Cancelled"));
  if (data.type === "read") return read(data);
  const said = { sums: [], progress: null, notes: [], unkept: [], mostHeld: 0, error: null };
  const tell = (news) => self.postMessage({ type: "news", ...said, ...news });
  const pieces = new Pieces(await Store.open(), {
    patience: data.patience,
    signal: ending.signal,
    onNote: (note, detail) => tell({ notes: said.notes.push(detail ? `${note}, ${detail}` : note) && said.notes }),
    onUnkept: (message) => said.unkept.push(message),
  });
  const downloads = new Downloads(data.sources, pieces, {
    budget: data.budget,
    onProgress: (done, total) => tell({ progress: (said.progress = [done, total]) }),
    onFailure: (error) => ending.abort(error),
  });
  try {
    await downloads.start();
    const take = async (index) => {
      await downloads.use(index, (bytes) => {
        said.sums[data.order.indexOf(index)] = bytes.reduce((sum, byte) => sum + byte, 0);
      });
    };
    if (data.together) await Promise.all(data.order.map(take));
    else for (const index of data.order) await take(index);
  } catch (error) {
    said.error = `${error.name}: ${error.message}`;
  }
  self.postMessage({ type: "done", ...said, mostHeld: downloads.mostHeld });
};

async function read({ piece, parts }) {
  const store = await Store.open();
  const found = [];
  for (const [offset, length] of parts) found.push([...(await store.read(piece, offset, length))]);
  self.postMessage({ type: "done", found });
}
