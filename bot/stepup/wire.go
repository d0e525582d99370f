package stepup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// callTimeout bounds one request to the provider, answer included.
	callTimeout = 10 * time.Second
	// largestAnswer in bytes; sets of keys are a few thousand.
	largestAnswer = 1 << 20
)

// errTooLarge: the provider answered more than [largestAnswer].
var errTooLarge = errors.New("the identity provider's answer is too large")

// bounded makes each request end in time and each answer small. The libraries above leave that to their
// client, and the one for device codes neither passes its context on nor closes what it reads.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	resp, err := b.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestAnswer+1))
	if err == nil && len(body) > largestAnswer {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// newClient makes the client of the libraries. It follows no redirect: a provider's own addresses answer
// themselves, and a secret or a code is not carried elsewhere.
func newClient(next http.RoundTripper) *http.Client {
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{Transport: bounded{next},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// basic adds the client's name and secret to each request. Source: RFC 6749, 2.3.1.
type basic struct {
	next       http.RoundTripper
	id, secret string
}

// RoundTrip implements [http.RoundTripper].
func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(url.QueryEscape(b.id), url.QueryEscape(b.secret))
	return b.next.RoundTrip(r)
}
