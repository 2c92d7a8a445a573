#!/bin/sh
# pgbackrest_get STANZA FILE TARGET: restore_command of a standby, which takes WAL by streaming.
#
# Postgres asks the archive first, whenever it does not stream: also in the moment of a promotion, while clients wait.
# So the archive is asked only when streaming has been away for ten seconds: then WAL may be gone from the primary.
# Until then the answer is "not there" (status 1), which takes some milliseconds and needs no repository host.
set -eu
asked=/run/pgbackrest/asked_since
hung=/run/pgbackrest/hung_since
now=$(date +%s)
# Calls follow each other every half second while nothing streams; after a pause, a new spell of asking begins.
if [ ! -e "$asked" ] || [ $((now - $(stat -c %Y "$asked"))) -gt 8 ]; then
    echo "$now" >"$asked" || exit 1
    exit 1
fi
since=$(cat "$asked")
touch "$asked"
[ $((now - since)) -ge 10 ] || exit 1
# A promotion waits for the call that is under way. So a repository host that hangs costs five seconds once, not for
# each file that Postgres asks for: then it is left alone for a minute.
if [ -e "$hung" ] && [ $((now - $(stat -c %Y "$hung"))) -lt 60 ]; then
    exit 1
fi
rc=0
timeout 5 pgbackrest --stanza="$1" archive-get "$2" "$3" || rc=$?
touch "$asked"
# 124, time is up, is "not there", too; 126 and above would end the standby.
if [ "$rc" -eq 124 ]; then
    touch "$hung" || exit 1
    exit 1
fi
[ "$rc" -lt 126 ] || rc=1
exit "$rc"
