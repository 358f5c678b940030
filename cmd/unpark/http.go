package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"unpark/schemas"
)

// readiness says of one part whether it does its work; nil: it does.
type readiness struct {
	part  string
	ready func() error
	notes func() []string // nil: none
}

// serveHTTP answers /healthz (the process runs), /readyz (every part of it does
// its work: restored and caught up), /metrics and the pages, until ctx ends.
func serveHTTP(ctx context.Context, l net.Listener, reg *prometheus.Registry, parts []readiness, pages map[string]http.Handler, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerReady(w, parts) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	for pattern, h := range pages {
		mux.Handle(pattern, h)
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	log.Info("listening for /healthz, /readyz and /metrics", schemas.LogAddress, l.Addr().String())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

func answerReady(w http.ResponseWriter, parts []readiness) {
	var lines []string
	status := http.StatusOK
	for _, p := range parts {
		line := p.part + ": ready"
		if err := p.ready(); err != nil {
			line, status = fmt.Sprintf("%s: %v", p.part, err), http.StatusServiceUnavailable
		}
		lines = append(lines, line)
		if p.notes != nil {
			for _, note := range p.notes() {
				lines = append(lines, p.part+": "+note)
			}
		}
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
}
