/** A shell on the guest, over SSH to its port 22. */
import type { Host } from "../operations/operation.ts";
import { HostKey } from "../ssh/host-key.ts";
import { RelayedStream } from "./relayed-stream.ts";
import type { StreamEnd, TargetOf } from "./stream-end.ts";
import { openTcp } from "./tcp.ts";

/** Errors: those of `openTcp` and of `openShell`. */
export async function openSsh(target: TargetOf<"ssh">, host: Host): Promise<StreamEnd> {
  const { vmId, credentials, cols, rows } = target;
  // Loaded when somebody logs in: it takes 5 MiB, which most agents never need.
  const { openShell } = await import("../ssh/shell.ts");
  const { generation } = host.vms.known(vmId);
  const hostKey = await HostKey.load(host.paths.vm(vmId).sshHostKey, generation);
  const { stream: socket } = await openTcp({ kind: "tcp", vmId, port: 22 }, host);
  const { client, channel } = await openShell(socket, { credentials, cols, rows, hostKey });
  const stream = new RelayedStream(channel);
  // A guest that is gone answers no goodbye.
  stream.once("close", () => client.destroy());
  return {
    stream,
    writable: true,
    control(message) {
      if (message.type === "resize") channel.setWindow(message.rows, message.cols, 0, 0);
    },
  };
}
