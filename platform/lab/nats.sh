#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One NATS server of the lab: nats.sh DIRECTORY NAME ADDRESS ROUTE[,ROUTE…]
# Why each option is what it is: servers.md.
set -eu
directory=$1 name=$2 address=$3 routes=$4
export GOMAXPROCS=1 GOGC=off GOMEMLIMIT=64MiB
exec nats-server --name "$name" --addr "$address" --port 17422 --http_port 17424 \
  --jetstream --store_dir "$directory" --cluster_name shop --cluster "nats://$address:17423" \
  --routes "$routes" --no_advertise=true
