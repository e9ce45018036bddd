# SPDX-License-Identifier: Apache-2.0
# Sourced by make-datadir.sh and mariadb.sh, with $directory and $account: what is around the data of
# a MariaDB server. Puts the options that name it before those in "$@"; sets $owner for chown and
# install, which is empty but for root.
#
#   data tmp   the account's alone. A server that starts removes the temporary tables it finds in its
#              tmp, and in /tmp those are another server's, in use
#   none       the only folder for INTO OUTFILE, LOAD DATA and LOAD_FILE(): empty, nobody may write there
#   etc share  the names and texts that a server needs which root starts: it shuts itself in $directory
#              (--chroot) before it becomes the account, so it needs no way to there, and whatever it is
#              talked into stays in there. They are root's: by etc/passwd it knows who to become
owner=''
at=$directory
if [ "$(id -u)" -eq 0 ] && [ "$(id -u "$account")" -ne 0 ]; then
  account=$(id -un "$account")
  owner=$(id -u "$account"):$(id -g "$account")
  at=''
  install -d -m 755 -o root -g root "$directory" "$directory/etc" "$directory/share/english"
  printf '%s:x:%s::/:/bin/false\n' "$account" "$owner" >"$directory/etc/passwd"
  cp /usr/share/mysql/english/errmsg.sys "$directory/share/english/"
  set -- "--chroot=$directory" --lc-messages-dir=/share "$@"
else
  mkdir -p "$directory"
fi
own() {  # own FOLDER…: the account's alone, made when absent
  install -d -m 700 "$@"
  [ -z "$owner" ] || [ "$(stat -c %u:%g "$1")" = "$owner" ] || chown -Rh "$owner" "$@"
}
own "$directory/tmp"
install -d -m 555 "$directory/none"
set -- "--user=$account" "--tmpdir=$at/tmp" "--secure-file-priv=$at/none" --local-infile=0 "$@"
