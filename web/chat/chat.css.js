/**
 * The element's styles, as a constructed sheet: no request, and no CSP of a host page stands against it.
 * A host page sets the custom properties to fit the chat to its own looks.
 */

const CSS = `
:host {
  --accent: var(--gemtab-accent, light-dark(#0b57d0, #a8c7fa));
  --on-accent: var(--gemtab-on-accent, light-dark(#fff, #062e6f));
  --paper: var(--gemtab-paper, light-dark(#fff, #16181c));
  --ink: var(--gemtab-ink, light-dark(#1b1c1f, #e6e7ea));
  --quiet: light-dark(#5a5e66, #a3a8b1);
  --line: light-dark(#d9dce2, #363a42);
  --field: light-dark(#fff, #1d2026);
  --tint: light-dark(#eef3fc, #232936);
  --alarm: light-dark(#8c1d18, #f9b4ae);
  --alarm-tint: light-dark(#fdecea, #3a1f1d);
  color-scheme: light dark;
  display: grid;
  grid-template-rows: auto minmax(0, 1fr) auto auto;
  min-height: 20rem;
  color: var(--ink);
  background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.status, .composer, .notice, ol, .hint { width: 100%; max-width: 48rem; margin-inline: auto; padding-inline: 1rem; }

.status { position: relative; display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; min-height: 2.25rem; color: var(--quiet); font-size: .875rem; font-variant-numeric: tabular-nums; }
.storage { margin-inline-start: auto; }
progress { flex: 1 1 6rem; height: .375rem; appearance: none; border: 0; border-radius: 1rem; background: var(--line); overflow: hidden; accent-color: var(--accent); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }

.log { overflow-y: auto; overscroll-behavior: contain; }
.hint { margin-block: 20vh 0; text-align: center; color: var(--quiet); }
ol { display: flex; flex-direction: column; gap: 1.25rem; margin-block: 0; padding-block: 1rem; list-style: none; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.question { align-self: flex-end; max-width: 85%; padding: .5rem 1rem; border-radius: 1.25rem 1.25rem .25rem 1.25rem; background: var(--tint); }
.reply { position: relative; max-width: 100%; padding-inline-start: 1rem; }
.reply::before { content: ""; position: absolute; inset-block: .25rem; inset-inline-start: 0; width: 3px; border-radius: 3px; background: var(--line); }
.reply.busy::before { background: var(--accent); }
.busy > .text::after { content: ""; display: inline-block; width: .5em; height: 1em; margin-inline-start: .15em; vertical-align: -.15em; border-radius: 1px; background: var(--accent); animation: blink 1s steps(2) infinite; }
@keyframes blink { to { opacity: 0; } }
.log:has(.offer:not([hidden])) .hint { display: none; }
.offer { display: grid; justify-items: center; gap: .75rem; width: min(30rem, 100% - 2rem); margin: 6vh auto 2rem; padding: 1.5rem; border: 1px solid var(--line); border-radius: 1.25rem; text-align: center; }
.offer > * { margin: 0; }
h2 { font-size: 1.125rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .875rem; }
.quiet:empty { display: none; }
.verdict { justify-self: stretch; padding: .625rem .875rem; border-radius: .75rem; background: var(--tint); font-size: .9375rem; text-align: start; }
.verdict.cannot { color: var(--alarm); background: var(--alarm-tint); }
.offer details { justify-self: stretch; color: var(--quiet); font-size: .875rem; text-align: start; }
.offer summary { width: fit-content; margin-inline: auto; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem .75rem; margin: .75rem 0 0; font-variant-numeric: tabular-nums; }
dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }

summary { border-radius: .25rem; cursor: pointer; }
.storage .panel { position: absolute; z-index: 1; inset-block-start: 100%; inset-inline-end: 1rem; width: min(24rem, 100% - 2rem); padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .75rem; color: var(--ink); background: var(--paper); box-shadow: 0 .25rem 1rem rgb(0 0 0 / .15); }
.panel > * { margin: 0; }
.panel ul { display: grid; gap: .5rem; padding: 0; list-style: none; }
.panel ul:not(:empty) { margin-block-start: .5rem; }
.panel li { display: flex; align-items: center; gap: .75rem; }
.panel li > :first-child { flex: 1; overflow-wrap: anywhere; }

.reply details { margin-block-end: .5rem; padding-inline-start: .75rem; border-inline-start: 2px solid var(--line); color: var(--quiet); font-size: .9375rem; }

.notice { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; padding-block: .75rem; border-radius: .75rem; color: var(--alarm); background: var(--alarm-tint); }
.notice.calm { color: inherit; background: var(--tint); }
.notice p { flex: 1 1 16rem; margin: 0; }

.composer { padding-block: .5rem 1rem; }
.box { padding: .25rem; border: 1px solid var(--line); border-radius: 1.5rem; background: var(--field); }
.box:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
textarea { display: block; width: 100%; max-height: 40vh; padding: .625rem .875rem; border: 0; color: inherit; background: transparent; font: inherit; resize: none; field-sizing: content; }
textarea:focus-visible { outline: none; } /* the box shows it */
textarea::placeholder { color: var(--quiet); opacity: 1; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; padding: .25rem; }
.think { display: flex; align-items: center; gap: .375rem; margin-inline: .5rem auto; color: var(--quiet); font-size: .875rem; cursor: pointer; }
.think input { accent-color: var(--accent); width: 1rem; height: 1rem; margin: 0; }
button { min-height: 2.5rem; padding: .375rem 1.125rem; border: 1px solid var(--line); border-radius: 1.25rem; color: inherit; background: transparent; font: inherit; cursor: pointer; }
button:hover:enabled { background: var(--tint); }
button.primary { border-color: transparent; color: var(--on-accent); background: var(--accent); }
button.primary:hover:enabled { background: color-mix(in oklab, var(--accent), var(--ink) 15%); }
button.small { min-height: 1.75rem; padding: 0 .75rem; font-size: .875rem; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { .busy > .text::after { animation: none; } }
`;

/** @type {CSSStyleSheet | null} */
let sheet = null;

/** The sheet, made once and shared by all elements of a page. */
export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
