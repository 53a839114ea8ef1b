#!/bin/sh
# Checks ports in other languages with one archive, each with its own test runner and without Node. Needs Node once, to
# write the archive; then python3 for pytest, cargo, go, g++ (with python3 and go, which bring ONNX Runtime): what is
# missing is said and left out. Writes into a temporary folder only.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
(cd "$here/../../.." && npm run -s pag -- export --all "$work/kit.tar.gz")
tar xzf "$work/kit.tar.gz" -C "$work"
export KIT="$work/pag-kit"
failed=''
has() { command -v "$1" > /dev/null || { echo "$1 is missing: left out"; return 1; }; }

if has python3; then
  python3 -m venv "$work/python"
  "$work/python/bin/pip" install -q -r "$here/pytest/requirements.txt"
  "$work/python/bin/python" -m pytest -q -p no:cacheprovider "$here/pytest" || failed="$failed pytest"
fi
if has go; then
  (cd "$here/go" && GOCACHE="$work/go" go test ./...) || failed="$failed go"
  # A mistake must fail.
  if (cd "$here/go" && MISTAKE=1 GOCACHE="$work/go" go test -run Mistake ./... > /dev/null); then
    failed="$failed go-mistake"
  fi
fi
if has cargo; then
  (cd "$here/rust" && CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$work/target}" cargo test -q --locked) ||
    failed="$failed cargo"
fi
if has g++ && has go && has python3; then
  # The library comes with the wheel for Python, the header of its C API with a module for Go.
  python3 -m pip download -q --no-deps -d "$work/wheel" --python-version 3.12 --only-binary=:all: onnxruntime==1.32.0
  python3 -m zipfile -e "$work/wheel/"*.whl "$work/wheel"
  ln -s "$work/wheel/onnxruntime/capi/libonnxruntime.so.1.32.0" "$work/wheel/libonnxruntime.so.1"
  (cd "$work" && GOMODCACHE="$work/modules" go mod download github.com/yalue/onnxruntime_go@v1.27.0)
  g++ -std=c++17 -O1 -Wall -Wextra -I "$work/modules/github.com/yalue/onnxruntime_go@v1.27.0" "$here/cpp/main.cpp" \
    "$work/wheel/libonnxruntime.so.1" -Wl,-rpath,"$work/wheel" -o "$work/cpp"
  "$work/cpp" || failed="$failed cpp"
fi
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
echo 'all that could be run is as expected'
