#!/bin/sh
# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# test_keepalived_config FILE: does Keepalived accept this configuration?
#
# Keepalived 2.2.7 (Debian 12) ends its own test with SIGTERM as soon as a script has a user other than root: having
# looked at the script as that user, it takes the shell that started the test for a dead parent (lib/notify.c). Only
# then, the same configuration is tested with root in that user's place; nothing is ever run from that copy.
set -u
keepalived --config-test --use-file "$1"
status=$?
[ "$status" -eq 143 ] || exit "$status"
copy=$(mktemp) || exit 1
trap 'rm -f "$copy"' EXIT
sed 's/\bkeepalived_script\b/root/' "$1" >"$copy" || exit 1
keepalived --config-test --use-file "$copy"
