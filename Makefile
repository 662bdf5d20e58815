# Everything one does with this repository. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The pinned tools: Go ones from tools/go.mod, buf and protoc-gen-es from package.json.
TOOL := go tool -modfile=tools/go.mod
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# As Go sets them, but without -g: debug information is a quarter of the time that SQLite takes to compile.
export CGO_CFLAGS ?= -O2

# The example schemas that `make run` serves. Committed, so that the server needs no Node to start.
SHOP_SCHEMAS := gen/descriptors/shop.v1.binpb

# Without the paths of this machine in the programs, so that a release is the same wherever it is built; everything is compiled like
# that, so that it is compiled once.
export GOFLAGS := -trimpath $(GOFLAGS)

# What people wrote: generators follow rules of their own.
OWN_PACKAGES = $$(go list ./... | grep -vE '/postrider/(gen|ent)(/|$$)') ./ent/schema/... ./ent/migrations/...
# The Go client is a module of its own, which ./... leaves out; from here its packages are named by their import paths.
CLIENT_PACKAGES = github.com/postrider-dev/postrider/client/...

SHOP_SOURCES := $(wildcard examples/shop/*.ts examples/shop/page/* examples/shop/receiver/*) $(wildcard gen/es/shop/v1/*)
BOARD_SOURCES := $(wildcard examples/board/page/* examples/board/backend/*)
CLIENT_SOURCES := web/client/package.json web/client/tsconfig.build.json $(shell find web/client/src -type f -not -path '*/testing/*')
WEB_SOURCES := $(wildcard web/*.html web/*.json web/vite.config.ts) $(shell find web/src web/client/src web/public gen/es -type f)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Build and run

# npm ci only when the lock file has changed since it last ran.
node_modules/.stamp: package-lock.json
	npm ci --no-fund --no-audit
	@touch $@

.PHONY: web
web: web/dist/index.html

web/dist/index.html: node_modules/.stamp $(WEB_SOURCES)
	npm run build --workspace @postrider/web
	@touch $@

# Compiles nearly all that the server consists of and needs no web UI, so that a first build does it while npm downloads.
.PHONY: go-packages
go-packages:
	go build ./server/rpc ./server/stream/websocket ./server/target/nats

.PHONY: build
build: ## Build bin/postrider with the web UI inside
	$(MAKE) --no-print-directory -j2 go-packages web
	go build -ldflags='-s -w' -o bin/postrider ./server/cmd/postrider

.PHONY: run
run: build ## Build all and serve on http://127.0.0.1:8080, data in ./data (POSTRIDER_* override)
	exec bin/postrider serve \
	  --listen "$${POSTRIDER_LISTEN:-127.0.0.1:8080}" \
	  --data "$${POSTRIDER_DATA:-./data}" \
	  --allow-targets "$${POSTRIDER_ALLOW_TARGETS:-127.0.0.0/8,::1/128}" \
	  --schemas "$${POSTRIDER_SCHEMAS:-$(SHOP_SCHEMAS)}"

.PHONY: dev
dev: node_modules/.stamp ## Serve the API and the web UI with hot reload
	npm run dev --workspace @postrider/web & trap 'kill $$!' EXIT; \
	go run ./server/cmd/postrider serve \
	  --listen "$${POSTRIDER_LISTEN:-127.0.0.1:8080}" \
	  --data "$${POSTRIDER_DATA:-./data}" \
	  --allow-targets "$${POSTRIDER_ALLOW_TARGETS:-127.0.0.0/8,::1/128}" \
	  --schemas "$${POSTRIDER_SCHEMAS:-$(SHOP_SCHEMAS)}"

# @postrider/client as npm packs it, which the examples import.
web/client/dist/index.js: node_modules/.stamp $(CLIENT_SOURCES)
	npm run build --workspace @postrider/client
	@touch $@

# The TypeScript parts of the shop; those in Go are built when it starts.
examples/shop/dist/.stamp: web/client/dist/index.js $(SHOP_SOURCES)
	vite build examples/shop/page --outDir ../dist/page --emptyOutDir --logLevel warn
	vite build examples/shop --ssr receiver/main.ts --outDir dist/receiver --logLevel warn
	@touch $@

.PHONY: shop
shop: build examples/shop/dist/.stamp ## Run the example shop: producer, consumer, receiver, page, and a server of its own
	go build -o bin/shop ./examples/shop
	exec bin/shop

# The order board: the page, and the backend that serves it.
examples/board/dist/.stamp: web/client/dist/index.js $(BOARD_SOURCES)
	vite build examples/board/page --outDir ../dist/page --emptyOutDir --logLevel warn
	vite build examples/board --ssr backend/main.ts --outDir dist/backend --logLevel warn
	@touch $@

.PHONY: board
board: build examples/board/dist/.stamp ## Run the live order board, with a server of its own
	exec node examples/board/dist/backend/main.js

.PHONY: demo
demo: node_modules/.stamp ## Publish real webhook payloads to a running server and count what arrives
	node examples/demo/demo.mjs

# The version of a release is given; without one, the files are for a try.
VERSION := v0.0.0-dev
RELEASE := bin/release

.PHONY: release
release: build ## Build bin/release: archive, .deb, checksums and the files of the image: make release VERSION=v1.2.3
	tools/release $(VERSION) $(RELEASE)

# Docker if there is one, or buildah, which needs no daemon.
.PHONY: image
image: release ## Build the container image postrider, with docker or buildah
	if docker info >/dev/null 2>&1; then docker build -t postrider -f deploy/Dockerfile $(RELEASE)/image; \
	else buildah build --format docker -t postrider -f deploy/Dockerfile $(RELEASE)/image; fi

.PHONY: try-release
try-release: build ## Build the release in two folders, compare them, and start the package's program and the image
	tools/with-services buildah -- node tools/try-release.mjs

## Check

# Without PostgreSQL, Chromium or the conformance suite what needs them is skipped with a loud line; with CI=true that
# fails.
.PHONY: test
test: build ## Run every test: Go, TypeScript, browser
	$(MAKE) --no-print-directory --keep-going test-go siege test-web test-browser

# -count=1: the end-to-end tests run bin/postrider, which the test cache knows nothing of. What the durability tests
# counted is printed at the end.
.PHONY: test-go
test-go: build examples/shop/dist/.stamp ## Run the Go tests alone
	@counts=$$(mktemp); status=0; \
	POSTRIDER_TEST_COUNTS=$$counts tools/with-services postgres chromium nginx haproxy conformance -- \
	  $(TOOL) gotestsum --format pkgname -- -count=1 -timeout 20m ./... $(CLIENT_PACKAGES) || status=$$?; \
	cat $$counts; rm -f $$counts; exit $$status

# Compiling seven thousand foreign files shares nothing between goroutines, and would take ten minutes here; the table of
# costly expressions in each place would take five, and one of them is raced in each place by tests of their own.
.PHONY: test-race
test-race: ## Run the Go tests of everything but built programs under the race detector
	tools/with-services postgres -- $(TOOL) gotestsum --format pkgname -- -race -count=1 -timeout 20m -skip '^(TestForeignSchemasRegister$$|TestCostlyExpressions(Of|In))' \
	  $$(go list ./... $(CLIENT_PACKAGES) | grep -vE '/(server/e2e|examples/shop)')

.PHONY: test-conformance
test-conformance: ## Run the Connect conformance suite alone
	tools/with-services conformance -- go test -count=1 -v ./server/e2e/conformance

.PHONY: test-web
test-web: build ## Run the TypeScript tests alone; those of the client use bin/postrider
	npm run test --workspaces --if-present

.PHONY: test-browser
test-browser: build examples/board/dist/.stamp ## Run the browser tests alone, against bin/postrider
	tools/with-services chromium -- bash -c '[ -z "$${POSTRIDER_TEST_CHROMIUM:-}" ] || npm run e2e --workspace @postrider/web'

.PHONY: try-readme
try-readme: ## Follow the steps of the README in a fresh clone of the last commit
	node tools/try-readme.mjs

.PHONY: lint
lint: lint-go lint-proto lint-web ## Run the static checks

.PHONY: lint-go
lint-go: ## vet, staticcheck, gofumpt
	go vet ./... $(CLIENT_PACKAGES)
	$(TOOL) staticcheck $(OWN_PACKAGES) $$(go list $(CLIENT_PACKAGES) | grep -v /client/gen/)
	go mod tidy -diff
	cd client && go mod tidy -diff
	@unformatted=$$($(TOOL) gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

.PHONY: lint-proto
lint-proto: node_modules/.stamp ## buf lint and format
	buf lint
	buf format proto --diff --exit-code

.PHONY: lint-web
lint-web: web/client/dist/index.js ## biome and the TypeScript compiler
	npm run lint --workspaces --if-present
	npm run typecheck --workspaces --if-present
	cd examples && biome check --error-on-warnings .
	tsc -p examples

.PHONY: bench
bench: ## Measure publish and delivery against their limits
	go run ./bench

.PHONY: soak
soak: ## Watch the memory of a server under a steady load for ten minutes: it must be flat after two
	go run ./bench -soak

SIEGE = POSTRIDER_TEST_SIEGE=$(SIEGE_P99) go test -count=1 -v -timeout 10m -run '^TestSiege$$' ./server/e2e
SIEGE_P99 = 250ms

# make test runs it alone, after the Go tests, for it takes all processors.
.PHONY: siege
siege: build ## Attack a server for a minute in every way known to have stopped one, beside a healthy tenant
	$(SIEGE)

.PHONY: bench-short
bench-short: ## Show that every row of the bench runs; its figures mean little
	go run ./bench -short

## Change

.PHONY: gen
gen: node_modules/.stamp ## Generate gen/ and client/gen from proto/, ent/ from ent/schema/
	buf generate
	buf generate --template server/e2e/conformance/buf.gen.yaml
	mkdir -p $(dir $(SHOP_SCHEMAS))
	buf build --path proto/shop --as-file-descriptor-set --output $(SHOP_SCHEMAS)
	$(if $(wildcard ent/generate.go),go generate ./ent)

# Works out the step from the newest migration to ent/schema, for both dialects; writes nothing when there is none.
.PHONY: migrations
migrations: ## Write the migrations for a changed ent/schema: make migrations NAME=add_something
	tools/with-services postgres -- go run ./ent/migrations/diff $(or $(NAME),schema)

.PHONY: fmt
fmt: node_modules/.stamp ## Format Go, Protobuf and TypeScript
	$(TOOL) gofumpt -w .
	buf format proto --write
	npm run fmt --workspaces --if-present
	cd examples && biome check --write .

.PHONY: clean
clean: ## Remove what was built; data stays
	rm -rf bin node_modules web/node_modules web/client/node_modules web/client/dist examples/{shop,board}/dist coverage
	find web/dist -mindepth 1 -not -name .gitkeep -delete 2>/dev/null || true
