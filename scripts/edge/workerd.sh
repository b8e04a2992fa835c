#!/bin/sh
# Starts workerd so that it can't outlive the Node process that started it, even when that one is killed with -9: it
# would go on answering on the port, and nobody could stop it. The kernel's order to die survives the two `exec`s.
#
# Running out of files ends the whole runtime, so it gets as many as this machine allows: each socket takes up to four.
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -Hn)" 2>/dev/null

# Opened for reading too, so that this doesn't wait for a reader that has died.
exec 1<>"$VOIDVM_OUTPUT" 2>&1

# The parent may have died before the order was given: then $PPID is not the one that the parent told.
# shellcheck disable=SC2016
exec setpriv --pdeathsig KILL sh -c '[ "$PPID" = "$VOIDVM_EDGE_PID" ] && exec "$VOIDVM_WORKERD" "$@"' workerd "$@"
