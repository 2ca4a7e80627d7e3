#!/bin/sh
# Runs commands, a line of standard input each, as many at a time as there are processors, and prints what each said when
# it is done. Fails if one of them does; no test selected (pytest's 5) is no failure. Plain POSIX, and the -0 and -P of
# every xargs there is.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
one='
log=$(mktemp "$0/log.XXXXXX")
sh -c "$1" >"$log" 2>&1
status=$?
[ $status = 5 ] && status=0
[ $status = 0 ] || : >"$0/failed"
until mkdir "$0/printing" 2>/dev/null; do sleep 1; done
printf "\n$ %s\n" "$1"
cat "$log"
[ $status = 0 ] || echo "ended with $status"
rmdir "$0/printing"
'
tr '\n' '\0' | xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -n 1 sh -c "$one" "$dir"
[ ! -e "$dir/failed" ]
