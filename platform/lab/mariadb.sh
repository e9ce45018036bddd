#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One MariaDB server of the lab: mariadb.sh DIRECTORY ACCOUNT ADDRESS PORT SERVER_ID INIT_SQL ROLE
# ROLE: primary or replica, semi-synchronous; async-primary or async-replica as the old shop had them.
# Why each option is what it is: servers.md. The directory was made by make-datadir.sh.
set -eu
directory=$1 account=$2 address=$3 port=$4 server_id=$5 init=$6 role=$7
case $role in
  primary) set -- --innodb-flush-log-at-trx-commit=1 --sync-binlog=1 \
    --rpl-semi-sync-master-enabled=1 --rpl-semi-sync-master-wait-point=AFTER_SYNC \
    --rpl-semi-sync-master-timeout=1000 ;;
  replica) set -- --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 \
    --read-only=1 --relay-log=relay --slave-net-timeout=5 --rpl-semi-sync-slave-enabled=1 ;;
  async-primary) set -- --innodb-flush-log-at-trx-commit=1 --sync-binlog=1 ;;
  async-replica) set -- --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 \
    --read-only=1 --relay-log=relay --slave-net-timeout=5 ;;
  *) echo "mariadb.sh: [async-]primary or [async-]replica, not $role" >&2; exit 64 ;;
esac
. "$(dirname "$0")/mariadb-folder.sh"
# It has passwords, and root's copy is root's alone.
install -m 400 ${owner:+-o "${owner%:*}"} "$init" "$directory/init.sql"
exec mariadbd --no-defaults "--datadir=$at/data" \
  --socket=mariadb.sock --pid-file=mariadb.pid "--bind-address=$address" "--port=$port" \
  --skip-name-resolve "--server-id=$server_id" "--init-file=$at/init.sql" \
  --innodb-buffer-pool-size=24M --innodb-log-buffer-size=2M --innodb-log-file-size=16M \
  --innodb-lock-wait-timeout=2 --key-buffer-size=1M --aria-pagecache-buffer-size=1M \
  --performance-schema=off --max-connections=200 --character-set-server=utf8mb4 \
  --transaction-isolation=READ-COMMITTED \
  --log-bin=binlog --log-slave-updates --binlog-format=ROW --gtid-strict-mode=1 \
  --max-binlog-size=64M "$@"
