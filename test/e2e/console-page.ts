/**
 * A page in headless Chromium with noVNC and xterm.js as their packages are, each on the address of a raw console.
 *
 * It stands at the edge's own origin, where the edge takes its sockets, and is served by the browser's driver.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";

/** Milliseconds, for a machine with other work. */
const patience = 90_000;
export const chromiumPath = "/usr/bin/chromium";
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
  readonly #browser: Browser;
  readonly #page: Page;
  /** What the page said of errors, and what it could not load. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => this.complaints.push(message.text()));
    page.on("crash", () => this.complaints.push("it crashed"));
    page.on("requestfailed", (request) => {
      this.complaints.push(`${request.url()}: ${request.failure()?.errorText ?? "failed"}`);
    });
  }

  static async open(origin: string): Promise<ConsolePage> {
    const html = await document();
    const browser = await chromium.launch({ executablePath: chromiumPath, args: flags, timeout: patience });
    try {
      const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
      page.setDefaultTimeout(patience);
      const opened = new ConsolePage(browser, page);
      const url = `${origin}/test/`;
      await page.route("**/*", (route) =>
        route.request().url() === url ? route.fulfill({ contentType: "text/html", body: html }) : route.abort(),
      );
      await page.goto(url);
      // noVNC asks the browser for its decoders with an `await` at its top level, for which the load event doesn't wait.
      await opened.until("the viewers are loaded", () => page.evaluate("globalThis.consoles !== undefined"));
      return opened;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** Apart from opening, which may take longer than a ticket is good for. */
  async connect(addresses: Addresses): Promise<void> {
    await this.#page.evaluate(`consoles.connect(${JSON.stringify(addresses)})`);
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
    try {
      for (const deadline = Date.now() + patience; !(await check()); await sleep(200)) {
        if (Date.now() > deadline) throw new Error("not in time");
      }
    } catch (error) {
      throw new Error(`${what}: ${String(error)}; the page said: ${this.complaints.join("; ")}`, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** One document with all that it needs. */
async function document(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    outfile: "page.js",
    write: false,
  });
  const contents = (extension: string) => outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? "";
  return `<!doctype html>
<meta charset="utf-8">
<style>${contents(".css")}</style>
<div id="screen" style="width: 720px; height: 420px"></div>
<div id="terminal"></div>
<script type="module">${contents(".js")}</script>`;
}

const script = `
import RFB from "@novnc/novnc";
import { AttachAddon } from "@xterm/addon-attach";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

let state = "not connected";
let rfb;
const terminal = new Terminal({ cols: 80, rows: 24 });
terminal.open(document.getElementById("terminal"));

const canvas = () => document.querySelector("#screen canvas");
globalThis.consoles = {
  connect: ({ vnc, serial }) => {
    rfb = new RFB(document.getElementById("screen"), vnc);
    rfb.addEventListener("connect", () => (state = "connected"));
    rfb.addEventListener("disconnect", ({ detail }) => (state = "disconnected " + JSON.stringify(detail)));
    terminal.loadAddon(new AttachAddon(new WebSocket(serial)));
  },
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
};`;
