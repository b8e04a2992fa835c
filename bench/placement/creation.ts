/** What a creation costs through the API when D1 holds a fleet of a given size. */
import { freePort } from "../../test/free-port.ts";
import { machine, Site } from "../api/site.ts";
import { median, timed } from "../statistics.ts";

const samples = 60;

/** Medians, in ms, measured in turn on fleets of their own. */
export async function createWith(fleets: readonly { hosts: number; vms: number }[]): Promise<[number, number]> {
  const medians: number[] = [];
  for (const fleet of fleets) {
    const site = await Site.start(await freePort());
    try {
      await site.addFleet(fleet);
      // The fleet's machines are not this user's: what a quota costs is not what is measured here.
      const { token } = await site.ownerOf(1);
      const times: number[] = [];
      for (let n = 0; n < samples; n++) {
        const [took] = await timed(() => site.call("POST", "/api/v1/vms", machine(`made-${n}`), token));
        times.push(took);
      }
      medians.push(median(times));
    } finally {
      await site.stop();
    }
  }
  return medians as [number, number];
}
