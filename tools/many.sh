#!/bin/sh
# Runs commands, a line of standard input each, as many at a time as there are processors, and prints what each said when
# it is done. Fails if one of them does; no test selected (pytest's 5) is no failure.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
one='
log=$(mktemp -p "$0")
sh -c "$1" >"$log" 2>&1
status=$?
[ $status = 5 ] && status=0
exec 9>"$0/lock"
flock 9
printf "\n$ %s\n" "$1"
cat "$log"
[ $status = 0 ] || { echo "ended with $status"; touch "$0/failed"; }
'
xargs -d '\n' -P "$(nproc)" -n 1 sh -c "$one" "$dir"
[ ! -e "$dir/failed" ]
