#!/bin/sh
# pgBackRest's cmd-ssh: ssh with its own keys and known hosts. Nothing of the user's or the host's configuration counts.
exec /usr/bin/ssh -F /etc/pgbackrest/ssh/config "$@"
