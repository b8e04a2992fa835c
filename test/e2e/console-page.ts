/**
 * A page in headless Chromium with noVNC and xterm.js as their packages are, each on the address of a raw console.
 *
 * It stands at the edge's own origin, where the edge takes its sockets, and is served by the browser's driver.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page, type Route } from "playwright-core";

const modules = join(import.meta.dirname, "../../node_modules");
const flags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
  // The page comes from the driver and not from this machine, whose sockets it would not get.
  "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
];

export interface Addresses {
  readonly vnc: string;
  readonly serial: string;
}

export class ConsolePage {
  static readonly chromium = "/usr/bin/chromium";
  readonly #browser: Browser;
  readonly #page: Page;
  /** What the page said of errors. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => this.complaints.push(message.text()));
  }

  static async open(addresses: Addresses): Promise<ConsolePage> {
    const browser = await chromium.launch({ executablePath: ConsolePage.chromium, args: flags });
    const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
    const opened = new ConsolePage(browser, page);
    await page.route("**/*", (route) => serve(route, addresses));
    const { host } = new URL(addresses.vnc);
    await page.goto(`http://${host}/test/`);
    return opened;
  }

  state(): Promise<{ vnc: string; size: { width: number; height: number } }> {
    return this.#page.evaluate("consoles.state()");
  }

  /** What noVNC has drawn, four bytes a pixel. */
  async pixels(): Promise<Buffer> {
    return Buffer.from(await this.#page.evaluate<string>("consoles.pixels()"), "base64");
  }

  /** What xterm.js shows, with what has scrolled away. */
  text(): Promise<string> {
    return this.#page.evaluate("consoles.text()");
  }

  /** Presses real keys of the browser's. */
  async type(console: "vnc" | "serial", text: string): Promise<void> {
    await this.#page.evaluate(`consoles.focus("${console}")`);
    await this.#page.keyboard.type(text.replaceAll("\n", ""), { delay: 30 });
    if (text.endsWith("\n")) await this.#page.keyboard.press("Enter");
  }

  /** For people, where VOIDVM_TEST_SCREENSHOTS names a folder. */
  async screenshot(): Promise<void> {
    const folder = process.env["VOIDVM_TEST_SCREENSHOTS"];
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    await this.#page.screenshot({ path: join(folder, "consoles.png") });
  }

  async until(what: string, check: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 90_000; !(await check()); await sleep(200)) {
      if (Date.now() > deadline) throw new Error(`Not in time: ${what}; the page said: ${this.complaints.join("; ")}`);
    }
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

async function serve(route: Route, addresses: Addresses): Promise<void> {
  const { pathname } = new URL(route.request().url());
  if (pathname === "/test/") return route.fulfill({ contentType: "text/html", body: html(addresses) });
  const [, folder = ""] = /^\/test\/(@novnc\/novnc\/|@xterm\/)/.exec(pathname) ?? [];
  if (folder === "") return route.abort();
  const file = join(modules, pathname.slice("/test/".length));
  const contentType = file.endsWith(".css") ? "text/css" : "text/javascript";
  return route.fulfill({ contentType, body: await readFile(file, "utf8") });
}

function html({ vnc, serial }: Addresses): string {
  return `<!doctype html>
<meta charset="utf-8">
<link rel="stylesheet" href="@xterm/xterm/css/xterm.css">
<div id="screen" style="width: 720px; height: 420px"></div>
<div id="terminal"></div>
<script src="@xterm/xterm/lib/xterm.js"></script>
<script src="@xterm/addon-attach/lib/addon-attach.js"></script>
<script type="module">
import RFB from "./@novnc/novnc/core/rfb.js";
let state = "connecting";
const rfb = new RFB(document.getElementById("screen"), ${JSON.stringify(vnc)});
rfb.addEventListener("connect", () => (state = "connected"));
rfb.addEventListener("disconnect", ({ detail }) => (state = "disconnected " + JSON.stringify(detail)));

const terminal = new Terminal({ cols: 80, rows: 24 });
terminal.open(document.getElementById("terminal"));
const socket = new WebSocket(${JSON.stringify(serial)});
terminal.loadAddon(new AttachAddon.AttachAddon(socket));

const canvas = () => document.querySelector("#screen canvas");
globalThis.consoles = {
  state: () => ({ vnc: state, size: { width: canvas()?.width ?? 0, height: canvas()?.height ?? 0 } }),
  pixels: () => {
    const { width, height } = canvas();
    const { data } = canvas().getContext("2d").getImageData(0, 0, width, height);
    let text = "";
    for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
    return btoa(text);
  },
  text: () => {
    const { active } = terminal.buffer;
    return Array.from({ length: active.length }, (_, line) => active.getLine(line).translateToString(true)).join("\\n");
  },
  focus: (which) => (which === "vnc" ? rfb.focus() : terminal.focus()),
};
</script>`;
}
