"""What the SDK and the API have to agree on.

Made from the API's own schemas by `node scripts/write-python-sdk.ts`; a test keeps it so.
"""

#: Operations that failed so may succeed when they are asked for again.
RETRYABLE_OPERATION_ERRORS = frozenset(
    {
        "IMAGE_UNAVAILABLE",
        "IMAGE_CHECKSUM_MISMATCH",
        "NO_SPACE",
        "QEMU_FAILED",
        "OPERATION_EXPIRED",
        "CANCELLED",
        "HOST_ERROR",
    }
)

#: Streams that ended so may be had again.
RETRYABLE_STREAM_ERRORS = frozenset(
    {
        "QEMU_FAILED",
        "HOST_ERROR",
        "PORT_CLOSED",
        "GUEST_UNREACHABLE",
        "SSH_FAILED",
        "STREAM_LOST",
        "STREAM_IDLE",
        "TOO_MANY_STREAMS",
        "HOST_OFFLINE",
        "READER_TOO_SLOW",
    }
)

#: The WebSocket subprotocol of clients that grant credit themselves.
CREDIT_PROTOCOL = "voidvm.credit.v1"
#: Bytes that each side may send before it is granted more.
STREAM_WINDOW = 262144
#: Bytes that a tunnel may be ahead of its reader.
TUNNEL_WINDOW = 1048576
#: Bytes of one frame.
STREAM_FRAME = 65536

#: Why a socket was closed, by its code.
CLOSE_REASONS = {
    1009: "tooLarge",
    1012: "restarting",
    4400: "malformed",
    4401: "unauthenticated",
    4404: "notFound",
    4408: "tooSlow",
    4409: "replaced",
    4429: "tooMany",
}
