#!/usr/bin/env bash
# The porter's trial: a port in NumPy, right and with three mistakes planted, checked with the golden oracle.
# Prints the transcript that stands in transcript.md. Needs Python with NumPy.
set -uo pipefail
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pag() { npm run -s pag -- "$@"; }

# The table of taps, as far as its ninth row.
shortened='
/^tap +status/ { table = 1; rows = 0 }
table && ++rows > 9 { if (/^$/) { table = 0; print "…" } else next }
{ print }'

# What is typed, what comes out (the paths and the table of taps cut short), and the status.
step() {
  printf '\n$ %s\n' "$(sed "s|$work/||g" <<< "$*")"
  "$@" 2>&1 | sed "s|$work/||g" | sed '/^  not compared/s/,.*/, …/' | awk "$shortened" | cut -c1-240
  printf 'status %s\n' "${PIPESTATUS[0]}"
}

for name in unets/tiny runs/pag; do
  short=${name##*/}
  pag export "$name" "$work/$short" > /dev/null
  step python3 scripts/oracle/porter/port.py "$work/$short" "$work/$short.safetensors"
  step pag check "$name" "$work/$short.safetensors"
done
for planted in "tiny scale" "tiny residual" "pag guide" "pag scale residual guide"; do
  set -- $planted
  short=$1; shift
  name=$([ "$short" = tiny ] && echo unets/tiny || echo runs/pag)
  options=(); for mistake in "$@"; do options+=(--plant "$mistake"); done
  step python3 scripts/oracle/porter/port.py "$work/$short" "$work/wrong.safetensors" "${options[@]}"
  step pag check "$name" "$work/wrong.safetensors"
done
