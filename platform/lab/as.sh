#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a server in a folder of its own: as.sh ACCOUNT DIRECTORY PROGRAM [ARGUMENT…]
#
# The folder is made, ACCOUNT's alone. Started by root the program is ACCOUNT's from its first
# instruction; it stands in its folder, `.`, since it may not enter what leads there.
set -eu
account=$1 directory=$2
shift 2
mkdir -p "$directory"
if [ "$(id -u)" -ne 0 ]; then
  chmod 700 "$directory"
  cd "$directory"
  exec "$@"
fi
user=$(id -u "$account") group=$(id -g "$account")
if [ "$user" -eq 0 ]; then
  echo "as.sh: $account is root: name an account without rights, such as nobody" >&2
  exit 64
fi
[ "$(stat -c %u "$directory")" = "$user" ] || chown -Rh "$user:$group" "$directory"
chmod 700 "$directory"
cd "$directory"
exec setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs "$@"
