package integratorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// simRoutes are the control. It is not Celigo's, and asks for no token: run it on a loopback address.
func (s *Server) simRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state", func(w http.ResponseWriter, _ *http.Request) { simAnswer(w, 200, s.State()) })
	mux.HandleFunc("GET /_sim/actions", func(w http.ResponseWriter, _ *http.Request) { simAnswer(w, 200, Actions()) })
	mux.HandleFunc("POST /_sim/act", s.simAct)
	mux.HandleFunc("GET /_sim/mails", s.simMails)
	mux.HandleFunc("GET /_sim/mails/{id}", s.simMail)
	mux.HandleFunc("GET /_sim/log", s.simLog)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		simAnswer(w, 200, s.ListFaults())
	})
	mux.HandleFunc("POST /_sim/faults", s.simAddFault)
	mux.HandleFunc("PUT /_sim/faults/random", s.simRandom)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		simAnswer(w, 200, map[string]int{"cleared": s.ClearFaults("")})
	})
	mux.HandleFunc("DELETE /_sim/faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		simAnswer(w, 200, map[string]int{"cleared": s.ClearFaults(r.PathValue("id"))})
	})
	mux.HandleFunc("POST /_sim/person-token", s.simPersonToken)
	mux.HandleFunc("GET /_sim/audit/{file}", s.simAuditFile)
	mux.HandleFunc("/_sim/", func(w http.ResponseWriter, r *http.Request) {
		simError(w, http.StatusNotFound, fmt.Errorf("there is no control %s %s", r.Method, r.URL.Path))
	})
	return mux
}

func simAnswer(w http.ResponseWriter, status int, v any) {
	writeReply(w, reply{status: status, body: v})
}

func simError(w http.ResponseWriter, status int, err error) {
	simAnswer(w, status, map[string]string{"error": err.Error()})
}

// simBody reads a JSON object into v and refuses unknown fields, since a misspelt one would silently do less.
func simBody(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		simError(w, http.StatusBadRequest, fmt.Errorf("read the body: %w", err))
		return false
	}
	return true
}

func (s *Server) simAct(w http.ResponseWriter, r *http.Request) {
	var a Action
	if !simBody(w, r, &a) {
		return
	}
	out, err := s.Act(a)
	if err != nil {
		simError(w, http.StatusUnprocessableEntity, err)
		return
	}
	simAnswer(w, http.StatusOK, out)
}

// simMails lists the outbox; ?to= keeps one mailbox.
func (s *Server) simMails(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	out := []Mail{}
	for _, m := range s.Mails() {
		if to == "" || m.To == to {
			out = append(out, m)
		}
	}
	simAnswer(w, http.StatusOK, out)
}

func (s *Server) simMail(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.Mails() {
		if m.ID == r.PathValue("id") {
			simAnswer(w, http.StatusOK, m)
			return
		}
	}
	simError(w, http.StatusNotFound, fmt.Errorf("there is no mail %s", r.PathValue("id")))
}

// simLog lists requests; ?after=N leaves out those up to number N.
func (s *Server) simLog(w http.ResponseWriter, r *http.Request) {
	after := 0
	if v := r.URL.Query().Get("after"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			simError(w, http.StatusBadRequest, fmt.Errorf("read after: %w", err))
			return
		}
		after = n
	}
	out := []Call{}
	for _, c := range s.Log() {
		if c.N > after {
			out = append(out, c)
		}
	}
	simAnswer(w, http.StatusOK, out)
}

func (s *Server) simAddFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !simBody(w, r, &f) {
		return
	}
	id, err := s.AddFault(f)
	if err != nil {
		simError(w, http.StatusUnprocessableEntity, err)
		return
	}
	simAnswer(w, http.StatusCreated, map[string]string{"id": id})
}

func (s *Server) simRandom(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if !simBody(w, r, &f) {
		return
	}
	s.SetRandomFaults(f.Rate)
	w.WriteHeader(http.StatusNoContent)
}

// simAuditFile serves a table that audit/signedURL named; whoever knows the address may read it.
func (s *Server) simAuditFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	table, there := s.files[strings.TrimSuffix(r.PathValue("file"), ".csv")]
	s.mu.Unlock()
	if !there {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(table) // the client may have gone
}

func (s *Server) simPersonToken(w http.ResponseWriter, r *http.Request) {
	var in struct{ Email string }
	if !simBody(w, r, &in) {
		return
	}
	t, err := s.PersonToken(in.Email)
	if err != nil {
		simError(w, http.StatusUnprocessableEntity, err)
		return
	}
	simAnswer(w, http.StatusCreated, map[string]string{"token": t})
}
