/** Joins a stream of the SDK with Node's own streams, at the pace of the slower side. */
import { type Readable, Readable as NodeReadable, Writable as NodeWritable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ByteStream } from "../../sdk/typescript/src/index.ts";

/**
 * Resolves when nothing more comes from the machine and nothing more goes to it, or the stream is over. Each direction ends by
 * itself, as TCP's do.
 */
export async function join(stream: ByteStream, input: Readable, output: Writable): Promise<void> {
  const up = pipeline(input, NodeWritable.fromWeb(stream.writable as never));
  const down = pipeline(NodeReadable.fromWeb(stream.readable as never), output);
  // Either may fail after the other has ended, which is then nobody's concern.
  for (const direction of [up, down]) direction.catch(() => stream.close());
  await Promise.race([Promise.all([up, down]), Promise.all([stream.closed, down])]);
}
