/** `voidvm-agent status`: what the agent that runs here says of itself. Ends with 0 where it is connected. */
import type { HostPaths } from "../paths.ts";
import { askRunningAgent } from "../status-socket.ts";

export async function status(paths: HostPaths, json: boolean): Promise<number> {
  const seen = await askRunningAgent(paths, "status");
  const isConnected = seen.session !== null;
  if (json) console.log(JSON.stringify(seen, null, 2));
  else {
    console.log(`host        ${seen.hostId}`);
    console.log(`edge        ${seen.edge}: ${isConnected ? `connected, session ${seen.session}` : "not connected"}`);
    console.log(`agent       version ${seen.version}, process ${seen.pid}`);
    console.log(`machines    ${seen.machines.all}, of which ${seen.machines.running} run`);
    console.log(`operations  ${seen.operations} under way`);
    if (seen.update !== null) console.log(`update      ${seen.update}`);
  }
  return isConnected ? 0 : 1;
}
