# Everything the house can do: make help. Only Go is needed, unless a target says otherwise.

GO           ?= go
BIN          ?= bin
FUZZTIME     ?= 10s
TEST_TIMEOUT ?= 20m
IMAGE        ?= keyholder
DOCKER       ?= docker
VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS      := -s -w -X main.release=$(VERSION)

# The same names in the same order as the tests look for; the first one found is used.
BROWSERS := headless_shell headless-shell chromium chromium-browser google-chrome google-chrome-stable google-chrome-beta google-chrome-unstable

.DEFAULT_GOAL := help
.PHONY: help demo build dist test lint bench fuzz pictures docker clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## Try Keyholder in a browser, with a Slack, an integrator.io and a Redis inside (more: ARGS=--help)
	$(GO) run ./cmd/keyholder-demo $(ARGS)

build: ## Build both programs into bin/, static and stripped
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/keyholder ./cmd/keyholder
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o $(BIN)/keyholder-demo ./cmd/keyholder-demo

# Nothing of the machine, the folder or the copy of Git is in the file, so the same Go makes the same bytes of the same source.
dist: ## Build keyholder for GOOS and GOARCH into dist/, as releases are: make dist GOOS=linux GOARCH=arm64 VERSION=v1.0.0
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "$(LDFLAGS)" -o dist/keyholder-$$($(GO) env GOOS)-$$($(GO) env GOARCH) ./cmd/keyholder

# What a machine lacks is left out and said at the end. With KEYHOLDER_REQUIRE_ALL=1 a lack is a failure: so it runs in CI.
test: lint ## Run lint and every test with the race detector (KEYHOLDER_REQUIRE_ALL=1: nothing may be left out)
	@lacks=''; race=-race; \
	command -v redis-server >/dev/null 2>&1 || \
		lacks="$$lacks|redis-server is not in PATH: nothing was tried on a real Redis (miniredis stood in)"; \
	browser=''; for b in $(BROWSERS); do command -v $$b >/dev/null 2>&1 && browser=$$b && break; done; \
	[ -n "$$browser" ] || lacks="$$lacks|no Chromium or Chrome is in PATH: the demo's page was not tried in a browser"; \
	command -v python3 >/dev/null 2>&1 || lacks="$$lacks|no python3 is in PATH: the program that checks a review's evidence was not run"; \
	if ! CGO_ENABLED=1 $(GO) build -race runtime/cgo >/dev/null 2>&1; then \
		race=; lacks="$$lacks|no C compiler works here: data races were not looked for"; fi; \
	if [ -n "$$lacks" ] && [ "$$KEYHOLDER_REQUIRE_ALL" = 1 ]; then \
		echo 'make test: KEYHOLDER_REQUIRE_ALL=1, but something is missing:' >&2; \
		echo "$$lacks" | tr '|' '\n' | sed -n 's/^..*/  &/p' >&2; exit 1; fi; \
	echo "$(GO) test $$race -timeout $(TEST_TIMEOUT) ./..."; \
	$(GO) test $$race -timeout $(TEST_TIMEOUT) ./... || exit 1; \
	if [ -n "$$lacks" ]; then \
		echo; echo 'ALL GREEN, BUT NOT EVERYTHING RAN. Left out on this machine:'; \
		echo "$$lacks" | tr '|' '\n' | sed -n 's/^..*/  &/p'; \
	else echo; echo 'All green; nothing was left out.'; fi

lint: ## Check formatting, go vet and staticcheck
	@bad=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) || exit 1; \
	if [ -n "$$bad" ]; then echo "Not formatted; run gofmt -w on:" >&2; echo "$$bad" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# One package after another, or they would measure each other. Each figure stands beside bare Redis in the same run ("of-bare" is the
# ratio, "aim" what it should reach), since a figure of its own tells the machine. BENCH=. runs all there are, which takes longer.
BENCH ?= SmallWorkflow|Timers|ManyOpen|Vote|OpenTransfer|ClickToAck

bench: ## Measure beside bare Redis, in some three minutes (BENCH=. for everything); needs redis-server
	@command -v redis-server >/dev/null 2>&1 || { echo 'make bench: redis-server is not in PATH, so nothing was measured: figures without a real Redis mean little. Install it (Debian, Ubuntu: apt-get install redis-server) and run make bench again.' >&2; exit 1; }
	KEYHOLDER_REQUIRE_ALL=1 $(GO) test -p 1 -run xxx -bench '$(BENCH)' -benchtime 1x -timeout 20m ./workflows/loops ./cmd/keyholder-demo
	@case '$(BENCH)' in .) KEYHOLDER_REQUIRE_ALL=1 $(GO) test -p 1 -run xxx -bench . -benchmem -timeout 20m ./store ./workflows/review ;; esac

# Where the time ends while an input is running, go test calls that a failure ("context deadline exceeded") without an input to show for it: once more, then.
fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@list=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r pkg target; do \
		echo "== $$pkg $$target"; \
		for try in 1 2 3; do \
			out=$$($(GO) test -run xxx -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" 2>&1 </dev/null) && { echo "$$out" | tail -n 1; break; }; \
			echo "$$out"; \
			case $$out in *'Failing input'*) exit 1;; *'context deadline exceeded'*) [ $$try -lt 3 ] || exit 1;; *) exit 1;; esac; \
		done || exit 1; \
	done

pictures: ## Take the README's pictures of the demo anew; needs Chromium or Chrome
	@mkdir -p .github/pictures
	KEYHOLDER_REQUIRE_ALL=1 $(GO) test ./cmd/keyholder-demo -count 1 -run TestThePicturesOfTheReadme -args -pictures=$(CURDIR)/.github/pictures

docker: ## Build the container image; needs a Docker engine
	$(DOCKER) build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

clean: ## Remove what was built
	rm -rf $(BIN) dist
