package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Listen listens for operators; the listener is nil where address is "". told is given the address,
// where it is not nil.
func Listen(address string, told func(address string)) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for operators (listen: %s): %w", address, err)
	}
	if told != nil {
		told(l.Addr().String())
	}
	return l, nil
}

// Operators answers operators: /healthz, /readyz and /metrics.
type Operators struct {
	// Unready says what is missing, "" for nothing.
	Unready func() string
	// UnreadyOne says it of one workspace, at /readyz/NAME; known is false for a name that is none.
	// nil: none has a name.
	UnreadyOne func(name string) (why string, known bool)
	// Metrics answers what is gathered, asked anew each time.
	Metrics func() prometheus.Gatherer
}

// Serve answers at a listener until ctx ends; nil answers nobody.
func (o Operators) Serve(ctx context.Context, l net.Listener) error {
	if l == nil {
		return nil
	}
	srv := &http.Server{Handler: o.handler(), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the operators: %w", err)
	}
	return nil
}

func (o Operators) handler() http.Handler {
	mux := http.NewServeMux()
	text := func(w http.ResponseWriter, code int, body string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body + "\n"))
	}
	ready := func(w http.ResponseWriter, why string) {
		if why != "" {
			text(w, http.StatusServiceUnavailable, why)
			return
		}
		text(w, http.StatusOK, "ready")
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, o.Unready()) })
	mux.HandleFunc("GET /readyz/{name}", func(w http.ResponseWriter, r *http.Request) {
		if o.UnreadyOne != nil {
			if why, known := o.UnreadyOne(r.PathValue("name")); known {
				ready(w, why)
				return
			}
		}
		text(w, http.StatusNotFound, "there is no workspace of this name")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		promhttp.HandlerFor(o.Metrics(), promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
	return mux
}
