#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ends the processes of $SERVICE on this node if they are stopped or gone, so that its supervisor
# starts a fresh one. A process that runs is left alone: slow is not frozen.
#
# The agent gives PANSHI_PID_<SERVICE> for each service of the node.
# panshi-env: SERVICE
set -eu
: "${SERVICE:?name of the service}"
variable=PANSHI_PID_$(printf %s "$SERVICE" | tr 'a-z.-' 'A-Z__')
pid=$(printenv "$variable" || true)
if [ -z "$pid" ] || [ ! -r "/proc/$pid/stat" ]; then
  echo "$SERVICE is not running; its supervisor starts it"
  exit 0
fi
state=$(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat")
if [ "$state" = T ]; then
  echo "$SERVICE (process $pid) is stopped: ending its process group"
  kill -KILL "-$pid"  # no `--`: the built-in kill of dash takes it for a number
else
  echo "$SERVICE (process $pid) is in state $state: left alone"
fi
