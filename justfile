# The recipes of this repository. `just` lists them.

[private]
default:
    @just --list --unsorted

# Start a demo: `just run axum`
[group('serve')]
run framework *args:
    cargo run -p demo-{{framework}} -- {{args}}

# Serve the four demos at once on ports 8080 to 8083, each started again when an edit changes it; one Ctrl-C ends all
[group('serve')]
dev-all *args:
    cargo run -q -p hotrun -- -c .hotrun.all.toml {{args}}

# Check the configuration and the templates without serving
[group('serve')]
check *args:
    cargo run -q -p demo-axum -- --check {{args}}

# Print the JSON Schema of the configuration
[group('serve')]
schema:
    cargo run -q -p demo-axum -- --schema

# Run the quick tier of the tests
[group('check')]
test *args:
    cargo test --workspace {{args}}

# Run both tiers: also the fault matrix, storms, restarts and browsers, and every claim on all four demos
[group('check')]
test-full *args:
    TEST_TIER=full cargo test --workspace {{args}}

# Run the whole black-box suite against one demo: `just conform axum`
[group('check')]
conform framework *args:
    TEST_TIER=full cargo test -p demo-{{framework}} --test conformance -- {{args}}

# Save a file 140,000 times in the worst ways: neither filewatch nor a demo may publish a torn text (`just torture --in-place 4000 --by-rename 3000` is quicker)
[group('check')]
torture *args:
    cargo build -q --release -p filewatch --example follow
    cargo build -q --release -p bench -p demo-axum
    target/release/bench torture target/release/examples/follow --server target/release/demo-axum --disk target {{args}}

# Fuzz a target for some seconds, guided by coverage: `configuration`, `parsers` or `answers`
[group('check')]
fuzz target='configuration' seconds='600':
    mkdir -p target/fuzz/corpus/{{target}}
    cd fuzz && CARGO_TARGET_DIR=../target/fuzz RUSTFLAGS="{{coverage}}" cargo build --release --target {{arch()}}-unknown-linux-gnu --bin {{target}}
    cd target/fuzz && {{arch()}}-unknown-linux-gnu/release/{{target}} -dict=../../fuzz/words.dict -max_len=65536 -rss_limit_mb=512 -timeout=20 -max_total_time={{seconds}} corpus/{{target}} ../../fuzz/seeds/{{target}}

# The instrumentation that `cargo fuzz` asks for, on stable Rust
[private]
coverage := "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"

# Start the four demos and open a page that shows them side by side
[group('compare')]
compare *args:
    cargo run -p compare -- {{args}}

# Write that page as static files: `just export /tmp/page`
[group('compare')]
export dir *args:
    cargo run -p compare -- export {{dir}} --release {{args}}

# Restart servers with hotrun under load, in each socket mode: no request may fail
[group('check')]
restarts count='100':
    HOTRUN_RESTARTS={{count}} TEST_TIER=full cargo test -p hotrun --test it no_request_fails

# Compare hotrun with the runners in a folder: watchexec, cargo-watch, bacon, air
[group('compare')]
runners tools *args:
    cargo build -q --release -p bench -p hotrun
    cp target/release/hotrun {{tools}}/hotrun
    target/release/bench runners {{tools}} {{args}}

# Show the differences between two demos: `just diff axum poem`
[group('compare')]
diff one other:
    @git diff --no-index --minimal crates/demo-{{one}}/src crates/demo-{{other}}/src || true

# Count each demo's lines of code, and for each pair the lines that differ
[group('compare')]
likeness:
    #!/usr/bin/env bash
    set -euo pipefail
    all=(axum actix-web warp poem)
    for one in "${all[@]}"; do
        printf '%-24s %s lines of code\n' "$one" "$(cat crates/demo-$one/src/*.rs | grep -cvE '^\s*(//.*)?$')"
    done
    for one in 0 1 2; do for other in $(seq $((one + 1)) 3); do
        (git diff --no-index --numstat "crates/demo-${all[one]}/src" "crates/demo-${all[other]}/src" || true) |
            awk -v pair="${all[one]} ${all[other]}" '{ add += $1; del += $2 } END { printf "%-24s %d\n", pair, (add > del ? add : del) }'
    done; done

# Record the answers that all demos must give, from demo-axum: `crates/conformance/src/cases/parity.txt`
[group('check')]
record-parity:
    RECORD_PARITY=1 cargo test -p demo-axum --test conformance -- parity

# Time a cold debug build of demo-axum, in an empty target folder: `just bench-build --features remote` with the remote sources
[group('measure')]
bench-build *args:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo fetch --locked
    empty=$(mktemp -d)
    trap 'rm -rf "$empty"' EXIT
    time CARGO_TARGET_DIR=$empty cargo build --offline -p demo-axum {{args}}
    echo "crates: $(cargo tree -p demo-axum {{args}} -e normal,build --prefix none --no-dedupe | sed 's/ (proc-macro)$//; s/ (.*)$//' | sort -u | wc -l)"

# Measure the time from the end of a save to the first answer that shows it: `just bench-save axum`
[group('measure')]
bench-save framework *args:
    cargo build --release -p demo-{{framework}} -p bench
    target/release/bench save-to-served target/release/demo-{{framework}} {{args}}

# Measure settings from files of each format and from etcd: time to served, memory, size; an attempt beside the bare YAML parser
[group('measure')]
bench-settings *args:
    cargo build -q --release -p bench -p demo-axum
    cp target/release/demo-axum target/release/demo-axum-plain
    cargo build -q --release -p demo-axum --features remote
    target/release/bench settings target/release/demo-axum --plain target/release/demo-axum-plain {{args}}
    cargo run -q --release -p configs --example large_file >&2

# Replace, upgrade, move and reload a demo under load, 200 times each, and count lost requests: `just soak axum`
[group('measure')]
soak framework *args:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release -p demo-{{framework}} -p bench
    peer=()
    if command -v go >/dev/null; then
        (cd crates/bench/peers/tableflip && go build -o ../../../../target/release/peer-tableflip .)
        peer=(--peer target/release/peer-tableflip)
    else
        echo 'SKIPPED: the peer on tableflip needs go' >&2
    fi
    target/release/bench soak target/release/demo-{{framework}} "${peer[@]}" {{args}}

# Measure the cost of reading a live value
[group('measure')]
bench-load:
    cargo run --release -p filewatch --example load_cost

# Measure the time from the end of a save to its publication, on idle and busy cores, by bytes, files, templates and subscribers
[group('measure')]
bench-watch *args:
    cargo build -q --release -p filewatch -p configs -p views --example follow --example subscribers --example pages
    cargo build -q --release -p bench
    target/release/bench watch target/release/examples/follow --subscribers target/release/examples/subscribers --pages target/release/examples/pages --disk target {{args}}

# Measure the cost of an idle demo
[group('measure')]
bench-idle framework='axum' *args:
    cargo build -q --release -p bench -p demo-{{framework}}
    target/release/bench idle target/release/demo-{{framework}} {{args}}

# Measure the database pool, the plugin and the debug routes: in use, at a swap, and unused (about two minutes after the builds)
[group('measure')]
bench-live-parts *args:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --release -p demo-axum --no-default-features
    cp target/release/demo-axum target/release/demo-axum-without
    cargo build --release -p bench -p demo-axum
    cargo build --release -p demo-axum --example axum_database
    cargo build --release -p plugins --example greeter
    target/release/bench live-parts target/release/demo-axum --without target/release/demo-axum-without --bare target/release/examples/axum_database --plugin target/release/examples/libgreeter.so {{args}}

# Measure the demos and their Go counterparts in turn, in one run (about 40 minutes; `just bench --only load,latency` a part of it)
[group('measure')]
bench *args: bench-programs
    #!/usr/bin/env bash
    set -euo pipefail
    ulimit -n "$(ulimit -Hn)"
    target/release/bench servers {{args}}

# The same in about two minutes, into target/bench-quick
[group('measure')]
bench-quick *args: bench-programs
    #!/usr/bin/env bash
    set -euo pipefail
    ulimit -n "$(ulimit -Hn)"
    target/release/bench servers --quick --results target/bench-quick/bench.json {{args}}

# Build the programs that `just bench` measures and uses
[private]
bench-programs:
    #!/usr/bin/env bash
    set -euo pipefail
    for program in go wrk oha; do
        command -v "$program" >/dev/null || { echo "\`$program\` is missing: Go from go.dev, \`apt-get install wrk\`, \`cargo install --locked oha\`" >&2; exit 1; }
    done
    demos=(-p demo-axum -p demo-actix-web -p demo-warp -p demo-poem)
    cargo build --release "${demos[@]}" -p bench -p hotrun
    cargo build --release "${demos[@]}" --examples
    mkdir -p target/peers
    (cd crates/bench/peers/go && go build -ldflags=-s -o ../../../../target/peers/ ./gin ./echo ./fiber ./goframe ./bare)
    [ -x target/peers/air ] || GOBIN=$PWD/target/peers go install github.com/air-verse/air@v1.67.4

# Run everything that must hold before a change lands
[group('check')]
ci:
    .ci/run
