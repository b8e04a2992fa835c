/**
 * Reads a publisher's list of checksums, in the forms that publishers use: `hash  file`, `hash *file`,
 * `SHA256 (file) = hash`, or nothing but the hash. Signatures and comments around them are passed over.
 */
export type Algorithm = "sha256" | "sha512";

const hexLength: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128 };

/** The digest of `file` in lower case; null where the list doesn't say it, or says more than one. */
export function findChecksum(list: string, file: string, algorithm: Algorithm): string | null {
  const lines = list.split("\n").map((line) => line.trim());
  const named = lines.map((line) => digestOf(line, file, algorithm)).filter((digest) => isDigest(digest, algorithm));
  const [digest, ...others] = new Set(named);
  if (digest !== undefined) return others.length === 0 ? digest : null;

  const words = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return words.length === 1 && isDigest(words[0], algorithm) ? words[0].toLowerCase() : null;
}

export function isDigest(text: string | undefined, algorithm: Algorithm): text is string {
  return text !== undefined && text.length === hexLength[algorithm] && /^[0-9a-f]+$/i.test(text);
}

/** What the line says of the file; a line that names its algorithm counts for that one only. */
function digestOf(line: string, file: string, algorithm: Algorithm): string | undefined {
  const plain = /^([0-9a-f]+)\s+\*?(\S.*)$/i.exec(line);
  if (plain && isFile(plain[2], file)) return plain[1]?.toLowerCase();
  const bsd = /^(\w+) ?\((.+)\) ?= ?([0-9a-f]+)$/i.exec(line);
  if (bsd && isFile(bsd[2], file) && bsd[1]?.toLowerCase() === algorithm) return bsd[3]?.toLowerCase();
  return undefined;
}

/** Lists made by `find` say `./file`. */
function isFile(name: string | undefined, file: string): boolean {
  return name === file || name === `./${file}`;
}
