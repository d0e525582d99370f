package integrator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
)

// maxBody bounds what is read of one answer. A thousand users are well under 2 MiB.
const maxBody = 32 << 20

// maxRedirects bounds redirects on one host.
const maxRedirects = 3

// Field names of this package's log lines. No line carries a token, a query, a body or an address.
const (
	logAccount = "account"
	logMethod  = "method"
	logPath    = "path"
	logStatus  = "status"
	logTook    = "took"
	logEffect  = "effect"
)

// answer is a 2xx answer. Empty is true for 204 and for an answer that says it has no body.
type answer struct {
	status int
	body   []byte
	header http.Header
	empty  bool
	url    *url.URL // that was asked
}

// holder makes sure of the lease before each request. Leases are not promised to be safe for
// several goroutines at once.
type holder struct {
	mu    sync.Mutex
	lease workflows.Lease // nil for probes
}

func (h *holder) hold(ctx context.Context) error {
	if h.lease == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lease.Hold(ctx)
}

// sameHostOnly follows redirects of readings on the same scheme and host. Everything else is
// answered as it is: the token must not travel, and a redirected POST would arrive as a GET.
func sameHostOnly(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || first.Method != http.MethodGet || req.URL.Scheme != first.URL.Scheme ||
		req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// get reads one resource.
func (s *session) get(ctx context.Context, path string) (answer, error) {
	return s.do(ctx, http.MethodGet, path, nil)
}

// do makes one request. The path starts with /v1/ and may carry a query. Errors are *APIError,
// *awayError, *unreadableError or those of the lease and the context.
func (s *session) do(ctx context.Context, method, path string, body any) (answer, error) {
	u, err := url.Parse(path)
	if err != nil {
		return answer{}, fmt.Errorf("build address: %w", err)
	}
	return s.send(ctx, method, s.onBase(u), body)
}

// onBase puts path and query on the account's host, behind the base's own path unless it is there already.
func (s *session) onBase(u *url.URL) *url.URL {
	out := *s.acct.base
	out.Path, out.RawPath, out.RawQuery = u.Path, u.RawPath, u.RawQuery
	if prefix := s.acct.base.Path; prefix != "" && !strings.HasPrefix(u.Path, prefix+"/") {
		out.Path = prefix + u.Path
		if u.RawPath != "" {
			out.RawPath = s.acct.base.EscapedPath() + u.RawPath
		}
	}
	return &out
}

func (s *session) send(ctx context.Context, method string, u *url.URL, body any) (answer, error) {
	if err := s.held.hold(ctx); err != nil {
		return answer{}, fmt.Errorf("hold lease: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, s.g.timeout)
	defer cancel()
	req, err := s.request(limited, method, u, body)
	if err != nil {
		return answer{}, err
	}
	start := time.Now()
	resp, err := s.g.http.Do(req)
	if err != nil {
		return answer{}, s.away(ctx, method, u, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	s.event(zerolog.DebugLevel).Str(logMethod, method).Str(logPath, u.Path).Int(logStatus, resp.StatusCode).
		Dur(logTook, time.Since(start)).Msg("asked integrator.io")
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer{}, decodeError(resp, raw, s.g.now()) // a cut error body changes nothing
	}
	if err != nil {
		return answer{}, s.away(ctx, method, u, err)
	}
	if len(raw) > maxBody {
		return answer{}, &unreadableError{method, u.Path, "larger than 32 MiB"}
	}
	empty := resp.StatusCode == http.StatusNoContent || (len(raw) == 0 && resp.ContentLength == 0)
	return answer{status: resp.StatusCode, body: raw, header: resp.Header, empty: empty, url: u}, nil
}

func (s *session) request(ctx context.Context, method string, u *url.URL, body any) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		var raw bytes.Buffer
		enc := json.NewEncoder(&raw)
		enc.SetEscapeHTML(false) // a record goes back as it was read
		if err := enc.Encode(body); err != nil {
			return nil, fmt.Errorf("encode body: %w", err)
		}
		r = bytes.NewReader(bytes.TrimSpace(raw.Bytes()))
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "keyholder")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// event starts a log line of this session.
func (s *session) event(level zerolog.Level) *zerolog.Event {
	e := s.g.log.WithLevel(level).Str(logAccount, s.acct.ID)
	if s.claim.Effect.ID != "" {
		e = e.Str(logEffect, s.claim.Effect.ID)
	}
	return e
}

// awayError: no answer, or one that was cut. Sent is true when the request may have taken effect.
type awayError struct {
	method, path, why string
	sent              bool
}

func (e *awayError) Error() string { return e.method + " " + e.path + ": " + e.why }

// Unwrap says that integrator.io could not be reached.
func (e *awayError) Unwrap() error { return workflows.ErrAway }

// away names a transport's fault without repeating its words, which may quote the answer. The end
// of the caller's own context is no fault of integrator.io, but for a write it is as unclear as
// one.
func (s *session) away(ctx context.Context, method string, u *url.URL, err error) error {
	out := &awayError{method: method, path: u.Path, why: "the connection was cut", sent: true}
	var op *net.OpError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil:
		out.why = "stopped while waiting for the answer"
	case errors.As(err, &dns):
		out.why, out.sent = "the host's name cannot be resolved", false
	case errors.As(err, &op) && op.Op == "dial":
		out.why, out.sent = "no connection to the host", false
	case errors.As(err, &timeout) && timeout.Timeout():
		out.why = "no answer within " + s.g.timeout.String()
	}
	return out
}

// unreadableError: a 2xx answer that is not what the interface promises.
type unreadableError struct{ method, path, why string }

func (e *unreadableError) Error() string {
	return e.method + " " + e.path + ": the answer cannot be read: " + e.why
}

// decode reads a JSON object of a single resource into out.
func decode(method string, a answer, out any) error {
	if a.empty || len(bytes.TrimSpace(a.body)) == 0 {
		return &unreadableError{method, a.url.Path, "it is empty"}
	}
	if bytes.TrimSpace(a.body)[0] != '{' {
		return &unreadableError{method, a.url.Path, "it is not a JSON object"}
	}
	if json.Unmarshal(a.body, out) != nil {
		return &unreadableError{method, a.url.Path, "it is not the JSON object expected"}
	}
	return nil
}
