#!/bin/sh
# Lighthouse on pages of a running site: the median of three runs, phone and desktop. Not part of any suite, for it wants npm.
# usage: scripts/lighthouse.sh http://localhost:8000 / /pricing /dfy-agreement
set -eu
site=$1; shift
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
CHROME_PATH=${CHROME_PATH:-$(command -v chromium || command -v google-chrome)}; export CHROME_PATH
flags="--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
for path in "$@"; do
    for kind in mobile desktop; do
        preset=; [ "$kind" = desktop ] && preset=--preset=desktop
        for run in 1 2 3; do
            # On a busy machine Chromium sometimes records no trace at all; a run without a figure is made again, twice at most.
            try=1
            until npx --yes lighthouse@12.8.2 "$site$path" $preset --quiet --output=json --chrome-flags="$flags" \
                --only-categories=performance,accessibility,best-practices,seo --output-path="$out/$run.json"; do
                [ "$try" -lt 3 ] || exit 1
                try=$((try + 1))
            done
        done
        node -e '
            const runs = [1, 2, 3].map((n) => require(`${process.argv[1]}/${n}.json`));
            const median = (pick) => runs.map(pick).sort((a, b) => a - b)[1];
            const scores = Object.keys(runs[0].categories).map((id) => `${id} ${Math.round(100 * median((r) => r.categories[id].score))}`);
            const figure = (id) => median((r) => r.audits[id].numericValue);
            const kb = (figure("total-byte-weight") / 1000).toFixed(1), lcp = Math.round(figure("largest-contentful-paint"));
            console.log(`${process.argv[2]} ${process.argv[3]}: ${scores.join(", ")}; ${kb} kB, LCP ${lcp} ms, CLS ${figure("cumulative-layout-shift").toFixed(3)}`);
            const failed = Object.values(runs[0].audits).filter((a) => a.score !== null && a.score < 0.9 && a.scoreDisplayMode !== "informative" && a.scoreDisplayMode !== "metricSavings");
            failed.forEach((a) => console.log(`  below 0.9: ${a.id}${a.displayValue ? " (" + a.displayValue + ")" : ""}`));
        ' "$out" "$path" "$kind"
    done
done
