#!/bin/bash
# Makes a tree with nothing but the Debian that this machine has, and what the packages depend on, from the mirror that apt uses here.
#
# usage: clean-debian.sh FOLDER
set -eu
tree=$1
[ -e "$tree" ] && exit 0
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk -v suite="$VERSION_CODENAME" '$2 == suite { print $1; exit }')
[ -n "$mirror" ] || { echo "clean-debian: apt has no $VERSION_CODENAME here" >&2; exit 1; }
mkdir -p "$(dirname "$tree")"
rm -rf --one-file-system "$tree.new"
debootstrap --variant=minbase --include=ca-certificates,dbus,libsodium23,libsqlite3-0,libstdc++6,systemd \
    "$VERSION_CODENAME" "$tree.new" "$mirror"
rm -f "$tree.new"/var/cache/apt/archives/*.deb
mv "$tree.new" "$tree"
