/**
 * Start Pyodide with files that are here already. Its own loader would fetch them without a word of progress, and where
 * one of them fails it only warns in the console and waits for ever; so while it loads, what it fetches and
 * compiles is answered from here.
 */

const INDEX = new URL("../pyodide/", import.meta.url).href;

/**
 * @typedef {object} Parts
 * @property {any} loader  the module pyodide.mjs
 * @property {any} glue  the module pyodide.asm.mjs
 * @property {WebAssembly.Module} module  pyodide.asm.wasm
 * @property {Uint8Array<ArrayBuffer>} library  python_stdlib.zip
 * @property {Uint8Array<ArrayBuffer>} lock  pyodide-lock.json
 */

/**
 * @param {Parts} parts
 * @returns {Promise<any>} Pyodide
 */
export async function startPyodide({ loader, glue, module, library, lock }) {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  const answers = new Map([
    [`${INDEX}pyodide.asm.wasm`, null], // instantiated below, from the module
    [`${INDEX}python_stdlib.zip`, library],
  ]);
  try {
    return await new Promise((resolve, reject) => {
      globalThis.fetch = async (input, init) => {
        const answer = answers.get(String(input));
        return answer === undefined ? fetch(input, init) : new Response(answer);
      };
      WebAssembly.instantiateStreaming = async (_, imports) => {
        const instance = await WebAssembly.instantiate(module, imports).catch(reject);
        return { module, instance: /** @type {WebAssembly.Instance} */ (instance) };
      };
      const lockFileContents = new TextDecoder().decode(lock);
      const options = { indexURL: INDEX, lockFileContents, createPyodideModule: glue.default };
      loader.loadPyodide(options).then(resolve, reject);
    });
  } finally {
    Object.assign(globalThis, { fetch });
    Object.assign(WebAssembly, { instantiateStreaming });
  }
}
