/** What the build has put into the bundle; null where the agent runs from its sources. */

interface BundledAgent {
  readonly version: string;
  /** The recipe of `tiny`, and its files by their path below `agent/tiny-image`. */
  readonly tiny: { readonly version: string; readonly files: Readonly<Record<string, string>> };
}

declare const bundledAgent: BundledAgent;

export const bundled: BundledAgent | null = typeof bundledAgent === "undefined" ? null : bundledAgent;
