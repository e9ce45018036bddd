#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One NATS server of the lab: nats.sh DIRECTORY ACCOUNT NAME ADDRESS ROUTE[,ROUTE…]
# Why each option is what it is: servers.md.
set -eu
directory=$1 account=$2 name=$3 address=$4 routes=$5
export GOMAXPROCS=1 GOGC=off GOMEMLIMIT=64MiB
exec "$(dirname "$0")/as.sh" "$account" "$directory" \
  nats-server --name "$name" --addr "$address" --port 17422 --http_port 17424 \
  --jetstream --store_dir . --cluster_name shop --cluster "nats://$address:17423" \
  --routes "$routes" --no_advertise=true
