package integrator

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/workflows"
)

// Account is one configured account.
type Account struct {
	ID string
	// APIBase is the host without /v1, as "https://api.integrator.io"; a path in front of /v1, as a
	// proxy may want it, is kept.
	APIBase string
	// Owner is the configured owner's address. It counts where Options.Owner does not know better; may be empty.
	Owner string
	// Tokens maps an environment's name to its token; "" is production. An absent or empty token means that people act.
	Tokens map[string]string
}

// Options is what a Gateway is made of.
type Options struct {
	Accounts []Account
	// HTTP is the client to copy transport and cookie handling from; its redirects and time-out are
	// replaced. Nil: one of its own.
	HTTP *http.Client
	Log  zerolog.Logger
	// Now is the clock of readings, of HTTP dates and of the pause after an unclear write. Nil: time.Now.
	Now func() time.Time
	// Owner answers the recorded owner's address of an account now, "" when not known. Nil: Account.Owner.
	Owner func(ctx context.Context, account string) string
}

// Gateway speaks with integrator.io for all configured accounts. It is safe for concurrent use and
// holds no state that matters: what it remembers of unclear writes only makes it wait a little
// before it trusts a reading, and direct readings for a moment.
type Gateway struct {
	accounts     map[string]configured
	http         *http.Client
	log          zerolog.Logger
	now          func() time.Time
	owner        func(ctx context.Context, account string) string
	memory       memory
	users        remembered[*workflows.Census]
	integrations remembered[[]workflows.Named]
	timeout      time.Duration // of one request; tests shorten it
}

// configured is an account with its address taken apart; bad says why that failed.
type configured struct {
	Account
	base *url.URL
	bad  error
}

var _ workflows.Deliverer = (*Gateway)(nil)

// New makes a Gateway. It does no I/O. An account whose APIBase is no address refuses every call and says so.
func New(o Options) *Gateway {
	g := &Gateway{accounts: make(map[string]configured, len(o.Accounts)), log: o.Log, now: o.Now, owner: o.Owner,
		timeout: workflows.CallTimeout}
	if g.now == nil {
		g.now = time.Now
	}
	for _, a := range o.Accounts {
		base, err := parseBase(a.APIBase)
		g.accounts[a.ID] = configured{Account: a, base: base, bad: err}
	}
	client := http.Client{}
	if o.HTTP != nil {
		client = *o.HTTP
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		own := t.Clone()
		own.MaxIdleConnsPerHost = 2 * fanOut
		client.Transport = own
	}
	client.Timeout = 0 // every request has its own, see do
	client.CheckRedirect = sameHostOnly
	g.http = &client
	return g
}

// Close ends idle connections. Calls that are under way are not disturbed.
func (g *Gateway) Close() { g.http.CloseIdleConnections() }

// parseBase reads an APIBase. A trailing slash or /v1 is forgiven.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil {
		return nil, fmt.Errorf("read api_url: want an address such as https://api.integrator.io")
	}
	p := strings.TrimRight(u.Path, "/")
	p = strings.TrimRight(strings.TrimSuffix(p, "/v1"), "/")
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: p}, nil
}

// session is the Gateway for one account, environment and claim.
type session struct {
	g     *Gateway
	acct  configured
	token string
	held  *holder
	claim workflows.Claim
}

// session answers ok false when no token is configured.
func (g *Gateway) session(account, environment string, claim workflows.Claim, lease workflows.Lease) (*session, bool) {
	a := g.accounts[account]
	token := strings.TrimSpace(a.Tokens[environment])
	return &session{g: g, acct: a, token: token, held: &holder{lease: lease}, claim: claim}, token != ""
}

// recordedOwner is the owner's address as the record has it now.
func (s *session) recordedOwner(ctx context.Context) string {
	if s.g.owner != nil {
		if email := s.g.owner(ctx, s.acct.ID); email != "" {
			return email
		}
	}
	return s.acct.Owner
}

// Deliver carries out a Call effect. It never repeats an unclear write on its own: it answers Again, and the next
// delivery reads first.
func (g *Gateway) Deliver(ctx context.Context, claim workflows.Claim, lease workflows.Lease) workflows.Outcome {
	call := claim.Effect.Call
	if call == nil {
		return answerOutcome(claim, nil, refuse(workflows.RefusedOther, "The effect holds no call."))
	}
	s, ok := g.session(call.Account, call.Environment, claim, lease)
	if !ok {
		switch call.Op {
		case workflows.OpInspect:
			return answerOutcome(claim, &workflows.Receipt{Reading: blind(g.now())}, nil)
		case workflows.OpReadAccess:
			return answerOutcome(claim, &workflows.Receipt{Access: blindAccess(g.now())}, nil)
		}
		return answerOutcome(claim, nil, refuse(workflows.RefusedNoToken, "No token is configured for "+place(*call)+
			"."))
	}
	if s.acct.bad != nil {
		return answerOutcome(claim, nil, refuse(workflows.RefusedOther, s.acct.bad.Error()))
	}
	receipt, err := s.carryOut(ctx, *call)
	out := answerOutcome(claim, receipt, err)
	if !out.Again {
		g.memory.forget(claim.Effect.ID)
	}
	return out
}

func place(c workflows.Call) string {
	if c.Environment == "" {
		return c.Account
	}
	return c.Account + ", environment " + c.Environment
}

// carryOut answers a receipt without its address; nil without an error when a watch learned nothing.
func (s *session) carryOut(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	switch call.Op {
	case workflows.OpInspect:
		return s.inspect(ctx, call)
	case workflows.OpInviteOwner:
		return s.inviteOwner(ctx, call)
	case workflows.OpWithdraw:
		return s.withdraw(ctx, call)
	case workflows.OpWatchTransfer:
		return s.watchTransfer(ctx, call)
	case workflows.OpInviteUser:
		return s.inviteUser(ctx, call)
	case workflows.OpSetRole:
		return s.setRole(ctx, call)
	case workflows.OpRemoveUser, workflows.OpRemoveAccess:
		return s.removeUser(ctx, call)
	case workflows.OpWithdrawUser:
		return s.withdrawUser(ctx, call)
	case workflows.OpWatchUser:
		return s.watchUser(ctx, call)
	case workflows.OpReadAccess:
		return s.readAccess(ctx, call)
	case workflows.OpGrant:
		return s.grant(ctx, call)
	case workflows.OpChangeAccess:
		return s.changeAccess(ctx, call)
	case workflows.OpCensus:
		return s.census(ctx, call)
	case workflows.OpTrace:
		return s.trace(ctx, call)
	case workflows.OpSignIns:
		return s.signIns(ctx, call)
	case workflows.OpTokens:
		return s.tokens(ctx)
	case workflows.OpReinvite:
		return s.inviteAgain(ctx, call)
	}
	return nil, refuse(workflows.RefusedOther, "This version of Keyholder does not know the operation "+call.Op+".")
}
