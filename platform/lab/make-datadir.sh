#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes an empty MariaDB data directory, whole or not at all: make-datadir.sh DIRECTORY USER
#
# DIRECTORY.tmp is the server's --tmpdir: a server that starts removes the temporary tables it finds
# there, and in /tmp those are another server's, in use.
#
# What mariadb-install-db does, without what the lab does not need (help texts, sys schema, waiting
# for the disk): 0.3 s instead of 4 s, spaces in the path allowed, no file of the machine touched.
set -eu
directory=$1
user=$2
tables=/usr/share/mysql
mkdir -p "$directory.tmp"
[ ! -e "$directory" ] || exit 0
rm -rf "$directory.new"
mkdir -p "$directory.new/mysql"
chmod 700 "$directory.new"
{
  echo 'USE mysql;'
  echo 'SET @auth_root_socket=NULL, @skip_auth_anonymous=1;'
  cat "$tables/mysql_system_tables.sql" "$tables/mysql_system_tables_data.sql"
} | mariadbd --no-defaults --bootstrap --user="$user" --datadir="$directory.new" \
  --tmpdir="$directory.tmp" --innodb-flush-method=nosync --innodb-doublewrite=0 \
  --innodb-flush-log-at-trx-commit=0 --innodb-log-file-size=16M --innodb-buffer-pool-size=24M \
  --performance-schema=off --max-allowed-packet=8M --net-buffer-length=16K --log-warnings=0
mv "$directory.new" "$directory"
