/**
 * Text from servers and guests, made harmless for a terminal: it may name things so that they move the cursor, change the
 * title, fill the clipboard or read in another order than they stand.
 */

// C0 and C1 controls; marks that change the direction of what follows; separators that break a line.
// oxlint-disable-next-line no-control-regex
const harmful = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** On one line; what is harmful is shown by its number. */
export function safeText(text: string): string {
  return text.replace(harmful, (character) => `\\u${hex(character)}`);
}

/** JSON that is safe to show and still says the same. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? "null";
  // JSON.stringify has escaped what is below space itself, but for its own line breaks.
  return text.replace(harmful, (character) => (character === "\n" ? character : `\\u${hex(character)}`));
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, "0");
}
