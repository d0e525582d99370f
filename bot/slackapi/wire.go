package slackapi

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

// OpensBurst and opensEvery limit apps.connections.open. slack-go reconnects without any delay when
// a server says hello and disconnect; Slack's limit for the method is 50 a minute by its page and 1
// a minute by its Java SDK.
const (
	OpensBurst = 5
	opensEvery = 5 * time.Second
)

// maxBody bounds an answer of the Web API.
const maxBody = 8 << 20

// CallTimeout bounds one call of the Web API that has no closer deadline.
const CallTimeout = 10 * time.Second

func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: CallTimeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: CallTimeout,
			IdleConnTimeout:       60 * time.Second,
			MaxIdleConnsPerHost:   16,
			ForceAttemptHTTP2:     true,
		},
	}
}

// wire is the one way to Slack: it limits opening connections, bounds answers, follows no redirect
// and tells metrics about 429.
type wire struct {
	client  *http.Client
	opens   *rate.Limiter
	log     zerolog.Logger
	limited func(method string)
}

// newWire makes the way through a client of HTTP. The client's redirects are not followed: Slack's
// Web API has none, and one would carry tokens, cards or a response_url to whoever it names.
func newWire(c *http.Client, log zerolog.Logger, limited func(string)) *wire {
	if limited == nil {
		limited = func(string) {}
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &wire{client: &own, opens: rate.NewLimiter(rate.Every(opensEvery), OpensBurst), log: log, limited: limited}
}

// Methods are the methods of the Web API that Keyholder calls. The label of a metric is one of them
// or [LabelOther], never a part of an address: that of a response_url is a secret, and there is no
// end of them.
var Methods = []string{"apps.connections.open", "auth.test", "blocks.validate", "canvases.create", "canvases.edit",
	"chat.delete",
	"chat.getPermalink", "chat.postEphemeral", "chat.postMessage", "chat.update",
	"conversations.history", "conversations.info", "conversations.open", "conversations.replies",
	"files.completeUploadExternal",
	"files.getUploadURLExternal", "files.info", "usergroups.users.list", "users.info", "users.lookupByEmail",
	"views.open",
	"views.publish", "views.update"}

// LabelOther is the label of all that is no method of the Web API: an answer to a response_url, an upload.
const LabelOther = "other"

// label names what a request is for, out of a fixed set.
func label(u *url.URL) string {
	if method := path.Base(u.Path); slices.Contains(Methods, method) && strings.HasSuffix(path.Dir(u.Path), "/api") {
		return method
	}
	return LabelOther
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

var secrets = regexp.MustCompile(`xox[a-z.]*-[A-Za-z0-9-]+|xapp-[A-Za-z0-9-]+|ticket=[^&\s"]+`)

// Clean makes an error fit for the log: no address (a response_url and a socket's address are secrets) and no token.
func Clean(err error) string {
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

// Cleaned is an error whose text is fit for any log; it unwraps to Err.
type Cleaned struct{ Err error }

// Error returns what [Clean] leaves of the text.
func (c Cleaned) Error() string { return Clean(c.Err) }

// Unwrap returns Err.
func (c Cleaned) Unwrap() error { return c.Err }
