package bot

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// Limits of apps.connections.open. slack-go reconnects without any delay when a server says hello and disconnect; Slack's limit for the method is 50 a
// minute by its page and 1 a minute by its Java SDK.
const (
	opensBurst = 5
	opensEvery = 5 * time.Second
)

// maxBody bounds an answer of the Web API.
const maxBody = 8 << 20

// callTimeout bounds one call of the Web API that has no closer deadline.
const callTimeout = 10 * time.Second

var proxyFromEnvironment = http.ProxyFromEnvironment

func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy:                 proxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: callTimeout,
			IdleConnTimeout:       60 * time.Second,
			MaxIdleConnsPerHost:   16,
			ForceAttemptHTTP2:     true,
		},
	}
}

// wire is the one way to the Web API: it limits opening connections, bounds answers and tells metrics about 429.
type wire struct {
	client  *http.Client
	opens   *rate.Limiter
	now     func() time.Time
	log     zerolog.Logger
	limited func(method string)
}

func newWire(c *http.Client, now func() time.Time, log zerolog.Logger, limited func(string)) *wire {
	if limited == nil {
		limited = func(string) {}
	}
	return &wire{client: c, opens: rate.NewLimiter(rate.Every(opensEvery), opensBurst), now: now, log: log, limited: limited}
}

// Do implements the client that slack-go wants.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	method := path.Base(req.URL.Path)
	if method == "apps.connections.open" {
		if w.opens.Tokens() < 1 {
			w.log.Warn().Msg("Slack closes our connections as fast as they are opened; opening them more slowly")
		}
		if err := w.opens.Wait(req.Context()); err != nil {
			return nil, err
		}
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		w.limited(method)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}

var secrets = regexp.MustCompile(`xox[a-z.]*-[A-Za-z0-9-]+|xapp-[A-Za-z0-9-]+|ticket=[^&\s"]+`)

// clean makes an error fit for the log: no address (a response_url and a socket's address are secrets) and no token.
func clean(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	var u *url.Error
	if errors.As(err, &u) {
		text = strings.ReplaceAll(text, u.URL, "(address)")
	}
	return secrets.ReplaceAllString(text, "(secret)")
}

// cleaned is an error whose text is fit for any log.
type cleaned struct{ err error }

func (c cleaned) Error() string { return clean(c.err) }
func (c cleaned) Unwrap() error { return c.err }
