#!/bin/sh
# Copies Debian's CPython 3.13 to the prefix $1 and takes back what Debian changes for a system interpreter: pip installs
# into <prefix>/lib/python3.13/site-packages, and nothing is "externally managed". An interpreter finds its prefix by its
# own place, so no path is compiled in.
set -eu
prefix=$1
library=$prefix/lib/python3.13

mkdir -p "$prefix/bin" "$prefix/include" "$prefix/lib" "$prefix/share"
cp -a /usr/bin/python3.13 "$prefix/bin/"
cp -a /usr/lib/python3.13 "$prefix/lib/"
cp -a /usr/include/python3.13 "$prefix/include/"
cp -a /usr/share/python-wheels "$prefix/share/"
# Debian's pyconfig.h only points to the one of the architecture.
for directory in /usr/include/*-linux-gnu*/python3.13; do
    triplet=$(basename "$(dirname "$directory")")
    mkdir -p "$prefix/include/$triplet"
    cp -a "$directory" "$prefix/include/$triplet/"
done
rm -rf "$library/EXTERNALLY-MANAGED" "$library/sitecustomize.py" "$library/test" "$library"/config-3.13-*/*.a
mkdir -p "$library/site-packages"
# The module `site` is compiled into the executable (frozen) and looks for Debian's name only.
rm -rf "$library/dist-packages"
ln -s site-packages "$library/dist-packages"

# Everywhere else Debian asks "is this a virtual environment?" to choose between its layout and the upstream one.
sed -i 's/^    if sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix"):$/    if True:/' "$library/sysconfig/__init__.py"
sed -i 's/^def _ensurepip_is_disabled_in_debian_for_system():$/&\n    return/' "$library/ensurepip/__init__.py"
sed -i "s#'/usr/\(include\|share/python-wheels\)#'$prefix/\1#g" "$library"/_sysconfigdata__linux_*.py

find "$prefix" -name __pycache__ -type d -prune -exec rm -rf {} +
ln -s python3.13 "$prefix/bin/python3"
ln -s python3 "$prefix/bin/python"
"$prefix/bin/python3" -m ensurepip --default-pip
[ "$("$prefix/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" = "$library/site-packages" ]
