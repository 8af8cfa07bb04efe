/** Small parts of one file that lie near each other, asked for together. */

/** @typedef {{ offset: number, length: number }} Span */
/** @typedef {Span & { places: number[] }} Merged  places: of the spans that lie in it */

/**
 * What to ask for, so that each span lies in one answer: neighbours with no more than `gap` bytes between them
 * go together, as long as an answer has at most `most` bytes.
 *
 * @param {Span[]} spans  in any order; they may overlap
 * @param {{ gap: number, most: number }} limits
 * @returns {Merged[]} by offset
 */
export function merged(spans, { gap, most }) {
  /** @type {Merged[]} */
  const found = [];
  const order = spans.map((_, place) => place).sort((a, b) => spans[a].offset - spans[b].offset);
  for (const place of order) {
    const { offset, length } = spans[place];
    const last = found.at(-1);
    const end = Math.max(offset + length, last ? last.offset + last.length : 0);
    if (last && offset <= last.offset + last.length + gap && end - last.offset <= most) {
      last.length = end - last.offset;
      last.places.push(place);
    } else {
      found.push({ offset, length, places: [place] });
    }
  }
  return found;
}
