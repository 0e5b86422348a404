# Mainstem. `make` alone prints this help.

export GOTOOLCHAIN := go1.27.3
GO       ?= go
LINT     := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
PKGS     := ./...

# Where the recorded answers of the originals lie; without it the runners skip, loudly, and fail in CI.
export CONFORMANCE_DIR ?= $(abspath ../shared/conformance)
SUITES_DIR  ?= $(abspath ../shared/suites)
ANCHORS_DIR ?= $(abspath ../shared/anchors)
export SUITES_DIR ANCHORS_DIR

.DEFAULT_GOAL := help

help: ## print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/mainstem
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/mainstem ./cmd/mainstem

demo: build ## start a broker in a temporary directory, produce and consume real records, and say what happened
	@bin/mainstem demo

test: ## short tests under the race detector; no root, no network, no Docker
	$(GO) test -short -race $(PKGS)

test-all: ## everything that needs no root and no network
	$(GO) test -race $(PKGS)

house: ## the plan of the packages as a test
	$(GO) test -count=1 ./internal/house

arch: ## the house by floors, as the test draws it
	@$(GO) test -count=1 -run TestDraw -v ./internal/house | sed -n 's/^ *plan_test.go:[0-9]*: //p; s/^ *arrows_test.go:[0-9]*: //p'

sizes: ## lengths of files and functions: advice, never a gate
	@$(GO) run ./internal/house/sizes

conformance: conformance-broker ## all recorded answers of the originals

conformance-broker: build ## the probes of Apache Kafka 4.3.1 against our broker
	$(GO) run ./internal/conformance/run -binary bin/mainstem

suites: build ## other people's client suites against our broker
	internal/e2e/suites.sh

crash: ## kill -9 and power-loss cycles; the power loss needs root for its loop mounts
	$(GO) test -count=1 -timeout 30m -v ./internal/e2e

fuzz: ## every native fuzz target, TIME each (default 30s)
	internal/e2e/fuzz.sh $(or $(TIME),30s)

sim: ## simulations with SEEDS seeds, or one SEED with its trace
	SIM_SEEDS=$(SEEDS) SIM_SEED=$(SEED) $(GO) test -count=1 -run Sim ./broker/...

bench: build ## the figures of docs/bench
	$(GO) run ./internal/e2e/bench

bench-kafka: build ## the same beside Apache Kafka, in turn
	$(GO) run ./internal/e2e/bench -kafka

fmt: ## format
	$(LINT) fmt

fmt-check:
	@gofmt=$$($(GO) env GOROOT)/bin/gofmt; test -z "$$($$gofmt -l $$(git ls-files '*.go'))" || { echo 'not formatted (make fmt):'; $$gofmt -l $$(git ls-files '*.go'); exit 1; }

vet: ## go vet
	$(GO) vet $(PKGS)

lint: ## golangci-lint
	$(LINT) run

fix: ## modernize
	$(GO) fix $(PKGS)

tidy: ## go.mod holds what is used and no more
	$(GO) mod tidy

generate: build ## pages made from tables in the code
	bin/mainstem generate docs --dir docs/reference

# What must leave no difference behind.
clean-tree: tidy generate
	@git diff --exit-code -- go.mod go.sum docs || { echo 'make tidy generate changed files: commit them'; exit 1; }

sim-ci: ## the simulations of groups and transactions with 10,000 seeds
	SIM_SEEDS=10000 $(GO) test -count=1 -timeout 30m -run Sim ./broker/internal/coordinator/...

ci: TIME ?= 5s
ci: fmt-check vet house build lint test clean-tree conformance sim-ci suites crash fuzz ## everything that CI runs, cheap and telling first

.PHONY: help build demo test test-all house arch sizes conformance conformance-broker suites crash fuzz sim sim-ci bench bench-kafka fmt fmt-check vet lint fix tidy generate clean-tree ci
