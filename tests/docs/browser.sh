#!/usr/bin/env bash
# The site as docs/site/build.sh makes it, looked at by docs/site/look.py: browser.sh FROZENTL PICTURES. Skipped without chromium.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in "${CHROMIUM:-chromium}" chromium-browser google-chrome ""; do
  [ -n "$program" ] || { echo 'skipped: there is no chromium to look at the site with (apt-get install chromium)'; exit 77; }
  ! command -v "$program" >/dev/null || break
done
docs/site/build.sh "$1" >"$2.log" 2>&1 || { tail -n 20 "$2.log"; exit 1; }
exec docs/site/look.py build/docs/site "$2"
