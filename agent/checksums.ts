/** Reads a publisher's list of checksums: `hash  file`, `hash *file`, `SHA256 (file) = hash`, or the hash alone. */
export function findChecksum(list: string, file: string, algorithm: "sha256" | "sha512"): string | null {
  const length = algorithm === "sha256" ? 64 : 128;
  const lines = list.split("\n").map((line) => line.trim());
  for (const line of lines) {
    const plain = /^([0-9a-f]+) [ *]?(?:\.\/)?(\S+)$/i.exec(line);
    if (plain?.[2] === file && plain[1]?.length === length) return plain[1].toLowerCase();
    const bsd = /^(\w+) \((.+)\) = ([0-9a-f]+)$/i.exec(line);
    if (bsd?.[2] === file && bsd[1]?.toLowerCase() === algorithm && bsd[3]?.length === length) return bsd[3].toLowerCase();
  }
  const [only] = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return only !== undefined && new RegExp(`^[0-9a-f]{${length}}$`, "i").test(only) ? only.toLowerCase() : null;
}
