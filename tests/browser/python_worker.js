/** A worker that boots Python through the engine's own module, and tells what came of it. */

import { bootPython } from "/engine/python.js";

self.onmessage = async ({ data: patience }) => {
  const said = { progress: [], notes: [] };
  try {
    const start = await bootPython({
      patience,
      onProgress: ({ done, total, note }) => {
        said.progress.push([done, total]);
        if (note) said.notes.push(note);
      },
    });
    self.postMessage({ ...said, booted: typeof start });
  } catch (error) {
    self.postMessage({ ...said, error: `${error.name}: ${error.message}` });
  }
};
