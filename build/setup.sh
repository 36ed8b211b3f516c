# Sets the machine up for Leith: tools, packages, plotly.js, the build. Sourced by ./run and ./test, from the root of the repository.
# Quick when nothing has changed; needs a network only when packages are missing.

say() { printf 'leith: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 2
}

# install_debian COMMAND PACKAGE...: the packages, unless the command is there.
install_debian() {
    local command=$1
    shift
    command -v "$command" >/dev/null 2>&1 && return 0
    local prefix=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
            prefix=(sudo)
        else
            say "'$command' is missing. Run this once, then try again:  sudo apt-get install -y $*"
            return 1
        fi
    fi
    command -v apt-get >/dev/null 2>&1 || { say "'$command' is missing and there is no apt-get; install $* by hand."; return 1; }
    say "installing $*"
    { "${prefix[@]}" apt-get install -y --no-install-recommends "$@" ||
        { "${prefix[@]}" apt-get update && "${prefix[@]}" apt-get install -y --no-install-recommends "$@"; }; } >"$log" 2>&1 ||
        { say "could not install $*; the end of $log says:"; tail -5 "$log" >&2; return 1; }
}

# quietly WHAT COMMAND...: the command with its output in the log; on failure its end is shown.
quietly() {
    local what=$1
    shift
    say "$what"
    "$@" >"$log" 2>&1 || { say "$what: failed. The end of $log says:"; grep -E 'error|warning' "$log" | sort -u | tail -15 >&2; tail -5 "$log" >&2; exit 2; }
}

# The feed is asked of the machine, so that no address stands in the repository.
package_feed() {
    [ -n "${NUGET_FEED:-}" ] && return 0
    NUGET_FEED=$(dotnet nuget list source --format short | awk '$1 ~ /^E/ { print $2; exit }')
    [ -n "$NUGET_FEED" ] || fail "expected a NuGet source on this machine (dotnet nuget list source), got none; add one with dotnet nuget add source."
    export NUGET_FEED
}

# changed STAMP PATH...: whether a file under the paths is newer than the stamp, or the stamp is missing.
changed() {
    local stamp=$1
    shift
    [ -f "$stamp" ] && [ -z "$(find "$@" -newer "$stamp" -type f -print -quit 2>/dev/null)" ] && return 1
    return 0
}

# Paket rewrites project files in its own style; ours come back, whether it succeeds, fails or is interrupted.
resolve() (
    keep=$(mktemp -d) || fail "expected a temporary folder, got none; set TMPDIR to a folder that can be written."
    projects=(src/*/*.csproj src/*/*.fsproj tests/*.fsproj benchmarks/*/*.csproj Experiments.sln)
    tar cf "$keep/projects.tar" $(ls "${projects[@]}" 2>/dev/null) || fail "expected project files that can be read under src and tests, got an error; check out the repository again."
    trap 'tar xf "$keep/projects.tar"; rm -rf "$keep"' EXIT
    trap 'exit 2' INT TERM
    quietly "resolving packages" dotnet paket install
)

packages() {
    changed artifacts/.packages paket.dependencies package.json .config/dotnet-tools.json src/*/paket.references tests/paket.references benchmarks/*/paket.references || return 0
    package_feed
    quietly "restoring tools" dotnet tool restore
    resolve || exit 2
    install_debian npm nodejs npm || exit 2
    quietly "fetching plotly.js" npm install --no-audit --no-fund --no-package-lock
    touch artifacts/.packages
}

build() {
    changed artifacts/.built src Directory.Build.props paket.dependencies || return 0
    quietly "building" dotnet build src/Dsl/Leith.fsproj -c Release -v quiet --nologo
    touch artifacts/.built
}

setup() {
    mkdir -p artifacts
    log=artifacts/setup.log
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
    command -v dotnet >/dev/null 2>&1 || fail "expected the .NET 10 SDK (dotnet) on this machine, found none; install dotnet-sdk-10.0 and try again."
    packages
    build
}

# libtorch where CMake can find it, and its binding in artifacts/torch; built again when its sources or CMAKE_PREFIX_PATH have changed.
with_torch() {
    local found=(/usr/lib/*/cmake/Torch/TorchConfig.cmake) built=artifacts/torch/libleith_torch.so from=artifacts/torch/.prefix
    if [ -n "${CMAKE_PREFIX_PATH:-}" ]; then
        install_debian cmake cmake && install_debian g++ g++ || exit 2
    elif [ ! -f "${found[0]}" ] || ! command -v cmake >/dev/null 2>&1 || ! command -v g++ >/dev/null 2>&1; then
        install_debian libtorch cmake g++ libtorch-dev libopenblas0-pthread || exit 2
    fi
    [ -f "$from" ] && [ "$(cat "$from")" = "${CMAKE_PREFIX_PATH:-}" ] || rm -rf artifacts/torch
    changed "$built" src/Torch/native || return 0
    quietly "configuring the binding to libtorch" cmake -S src/Torch/native -B artifacts/torch
    quietly "building the binding to libtorch (a minute)" cmake --build artifacts/torch
    touch "$built"
    printf '%s' "${CMAKE_PREFIX_PATH:-}" >"$from"
}
