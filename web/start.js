/** Beside the page's own script, which is a module: says why, where that did not start. No module itself. */

addEventListener("load", async () => {
  const note = document.getElementById("not-started");
  if (!note || customElements.get("gemtab-chat")) return;
  const say = (/** @type {string} */ text) => (note.textContent = text);
  note.className = "";
  note.setAttribute("role", "alert");
  say("Gemtab did not start. Looking for what is wrong.");
  try {
    const { whyBroken } = await import("./engine/no-start.js");
    const why = await whyBroken();
    say(`Gemtab did not start: ${why ?? "this browser does not run its scripts. It takes a current Chrome, Edge, Firefox or Safari."}`);
  } catch (error) {
    say(`Gemtab did not start: ${/** @type {Error} */ (error).message}. Check the connection, and that the site's files are all there, then reload the page.`);
  }
});
