package integrator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// APIError is an answer of integrator.io outside 2xx. Its text names status and code only; Message
// holds the server's words, which may quote addresses and so never go into a log.
type APIError struct {
	Status int
	// Code is the first error's code, "" where there is none.
	Code string
	// Message is the errors' words on one line, at most 300 characters; "" for HTML and other garbage.
	Message string
	// RetryAfter is the pause asked for, 0 when none was named. At most [workflows.GiveUpAfter].
	RetryAfter time.Duration

	method, path string
	all          []apiFault
}

type apiFault struct{ code, message string }

// Error names method, path, status and code.
func (e *APIError) Error() string {
	s := fmt.Sprintf("%s %s: integrator.io answered %d", e.method, e.path, e.Status)
	if plainCode(e.Code) {
		s += " " + e.Code
	}
	return s
}

// plainCode keeps what is not a code at all out of the log.
func plainCode(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// words is the server's message, or a sentence in its place.
func (e *APIError) words() string {
	if e.Message != "" {
		return e.Message
	}
	return "integrator.io answered " + strconv.Itoa(e.Status) + " and gave no reason."
}

// decodeError reads the documented shapes: {"errors":[{code,message,field}]} and the bare {"message"} of 401.
func decodeError(resp *http.Response, body []byte, now time.Time) *APIError {
	e := &APIError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now),
		method: resp.Request.Method, path: resp.Request.URL.Path}
	var v any
	if len(body) <= maxBody && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Unmarshal(body, &v) == nil {
		top, _ := v.(map[string]any)
		e.collect(top["errors"])
		if len(e.all) == 0 {
			e.collect(v)
		}
	}
	var texts []string
	for _, f := range e.all {
		if e.Code == "" {
			e.Code = f.code
		}
		if f.message != "" && len(texts) < 3 {
			texts = append(texts, f.message)
		}
	}
	e.Message = workflows.Clip(strings.Join(texts, " "), 300)
	return e
}

// collect takes faults out of a list, an object or a bare text.
func (e *APIError) collect(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if _, nested := x.([]any); !nested {
				e.collect(x)
			}
		}
	case map[string]any:
		code, _ := v["code"].(string)
		message, _ := v["message"].(string)
		if code != "" || message != "" {
			e.all = append(e.all, apiFault{strings.TrimSpace(code), strings.Join(strings.Fields(message), " ")})
		}
	case string:
		e.all = append(e.all, apiFault{"", strings.Join(strings.Fields(v), " ")})
	}
}

// retryAfter reads whole seconds or an HTTP date. What lies in the past or is 0 becomes a second; garbage becomes none.
// Source: RFC 9110, section 10.2.3.
func retryAfter(h string, now time.Time) time.Duration {
	h = strings.TrimSpace(h)
	var d time.Duration
	if n, err := strconv.ParseUint(h, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(h); err == nil {
		d = at.Sub(now)
	} else {
		return 0
	}
	return min(max(d, time.Second), workflows.GiveUpAfter)
}
