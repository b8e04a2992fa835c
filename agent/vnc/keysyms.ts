/** Keys by their X keysym, which is how RFB names them: from `KeyboardEvent.key`, and from a text to be typed on a US keyboard. */

const shiftKeysym = 0xffe1;

/** `KeyboardEvent.key` of keys that make no character. https://www.w3.org/TR/uievents-key/ */
const namedKeys: Readonly<Record<string, number>> = {
  Backspace: 0xff08,
  Tab: 0xff09,
  Enter: 0xff0d,
  Pause: 0xff13,
  ScrollLock: 0xff14,
  PrintScreen: 0xff61,
  Escape: 0xff1b,
  Home: 0xff50,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
  PageUp: 0xff55,
  PageDown: 0xff56,
  End: 0xff57,
  Insert: 0xff63,
  ContextMenu: 0xff67,
  NumLock: 0xff7f,
  Shift: shiftKeysym,
  Control: 0xffe3,
  CapsLock: 0xffe5,
  Alt: 0xffe9,
  AltGraph: 0xfe03,
  Meta: 0xffeb,
  Delete: 0xffff,
  ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`F${index + 1}`, 0xffbe + index])),
};

/** Null for a name that no key has. */
export function keysymOf(key: string | number): number | null {
  if (typeof key === "number") return key;
  const named = Object.hasOwn(namedKeys, key) ? namedKeys[key] : undefined;
  if (named !== undefined) return named;
  const [character = "", ...others] = key;
  if (others.length > 0) return null;
  const code = character.codePointAt(0) as number;
  // Latin-1 is its own keysym; beyond it Unicode has a range to itself.
  return code < 0x100 ? code : 0x0100_0000 + code;
}

export interface KeyStroke {
  readonly keysym: number;
  readonly down: boolean;
}

const needsShift = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;

/** The strokes that type one character; null where a US keyboard has no key for it. */
export function strokesOf(character: string): KeyStroke[] | null {
  const keysym = typedKeysym(character);
  if (keysym === null) return null;
  const stroke = [
    { keysym, down: true },
    { keysym, down: false },
  ];
  if (!needsShift.test(character)) return stroke;
  return [{ keysym: shiftKeysym, down: true }, ...stroke, { keysym: shiftKeysym, down: false }];
}

function typedKeysym(character: string): number | null {
  if (character === "\n") return namedKeys["Enter"] as number;
  if (character === "\t") return namedKeys["Tab"] as number;
  return /^[ -~]$/.test(character) ? (character.codePointAt(0) as number) : null;
}
