/** Which addresses an image may have, as far as the address itself tells. */
import { describe, expect, it } from "vitest";
import { publicUrl } from "../../api/public-url.ts";

describe("an address", () => {
  it.each([
    "file:///etc/passwd",
    "nbd://example.com/x",
    "ftp://example.com/x",
    "javascript:alert(1)",
    "not an address",
    "https://",
    "http://localhost/x",
    "http://LOCALHOST./x",
    "http://a.localhost/x",
    "http://metadata.google.internal/",
    "http://intranet/x",
    "http://printer.local/x",
    "http://127.0.0.1/x",
    "http://127.1/x",
    "http://2130706433/x",
    "http://0x7f000001/x",
    "http://0177.0.0.1/x",
    "http://0.0.0.0/x",
    "http://10.1.2.3/x",
    "http://100.64.0.1/x",
    "http://169.254.169.254/latest/meta-data",
    "http://172.31.255.255/x",
    "http://192.168.1.1/x",
    "http://224.0.0.1/x",
    "http://255.255.255.255/x",
    "http://[::1]/x",
    "http://[::]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://[fe80::1]/x",
    "http://[fd00::1]/x",
    "http://[ff02::1]/x",
    "http://[2001:db8::1]/x",
    "http://[2002:7f00:1::]/x",
    "http://[64:ff9b::7f00:1]/x",
    "https://user:password@example.com/x",
  ])("%s is refused", (url) => {
    expect(() => publicUrl(url)).toThrow(expect.objectContaining({ code: "URL_FORBIDDEN" }));
  });

  it.each([
    ["https://cloud-images.example.com/a.qcow2", "https://cloud-images.example.com/a.qcow2"],
    ["http://93.184.216.34:8080/a.img", "http://93.184.216.34:8080/a.img"],
    ["https://172.32.0.1/a", "https://172.32.0.1/a"],
    ["https://[2606:2800:220:1::1]/a", "https://[2606:2800:220:1::1]/a"],
  ])("%s is taken", (url, href) => {
    expect(publicUrl(url)).toBe(href);
  });
});
