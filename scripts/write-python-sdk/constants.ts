/** _constants.py: the figures and codes that both ends must agree on. */
import { socketCloseCodes } from "../../protocol/client-socket.ts";
import { operationErrors } from "../../protocol/errors.ts";
import { creditProtocol, streamLimits } from "../../protocol/streams.ts";

export function constantsModule(): string {
  const retryable = Object.entries(operationErrors).flatMap(([code, entry]) => (entry.retryable ? [code] : []));
  return `"""What the SDK and the API have to agree on.

Made from the API's own schemas by \`node scripts/write-python-sdk.ts\`; a test keeps it so.
"""

#: Operations that failed so may succeed when they are asked for again.
RETRYABLE_OPERATION_ERRORS = frozenset(
    {
${retryable.map((code) => `        "${code}",\n`).join("")}    }
)

#: The WebSocket subprotocol of clients that grant credit themselves.
CREDIT_PROTOCOL = "${creditProtocol}"
#: Bytes that each side may send before it is granted more.
STREAM_WINDOW = ${streamLimits.windowBytes}
#: Bytes of one frame.
STREAM_FRAME = ${streamLimits.maxFrameBytes}

#: Why a socket was closed, by its code.
CLOSE_REASONS = {
${Object.entries(socketCloseCodes)
  .map(([name, code]) => `    ${code}: "${name}",\n`)
  .join("")}}
`;
}
