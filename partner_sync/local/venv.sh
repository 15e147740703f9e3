#!/bin/sh
# Makes .venv in the current folder, or updates it to requirements-dev.txt, requirements.txt and constraints.txt. Prints
# nothing if it is up to date.
#
#   venv.sh [FOLDER [REQUIREMENTS...]]     makes another folder, from other requirements files
#
# PYTHON names the Python to use; the default is the first Python from 3.10 to 3.13. Installs with uv if there is uv, else
# with pip. Writes to that folder only, and downloads from the package index only.
set -eu

venv=${1-.venv}
[ $# -gt 1 ] && shift || set -- requirements-dev.txt
stamp=$venv/made-from
log=$venv/install.log
included=$(sed -n 's/^-r //p' "$@")
wanted=$(cat "$@" $included constraints.txt | cksum)
requirements=''
for file in "$@"; do requirements="$requirements -r $file"; done
uv=$(command -v uv || true)

say() { printf '%s\n' "$*"; }
fail() {
    say "$*" >&2
    exit 1
}

# Whether $1 runs, and is a version that Airflow runs on.
fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }
# Whether $1 can make environments. Debian has a separate package for that.
makes_venvs() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; }
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    [ -z "${PYTHON-}" ] && exit 0
    [ "$(version "$PYTHON")" = "$(version "$venv/bin/python")" ] && exit 0
fi

# -- which Python -------------------------------------------------------------------------------------------

python='' without_venv='' seen=''
if [ -n "${PYTHON-}" ]; then
    seen=$(version "$PYTHON")
    [ -n "$seen" ] || fail "PYTHON=$PYTHON does not run. Name a Python from 3.10 to 3.13, or leave PYTHON out."
    fits "$PYTHON" || fail "PYTHON=$PYTHON is Python $seen; Partner Sync needs Python 3.10 to 3.13."
    candidates=$PYTHON
else
    candidates='python3 python3.13 python3.12 python3.11 python3.10 python'
fi
for candidate in $candidates; do
    found=$(version "$candidate")
    [ -n "$found" ] || continue
    seen=${seen:-$found}
    fits "$candidate" || continue
    if [ -n "$uv" ] || makes_venvs "$candidate"; then
        python=$candidate
        break
    fi
    without_venv=${without_venv:-$found}
done

if [ -z "$python" ] && [ -n "$uv" ]; then # uv may know a Python that is not on the PATH
    python=$(UV_PYTHON_DOWNLOADS=never uv python find --no-project '>=3.10,<3.14' 2>/dev/null) || python=''
fi
if [ -z "$python" ] && [ -n "$without_venv" ]; then
    fail "Python $without_venv cannot make environments. Install its venv package (Debian, Ubuntu: apt install" \
        "python$without_venv-venv), or uv."
fi
[ -n "$python" ] || fail "Partner Sync needs Python 3.10 to 3.13; found ${seen:-none}. Install Python, or name it:" \
    "make PYTHON=/path/to/python3.12 run."

# -- the environment ----------------------------------------------------------------------------------------

if [ -e "$venv" ] && ! { fits "$venv/bin/python" && [ "$(version "$venv/bin/python")" = "$(version "$python")" ]; }; then
    [ -f "$venv/pyvenv.cfg" ] || fail "$venv exists, but is not a Python environment. Move it away."
    rm -rf "$venv"
fi
if [ ! -e "$venv" ]; then
    mkdir -p "$venv" 2>/dev/null || fail "$venv cannot be made: ${PWD} is read-only. Name two writable folders:" \
        "make VENV=/tmp/partner-sync/venv PARTNER_SYNC_HOME=/tmp/partner-sync/home run."
    rmdir "$venv"
    if [ -n "$uv" ]; then
        UV_PYTHON_DOWNLOADS=never uv venv --quiet --no-project --python "$python" "$venv"
    else
        "$python" -m venv "$venv"
    fi
fi
rm -f "$stamp"

# -- its packages ----------------------------------------------------------------------------------------------

if [ -n "$uv" ]; then
    with=uv
    [ -n "${HOME-}${UV_CACHE_DIR-}" ] || export UV_CACHE_DIR="$PWD/$venv/cache"
    set -- uv pip install --python "$venv/bin/python" --compile-bytecode $requirements
else
    with=pip
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    set -- "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off $requirements
fi

# The progress of the installer, by its log.
how_far() {
    if grep -q '^Installing collected' "$log"; then
        printf 'unpacking and compiling'
    elif collected=$(grep -c '^Collecting' "$log"); then
        printf '%s packages fetched' "$collected"
    else
        printf 'working'
    fi
}

# Runs the installer: its output goes to the log, ours to the screen.
install() {
    "$@" >"$log" 2>&1 &
    installer=$!
    trap 'kill $installer 2>/dev/null || true; say; exit 130' INT TERM HUP
    if [ -t 1 ]; then
        while kill -0 $installer 2>/dev/null; do
            printf '\r%s: %s, %s s   ' "$head" "$(how_far)" $(($(date +%s) - begun))
            sleep 0.5
        done
        printf '\r%79s\r' ''
    fi
    wait $installer
}

# What pip and uv write when no package index responds; pip ends with "conflicting dependencies" then.
offline='connection broken by|Max retries exceeded|dns error|error sending request|Failed to fetch|Could not connect'

head="Installing into $venv, Python $(version "$venv/bin/python"), with $with"
begun=$(date +%s)
[ -t 1 ] || say "$head (a minute or two with pip, seconds with uv)"
if ! install "$@"; then
    # uv trusts its own list of certificates; behind a company's proxy, the system's list is the right one.
    if [ $with != uv ] || ! grep -q certificate "$log" || ! UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 install "$@"; then
        if grep -qE "$offline" "$log"; then
            fail "The package index cannot be reached. Check the network, or name your own index in" \
                "PIP_INDEX_URL (pip) or UV_DEFAULT_INDEX (uv). Details are in $log."
        fi
        grep -iE '^ *(error|cause|×|╰|.*could not)' "$log" | tail -n 3 >&2 || tail -n 3 "$log" >&2
        fail "Installing failed. The output of $with is in $log; the next make tries again."
    fi
fi
trap - INT TERM HUP
printf '%s' "$wanted" >"$stamp"
say "$head: done in $(($(date +%s) - begun)) s"
