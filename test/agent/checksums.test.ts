import { describe, expect, it } from "vitest";
import { findChecksum } from "../../agent/checksums.ts";

const a = "a".repeat(64);
const b = "b".repeat(64);
const long = "c".repeat(128);

describe("a list of checksums", () => {
  it.for([
    ["Ubuntu's, which marks binary files", `${b} *other.img\n${a} *noble.img\n`],
    ["coreutils'", `${b}  other.img\n${a}  noble.img\n`],
    ["one made by find", `${a}  ./noble.img\n`],
    ["BSD's", `SHA256 (other.img) = ${b}\nSHA256 (noble.img) = ${a}\n`],
    [
      "Fedora's, signed",
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# noble.img: 5 bytes\nSHA256 (noble.img) = ${a}\n-----BEGIN PGP SIGNATURE-----\n\niQIz\n`,
    ],
    ["Windows'", `${b}  other.img\r\n${a}  noble.img\r\n`],
    ["in capitals", `${a.toUpperCase()}  noble.img`],
    ["nothing but the digest", `${a}\n`],
    ["of several algorithms", `${"d".repeat(40)}  noble.img\n${long}  noble.img\n${a}  noble.img\n`],
    ["that says the same twice", `${a}  noble.img\nSHA256 (noble.img) = ${a}\n`],
  ])("is understood: %s", ([, list]) => {
    expect(findChecksum(list ?? "", "noble.img", "sha256")).toBe(a);
  });

  it("is understood for the algorithm that is asked for", () => {
    const list = `${a}  x.img\n${long}  x.img\nSHA512 (y.img) = ${long}\n`;

    expect(findChecksum(list, "x.img", "sha512")).toBe(long);
    expect(findChecksum(list, "y.img", "sha512")).toBe(long);
    expect(findChecksum(list, "y.img", "sha256")).toBeNull();
  });

  it.for([
    ["that lacks the file", `${a}  other.img\n`],
    ["that has a file whose name only ends alike", `${a}  my-noble.img\n${a}  sub/noble.img\n${a}  noble.img.old\n`],
    ["that contradicts itself", `${a}  noble.img\n${b}  noble.img\n`],
    ["whose digest is too short", `${a.slice(1)}  noble.img\n`],
    ["that is a page", "<html><body>Please log in</body></html>"],
    ["of bare digests", `${a}\n${b}\n`],
    ["that is empty", ""],
  ])("says nothing: %s", ([, list]) => {
    expect(findChecksum(list ?? "", "noble.img", "sha256")).toBeNull();
  });
});
