/** The path of a resource, from ids that may be anything. */

/** path`/vms/${id}/start` */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  for (const id of ids) {
    // The list, or what stands above, would be asked in its place.
    if (typeof id !== "string" || /^\.{0,2}$/.test(id)) throw new TypeError(`Not an id or a name: '${id}'`);
  }
  return String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}
