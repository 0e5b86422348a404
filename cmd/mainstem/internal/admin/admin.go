// Package admin owns the admin listener: metrics in Prometheus' form, probes, profiles and log levels. It listens on
// loopback by default and has no authentication: whoever opens it to a network puts a proxy in front.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mainstem-io/mainstem/internal/metric"
)

// Source is what the admin server shows.
type Source interface {
	// Collect emits every sample; detail adds those of single partitions.
	Collect(detail bool, emit func(metric.Sample))
	// Ready answers nil when requests are served, else why not.
	Ready() error
}

// Server is the admin listener. Make it with New.
type Server struct {
	handler http.Handler
	logger  *slog.Logger
}

// New makes a server for source. level can be changed through /admin/loggers.
func New(source Source, logger *slog.Logger, level *slog.LevelVar) *Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics(source, false))
	mux.Handle("GET /metrics/detail", metrics(source, true))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if err := source.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}
	mux.HandleFunc("GET /readyz", ready)
	mux.HandleFunc("GET /startupz", ready)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /admin/loggers", func(w http.ResponseWriter, _ *http.Request) { showLevel(w, level) })
	mux.HandleFunc("PUT /admin/loggers/root", func(w http.ResponseWriter, r *http.Request) { setLevel(w, r, level, logger) })
	return &Server{handler: http.NewCrossOriginProtection().Handler(mux), logger: logger}
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(drain) != nil {
			_ = server.Close()
		}
	})
	s.logger.Info("admin listener", "address", l.Addr().String())
	err := server.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("admin listener: %w", err)
}

func showLevel(w http.ResponseWriter, level *slog.LevelVar) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"root": map[string]string{"level": level.Level().String()}})
}

func setLevel(w http.ResponseWriter, r *http.Request, level *slog.LevelVar, logger *slog.Logger) {
	var body struct {
		Level string `json:"level"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&body); err != nil {
		http.Error(w, "want {\"level\": \"debug\"}: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := level.UnmarshalText([]byte(body.Level)); err != nil {
		http.Error(w, "level must be debug, info, warn or error", http.StatusUnprocessableEntity)
		return
	}
	logger.Info("log level changed", "level", level.Level().String())
	showLevel(w, level)
}

// metrics is a handler for the samples of source and the process's own.
func metrics(source Source, detail bool) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{source, detail})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
