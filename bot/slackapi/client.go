package slackapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/slack-go/slack"
)

// Options of a [Client]. The tokens are required.
type Options struct {
	AppToken string // xapp-...
	BotToken string // xoxb-...
	// AppTokenName and BotTokenName are the environment variables they came from, for sentences;
	// empty: SLACK_APP_TOKEN and SLACK_BOT_TOKEN.
	AppTokenName, BotTokenName string
	// URL is the address of the Web API, for a simulator; a missing "/" at the end is added. Empty: Slack.
	URL string
	// HTTP is used for every call; nil: a client of our own. Calls carry their own time-outs in any case.
	HTTP *http.Client
	Log  zerolog.Logger
	// Limited is called when Slack answers 429, with the method or "other"; nil: nobody is told.
	Limited func(method string)
}

// Client is the one road to Slack's Web API, for one app in one workspace. It is safe for concurrent use.
type Client struct {
	*slack.Client
	o    Options
	wire *wire
	log  zerolog.Logger

	who struct {
		sync.Mutex
		is *Self
	}
	told struct {
		sync.Mutex
		scopes map[string]bool // already complained about
	}
}

// New makes a Client. It does no I/O. The error lists every fault of the options.
func New(o Options) (*Client, error) {
	o.AppTokenName = cmp.Or(o.AppTokenName, "SLACK_APP_TOKEN")
	o.BotTokenName = cmp.Or(o.BotTokenName, "SLACK_BOT_TOKEN")
	var faults []error
	if !strings.HasPrefix(o.AppToken, "xapp-") {
		faults = append(faults,
			errors.New(o.AppTokenName+
				" must be an app-level token that begins with xapp- (api.slack.com/apps, Basic Information, App-Level Tokens)"))
	}
	if !strings.HasPrefix(o.BotToken, "xoxb-") {
		faults = append(faults,
			errors.New(o.BotTokenName+
				" must be a bot token that begins with xoxb- (api.slack.com/apps, OAuth & Permissions)"))
	}
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			faults = append(faults,
				errors.New("SLACK_API_URL must be an http or https address, as http://127.0.0.1:8888/api/"))
		} else if !strings.HasSuffix(o.URL, "/") {
			o.URL += "/"
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if o.HTTP == nil {
		o.HTTP = newHTTPClient()
	}
	c := &Client{o: o, log: o.Log, wire: newWire(o.HTTP, o.Log, o.Limited)}
	opts := []slack.Option{slack.OptionAppLevelToken(o.AppToken), slack.OptionHTTPClient(c.wire),
		slack.OptionLog(log.New(io.Discard, "", 0))}
	if o.URL != "" {
		opts = append(opts, slack.OptionAPIURL(o.URL))
	}
	c.Client = slack.New(o.BotToken, opts...)
	return c, nil
}

// TokenNames are the environment variables that the app-level token and the bot token came from.
func (c *Client) TokenNames() (app, bot string) { return c.o.AppTokenName, c.o.BotTokenName }

// CloseIdleConnections lets go of the connections that nobody uses just now.
func (c *Client) CloseIdleConnections() { c.o.HTTP.CloseIdleConnections() }

// Follows reports whether an address that came with a payload may be gone to: Slack's own hosts
// over https, and with another Web API configured that one's host, by its own scheme. Source:
// docs.slack.dev names files.slack.com and hooks.slack.com; slack-gov.com is GovSlack.
func (c *Client) Follows(address string) bool { return follows(address, c.o.URL) }

func follows(address, api string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return false
	}
	if own, err := url.Parse(api); api != "" && err == nil && u.Scheme == own.Scheme && strings.EqualFold(u.Host,
		own.Host) {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") &&
		slices.ContainsFunc([]string{"slack.com", "slack-gov.com"},
			func(slacks string) bool { return host == slacks || strings.HasSuffix(host, "."+slacks) })
}

// ErrElsewhere is the answer to an address that [Client.Follows] does not follow.
var ErrElsewhere = errors.New("the address is not Slack's")

// Download asks for a file with the bot's token, which goes to no other host, along no redirect.
func (c *Client) Download(ctx context.Context, address string) (*http.Response, error) {
	if !c.Follows(address) {
		return nil, ErrElsewhere
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, ErrElsewhere
	}
	req.Header.Set("Authorization", "Bearer "+c.o.BotToken)
	return c.wire.client.Do(req)
}

// TakesBlocks asks Slack whether it takes blocks, without showing them to anybody: what travels in an
// acknowledgement and is refused is shown to nobody, and no answer says so. nil: it takes them.
func (c *Client) TakesBlocks(ctx context.Context, blocks []slack.Block) error {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return fmt.Errorf("encode blocks: %w", err)
	}
	form := url.Values{"blocks": {string(raw)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(c.o.URL, slack.APIURL)+"blocks.validate",
		strings.NewReader(form))
	if err != nil {
		return fmt.Errorf("ask about blocks: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.BotToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.wire.Do(req)
	if err != nil {
		return fmt.Errorf("ask about blocks: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer slack.SlackResponse
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask about blocks: %w", slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status})
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("ask about blocks: %w", err)
	}
	if !answer.Ok {
		return fmt.Errorf("ask about blocks: %w", slack.SlackErrorResponse{Err: answer.Error})
	}
	return nil
}

// RefusedBlocks reports whether an error says that Slack does not take the blocks of a message, so that
// nothing was shown and its text alone may be sent.
func RefusedBlocks(err error) bool {
	code := Code(err)
	return strings.HasPrefix(code, "invalid_block") || strings.HasPrefix(code, "unsupported_")
}

// Self is who we are in Slack.
type Self struct {
	Team, TeamName, Enterprise, User, Bot, URL string
	Scopes                                     string // x-oauth-scopes, separated by commas; "" when Slack did not say
	// At is Slack's clock when it answered, to the second; zero when it did not say.
	At time.Time
}

// Identity asks Slack once who we are.
func (c *Client) Identity(ctx context.Context) (Self, error) {
	c.who.Lock()
	defer c.who.Unlock()
	if c.who.is != nil {
		return *c.who.is, nil
	}
	s, err := c.Introduce(ctx)
	if err != nil {
		return Self{}, err
	}
	c.who.is = &s
	return s, nil
}

// Introduce asks Slack now who we are, whatever it said before.
func (c *Client) Introduce(ctx context.Context) (Self, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	r, err := c.AuthTestContext(ctx)
	if err != nil {
		return Self{}, fmt.Errorf("ask Slack who we are: %w", err)
	}
	if r.TeamID == "" || r.UserID == "" {
		return Self{}, fmt.Errorf("ask Slack who we are: the answer names no team or user: %w",
			slack.SlackErrorResponse{Err: "internal_error"})
	}
	at, _ := http.ParseTime(r.Header.Get("Date"))
	return Self{Team: r.TeamID, TeamName: r.Team, Enterprise: r.EnterpriseID, User: r.UserID, Bot: r.BotID, URL: r.URL,
		Scopes: r.Header.Get("X-OAuth-Scopes"), At: at}, nil
}

// Complain logs once that a scope is missing, where that is what err says. scope is the one that is
// known to be needed; Slack's own word wins.
func (c *Client) Complain(err error, scope, lost string) {
	if Code(err) != "missing_scope" {
		return
	}
	if s, ok := errors.AsType[slack.SlackErrorResponse](err); ok && s.Needed != "" {
		scope = s.Needed
	}
	c.told.Lock()
	defer c.told.Unlock()
	if c.told.scopes[scope] {
		return
	}
	if c.told.scopes == nil {
		c.told.scopes = map[string]bool{}
	}
	c.told.scopes[scope] = true
	c.log.Warn().Str("scope", scope).Msg("a scope is missing: " + lost)
}
