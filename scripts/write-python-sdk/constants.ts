/** _constants.py: the figures and codes that both ends must agree on. */
import { socketCloseCodes } from "../../protocol/client-socket.ts";
import { operationErrors, streamErrors } from "../../protocol/errors.ts";
import { creditProtocol, streamLimits } from "../../protocol/streams.ts";

export function constantsModule(): string {
  return `"""What the SDK and the API have to agree on.

Made from the API's own schemas by \`node scripts/write-python-sdk.ts\`; a test keeps it so.
"""

#: Operations that failed so may succeed when they are asked for again.
RETRYABLE_OPERATION_ERRORS = ${retryable(operationErrors)}

#: Streams that ended so may be had again.
RETRYABLE_STREAM_ERRORS = ${retryable(streamErrors)}

#: The WebSocket subprotocol of clients that grant credit themselves.
CREDIT_PROTOCOL = "${creditProtocol}"
#: Bytes that each side may send before it is granted more.
STREAM_WINDOW = ${streamLimits.windowBytes}
#: Bytes that a tunnel may be ahead of its reader.
TUNNEL_WINDOW = ${streamLimits.tunnelWindowBytes}
#: Bytes of one frame.
STREAM_FRAME = ${streamLimits.maxFrameBytes}

#: Why a socket was closed, by its code.
CLOSE_REASONS = {
${Object.entries(socketCloseCodes)
  .map(([name, code]) => `    ${code}: "${name}",\n`)
  .join("")}}
`;
}

function retryable(errors: Readonly<Record<string, { readonly retryable: boolean }>>): string {
  const codes = Object.entries(errors).flatMap(([code, entry]) => (entry.retryable ? [`        "${code}",\n`] : []));
  return `frozenset(\n    {\n${codes.join("")}    }\n)`;
}
