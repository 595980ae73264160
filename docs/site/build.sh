#!/usr/bin/env bash
# The documentation as a site: build/docs/site/index.html. Links and anchors are checked; one that leads nowhere ends it.
#   docs/site/build.sh [FROZENTL]
set -euo pipefail
cd "$(dirname "$0")/../.."
frozentl=${1:-build/release/train/frozentl}
here=docs/site venv=build/docs/venv
[ -x "$frozentl" ] || { echo "docs: $frozentl is missing: 'make build' first" >&2; exit 1; }
if ! cmp -s $here/requirements.txt $venv/.requirements; then
  echo "docs: MkDocs into $venv"
  mkdir -p build/docs
  python3 -m venv $venv
  $venv/bin/python -m pip install --quiet --disable-pip-version-check -r $here/requirements.txt </dev/null
  cp $here/requirements.txt $venv/.requirements
fi
python3 $here/assemble.py "$frozentl" build/docs/pages
$venv/bin/mkdocs build --strict --config-file $here/mkdocs.yml
echo "docs: build/docs/site/index.html"
