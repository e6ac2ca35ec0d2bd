# The Debian packages the commands need, and a way to get them. Sourced, not run.

packages_quickstart="gcc libc6-dev cmake ninja-build pkg-config libck-dev libssl-dev python3"
packages_check="$packages_quickstart libcmocka-dev libpng-dev g++ clang libclang-rt-14-dev openssl"
packages_aarch64="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
packages_check_all="$packages_check valgrind gdb abigail-tools $packages_aarch64"
packages_dev="clang-format git g++ clang mandoc groff"
packages_debian="debhelper dpkg-dev fakeroot lintian man-db"
packages_rust="cargo rustc librust-futures-util-dev librust-rayon-dev librust-tokio-dev"
packages_report="gnuplot-nox"
packages_peers="g++ clang libtbb-dev libomp-dev golang-go python3 openssl $packages_rust"

# need_packages NAME... - install those that are missing. Calls nothing but dpkg-query when none is.
need_packages() {
        local missing=() name sudo=
        for name in "$@"; do
                dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
        done
        [ ${#missing[@]} -gt 0 ] || return 0
        [ "$(id -u)" -eq 0 ] || sudo=sudo
        echo "Installing with apt-get: ${missing[*]}"
        $sudo apt-get update -q >&2
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2
}
