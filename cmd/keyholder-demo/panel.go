package main

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

//go:embed panel
var panelFiles embed.FS

// maxPanelBody bounds what the panel accepts, in bytes.
const maxPanelBody = 64 << 10

// panel shows the tour, integrator.io and the time, and acts on the last two.
func (d *demo) panel() http.Handler {
	files, err := fs.Sub(panelFiles, "panel")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, d.panelState())
	})
	mux.HandleFunc("GET /events", d.stream)
	mux.HandleFunc("POST /act", d.act)
	mux.HandleFunc("POST /forward", forward(d.clock, func(to time.Time) {
		d.jumped.Store(to.UnixMicro()) // before, so that nothing that comes due at once is missed
	}))
	mux.HandleFunc("POST /code", d.authenticatorApp)
	mux.HandleFunc("POST /tour/restart", func(w http.ResponseWriter, _ *http.Request) {
		d.tour.restart(d.clock.Now())
		writeJSON(w, http.StatusOK, struct{}{})
	})
	mux.HandleFunc("POST /world", d.freshWorld)
	// A page of another site that is open in the same browser must not act here.
	return secure(http.NewCrossOriginProtection().Handler(mux))
}

// secure lets the panel load nothing from outside and be framed by its own page only.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// act does something at integrator.io, as the invited owner or somebody else would in the pages.
func (d *demo) act(w http.ResponseWriter, r *http.Request) {
	var a integratorsim.Action
	if !readJSON(w, r, &a) {
		return
	}
	res, err := d.integrator.Act(a)
	if err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, res)
}

// freshWorld ends this world, and with it everything that happened in it. Its answer is on its way before that.
func (d *demo) freshWorld(w http.ResponseWriter, r *http.Request) {
	if d.renew == nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{
			"error": "this world has none to follow; end the program and start it again"})
		return
	}
	var body struct {
		Tour string `json:"tour"` // one of the tours' IDs; "": the transfer
	}
	if !readJSON(w, r, &body) {
		return
	}
	if !slices.ContainsFunc(tours, func(t tourChoice) bool { return t.ID == body.Tour }) {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": "there is no such tour"})
		return
	}
	const answer = "{}\n"
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = io.WriteString(w, answer)
	_ = http.NewResponseController(w).Flush()
	go d.renew(body.Tour) // it closes the connection under this request
}

// maxForward is the longest single jump.
const maxForward = 365 * 24 * time.Hour

// forward moves a clock ahead; before is told where to.
func forward(clock *movableClock, before func(to time.Time)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Seconds int64 `json:"seconds"`
		}
		if !readJSON(w, r, &body) {
			return
		}
		jump := time.Duration(body.Seconds) * time.Second
		if body.Seconds < 1 || body.Seconds > int64(maxForward/time.Second) {
			writeJSON(w, http.StatusUnprocessableEntity, map[string]string{
				"error": "seconds must be a whole number from 1 to 31536000, a year"})
			return
		}
		before(clock.Now().Add(jump))
		clock.Forward(jump)
		writeJSON(w, http.StatusOK, map[string]time.Time{"now": clock.Now()})
	}
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPanelBody)).Decode(into); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not the JSON expected: " +
			err.Error()})
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
