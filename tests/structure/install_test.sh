#!/usr/bin/env bash
# install_test.sh BUILD_DIR CONSUMER_DIR: installs a build into a folder of its
# own, builds a program against it as a user would, and runs both programs.
set -euo pipefail
build_dir=$1
consumer_dir=$2

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

DESTDIR='' cmake --install "$build_dir" --prefix "$place/torc" >"$place/log"
for file in include/torc/core/types.hpp bin/torc etc/torc/torc.toml \
  lib/systemd/system/torc.service lib/sysusers.d/torc.conf; do
  if [[ ! -e "$place/torc/$file" ]]; then
    echo "not installed: $file"
    cat "$place/log"
    exit 1
  fi
done

cmake -G Ninja -S "$consumer_dir" -B "$place/build" \
  -DCMAKE_PREFIX_PATH="$place/torc" -DCMAKE_BUILD_TYPE=Release
cmake --build "$place/build"
"$place/build/consumer"
"$place/torc/bin/torc" version

# The configuration is one that a node takes, and what its comments call the
# defaults are the defaults.
head -c 32 /dev/urandom | base64 >"$place/secret"
chmod 600 "$place/secret"
sed "s#/etc/torc/secret#$place/secret#" "$place/torc/etc/torc/torc.toml" \
  >"$place/as_installed.toml"
sed -E -e '/^# \[tls\]/,/^$/d' -e 's/^# ([a-z_]+ = )/\1/' \
  "$place/as_installed.toml" >"$place/with_defaults.toml"
for name in as_installed with_defaults; do
  "$place/torc/bin/torc" node --config "$place/$name.toml" --check \
    >"$place/$name.shown"
done
diff "$place/as_installed.shown" "$place/with_defaults.shown"
