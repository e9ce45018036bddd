# SPDX-License-Identifier: Apache-2.0
# Shared by the end-to-end tests. Each is called as: TEST BIN_DIR STATE_DIR [ARGUMENT…]
set -euo pipefail

bin=$1
export PANSHI_STATE=$2
shift 2
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

panshi() { "$bin/panshi" "$@"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }


# Those whose turn it is, one of PARTS a day: what takes long is run in parts, and whole at night
# (PANSHI_DAY=all). Another day's part again: PANSHI_DAY=N.
by_turns() {  # by_turns PARTS ITEM…
  local parts=$1; shift
  if [[ ${PANSHI_DAY:-} == all ]]; then printf '%s\n' "$@"; return; fi
  local day=${PANSHI_DAY:-$(($(date +%s) / 86400))}
  printf 'part %d of %d; again with PANSHI_DAY=%d\n' $((day % parts)) "$parts" "$day" >&2
  printf '%s\n' "$@" | awk -v p=$((day % parts)) -v n="$parts" 'NR % n == p'
}

# Every process whose command line or working directory names the state directory.
ours() {
  local pid line
  for pid in $({ grep -lsF -- "$PANSHI_STATE" /proc/[0-9]*/cmdline
                 find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$PANSHI_STATE*" 2>/dev/null; } |
               cut -d/ -f3 | sort -un); do
    [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
    line=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c1-120) || continue  # gone by now
    # The test's own command line names the state directory too.
    [[ $line == *tests/e2e/* ]] || printf '%s %s\n' "$pid" "$line"
  done
}

# Listening sockets on 127.SECOND.*.* (the lab's network), from the kernel's table.
listening() {  # listening SECOND_OCTET
  local hex; hex=$(printf '%02X7F' "$1")
  awk -v suffix="$hex" '$4 == "0A" { split($2, a, ":"); if (substr(a[1], 5) == suffix) print $2 }' /proc/net/tcp
}

nothing_left() {  # nothing_left SECOND_OCTET
  local left; left=$(ours)
  [[ -z $left ]] || fail "still running:"$'\n'"$left"
  left=$(listening "$1")
  [[ -z $left ]] || fail "still listening on 127.$1: $left"
}

no_incident() {  # at most a minute: a drill wants a shop that is well
  local _
  for _ in $(seq 600); do
    panshi incident list --json | jq -e '[.incidents[] | select(.closed_us == null)] | length == 0' >/dev/null && return
    sleep 0.1
  done
  fail "still open: $(panshi incident list)"
}

api() {  # api PATH: what the lab's controller answers
  local lab=$PANSHI_STATE/lab.json
  curl -fsS --max-time 5 --cacert "$(jq -r .authority "$lab")" -H "authorization: Bearer $(cat "$(jq -r .controller_token_file "$lab")")" \
    "$(jq -r .controller_url "$lab")/api/v1/$1"
}

show_logs() {
  local log seq
  if seq=$(api status 2>/dev/null | jq .journal_seq); then
    printf -- '--- the last 60 events\n' >&2
    api "events?after=$((seq > 60 ? seq - 60 : 0))&limit=60" |
      jq -r '.events[] | "\(.at_us / 1e6) \(.kind) \(.node) \(.data | tojson | .[:160])"' >&2 || true
  fi
  for log in "$PANSHI_STATE"/logs/*.log "$PANSHI_STATE"/nodes/*/logs/*.log; do
    [[ -f $log ]] || continue
    printf -- '--- %s\n' "$log" >&2
    tail -n 5 "$log" >&2
  done
}
