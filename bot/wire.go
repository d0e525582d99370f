package bot

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
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

// wire is the one way to Slack: it limits opening connections, bounds answers, follows no redirect and tells metrics about 429.
type wire struct {
	client  *http.Client
	opens   *rate.Limiter
	log     zerolog.Logger
	limited func(method string)
}

// newWire makes the way through a client of HTTP. The client's redirects are not followed: Slack's Web API has none, and one would carry
// tokens, cards or a response_url to whoever it names.
func newWire(c *http.Client, log zerolog.Logger, limited func(string)) *wire {
	if limited == nil {
		limited = func(string) {}
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &wire{client: &own, opens: rate.NewLimiter(rate.Every(opensEvery), opensBurst), log: log, limited: limited}
}

// called are the methods of the Web API that the bot calls. The label of a metric is one of them or labelOther, never a part of an
// address: that of a response_url is a secret, and there is no end of them.
var called = []string{"apps.connections.open", "auth.test", "chat.getPermalink", "chat.postEphemeral", "chat.postMessage", "chat.update",
	"conversations.history", "conversations.info", "conversations.open", "conversations.replies", "files.completeUploadExternal",
	"files.getUploadURLExternal", "files.info", "usergroups.users.list", "users.info", "users.lookupByEmail", "views.open",
	"views.publish", "views.update"}

// labelOther is the label of all that is no method of the Web API: an answer to a response_url, an upload.
const labelOther = "other"

// label names what a request is for, out of a fixed set.
func label(u *url.URL) string {
	if method := path.Base(u.Path); slices.Contains(called, method) && strings.HasSuffix(path.Dir(u.Path), "/api") {
		return method
	}
	return labelOther
}

// Do implements the client that slack-go wants.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	method := label(req.URL)
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

// followed reports whether an address that came with a payload may be gone to: Slack's own hosts over https, and with another Web API
// configured that one's host, by its own scheme. Source: docs.slack.dev names files.slack.com and hooks.slack.com; slack-gov.com is GovSlack.
func followed(address, api string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return false
	}
	if own, err := url.Parse(api); api != "" && err == nil && u.Scheme == own.Scheme && strings.EqualFold(u.Host, own.Host) {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") && slices.ContainsFunc([]string{"slack.com", "slack-gov.com"},
		func(slacks string) bool { return host == slacks || strings.HasSuffix(host, "."+slacks) })
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
