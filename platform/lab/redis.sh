#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One Redis node of the lab's cluster: redis.sh DIRECTORY ACCOUNT ADDRESS PORT
# Why each option is what it is: servers.md.
set -eu
exec "$(dirname "$0")/as.sh" "$2" "$1" redis-server --dir . --bind "$3" --port "$4" \
  --cluster-enabled yes \
  --cluster-config-file nodes.conf --cluster-announce-ip "$3" --cluster-node-timeout 1000 \
  --cluster-require-full-coverage no --repl-diskless-sync-delay 0 --appendonly yes --appendfsync everysec --save '' \
  --maxmemory 256mb --maxmemory-policy noeviction
