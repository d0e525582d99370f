package serve

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/access"
	"github.com/keyholder/keyholder/workflows/authenticator"
	"github.com/keyholder/keyholder/workflows/docs"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/integrator"
	"github.com/keyholder/keyholder/workflows/key"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/offboard"
	"github.com/keyholder/keyholder/workflows/post"
	"github.com/keyholder/keyholder/workflows/reach"
	"github.com/keyholder/keyholder/workflows/record"
	"github.com/keyholder/keyholder/workflows/recovery"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/tokens"
	"github.com/keyholder/keyholder/workflows/transfer"
)

// Options of a server. Config must be without faults.
type Options struct {
	Config *config.Config
	Log    zerolog.Logger
	// Workspace is the name that its metrics carry, where one process has several servers; "" where it has one.
	Workspace string
	// Version of the program, for the evidence that it makes.
	Version string
	// Now is the time of commands and timers; nil: time.Now. RealNow is this machine's clock for
	// leases and back-off; nil: time.Now. The demo moves the first and never the second.
	Now, RealNow func() time.Time
	// Listening is told the address of the operators' server, once it listens.
	Listening func(addr string)
	// Stages hears what one click and one delivery go through, for traces; nil: nobody does.
	Stages workflows.Stages
}

// Server is one running Keyholder. Several may share one Redis.
type Server struct {
	o       Options
	store   *store.Store
	desk    *loops.Desk
	people  *roster.Roster
	bot     *bot.Bot
	gateway *integrator.Gateway
	courier *loops.Courier
	clock   *loops.Clock
	metrics *metrics
	redis   verdict
	crowd   crowd
	doubts  *doubts
	asides  asides
	pages   *pages
	redraw  chan struct{} // a failover was noticed
}

// Machines are the workflows this version knows.
func Machines() []workflows.Machine {
	return []workflows.Machine{transfer.Machine(), access.Machine(), drift.Watcher(),
		drift.Finding(drift.Undoing{Needs: access.UndoNeeds, Would: access.WouldUndo}), review.Campaign{},
		review.Packet{},
		review.Calendar{}, key.Use(), key.Drill(), key.SignIns(), key.Watch(), recovery.Machine(), docs.Machine(),
		offboard.Machine(), tokens.Machine(),
		reach.Machine(), authenticator.Machine(), record.Governance(), record.Checkpoints{}}
}

// New makes a Server. It does no I/O.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RealNow == nil {
		o.RealNow = time.Now
	}
	s := &Server{o: o, metrics: newMetrics(o.Workspace)}
	s.pages, s.asides.guard = newPages(s), s.guarded
	s.doubts, s.redraw = newDoubts(s), make(chan struct{}, 1)
	s.redis.Store(&state{errNotYet})
	return s
}

// StoreOptions says where the configuration keeps the record.
func StoreOptions(cfg *config.Config, log zerolog.Logger) store.Options {
	o := store.Options{URL: cfg.RedisURL(), Addrs: cfg.Redis.Addrs, Master: cfg.Redis.Master,
		Cluster: cfg.Redis.Cluster,
		Shards:  cfg.Redis.Shards, Prefix: cfg.Redis.Prefix, SealKeys: cfg.Secrets.SealKeys, Log: log}
	if cfg.Secrets.RedisURL != "" && o.Master == "" && !o.Cluster {
		o.Addrs = nil // REDIS_URL wins; with Sentinel or Cluster it gives user, password and TLS to the addresses
	}
	return o
}

// openStore waits for Redis, as it may start at the same time as we do; meanwhile /readyz says what
// is missing. The store is nil when ctx ended first.
func (s *Server) openStore(ctx context.Context) (*store.Store, error) {
	so := StoreOptions(s.o.Config, s.o.Log)
	so.RealNow, so.Doubted = s.o.RealNow, s.doubts.add
	wait := 250 * time.Millisecond
	for {
		st, err := store.Open(ctx, so)
		if err == nil {
			return st, nil
		}
		if !errors.Is(err, workflows.ErrAway) {
			return nil, err
		}
		s.redis.Store(&state{err})
		s.o.Log.Warn().Err(err).Dur(workflows.LogWait, wait).Msg("Redis cannot be reached yet")
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// Gateway makes the client of integrator.io for every configured account.
func Gateway(cfg *config.Config, log zerolog.Logger, now func() time.Time,
	owner func(context.Context, string) string) *integrator.Gateway {
	var accounts []integrator.Account
	for _, a := range cfg.Accounts {
		accounts = append(accounts, integrator.Account{ID: a.ID, APIBase: a.APIBase(), Owner: a.Owner,
			Tokens: gatewayEnvironments(cfg, a)})
	}
	return integrator.New(integrator.Options{Accounts: accounts, Log: log, Now: now, Owner: owner})
}

// Slack makes the road to the Web API that the configuration names. limited hears of calls that
// Slack answers with 429; nil: nobody does.
func Slack(cfg *config.Config, log zerolog.Logger, limited func(method string)) (*slackapi.Client, error) {
	return slackapi.New(slackapi.Options{AppToken: cfg.Secrets.SlackAppToken, BotToken: cfg.Secrets.SlackBotToken,
		AppTokenName: cfg.Slack.AppTokenEnv, BotTokenName: cfg.Slack.BotTokenEnv,
		URL: cfg.Secrets.SlackAPIURL, Log: log, Limited: limited})
}

func (s *Server) wire() error {
	o, cfg := s.o, s.o.Config
	api, err := Slack(cfg, o.Log, s.metrics.slackLimited)
	if err != nil {
		return fmt.Errorf("set up the Slack side: %w", err)
	}
	s.people = roster.New(api, o.Now, o.RealNow)
	s.desk = loops.NewDesk(loops.DeskOptions{Store: s.store, Machines: Machines(), Roster: s.people,
		Policies: Policies(cfg),
		Now:      o.Now, RealNow: o.RealNow, Log: o.Log, Wake: s.wake, Stages: o.Stages})
	s.bot, err = bot.New(bot.Options{API: api, People: s.people, Command: cfg.Slack.Command, Desk: s.desk,
		Forms:    s.forms(),
		Machines: []string{"review", "drill", "authenticator"}, StepUp: StepUp(cfg, o.RealNow), Asked: s.store,
		Codes: Codes(cfg, o.RealNow), Changed: s.personChanged,
		Census: s.census, Tokens: s.apiTokens, Looked: s.lookForDrift, Evidence: s.Evidence, Log: o.Log,
		Now:     o.Now,
		RealNow: o.RealNow, Metrics: s.metrics.bot(s.crowd.hello), Stages: o.Stages})
	if err != nil {
		return fmt.Errorf("set up the Slack side: %w", err)
	}
	// A reading's time is compared with the time of the command that it answers, so both come from the same clock.
	s.gateway = Gateway(cfg, o.Log, o.Now, func(ctx context.Context, account string) string {
		owner, err := s.desk.Owner(ctx, account)
		if err != nil {
			return ""
		}
		return owner
	})
	letters, err := Post(cfg, o.Now)
	if err != nil {
		return err
	}
	s.courier = loops.NewCourier(loops.CourierOptions{Store: s.store, Desk: s.desk, Cards: s.bot,
		Calls: s.gateway, Checkpoints: checkpoints{s}, Post: letters,
		Pages: s.pages, Now: o.Now, RealNow: o.RealNow,
		Ready: s.ready, Log: o.Log, Observe: s.metrics.observe, Note: s.metrics.note, Stages: o.Stages})
	s.clock = loops.NewClock(loops.ClockOptions{Store: s.store, Desk: s.desk, Now: o.Now, RealNow: o.RealNow,
		Ready: s.ready, Log: o.Log, Stages: o.Stages})
	return nil
}

// AsksForProofs reports whether any account names a click that wants one.
func AsksForProofs(cfg *config.Config) bool {
	return slices.ContainsFunc(cfg.Accounts, func(a config.Account) bool { return len(a.StepUp) > 0 })
}

// Codes makes what looks at one-time codes; nil where they are off. now is this machine's clock, as phones know it.
func Codes(cfg *config.Config, now func() time.Time) *stepup.Codes {
	if !cfg.StepUp.TOTP {
		return nil
	}
	return stepup.NewCodes(stepup.CodeOptions{Keys: cfg.Secrets.SealKeys, MaxAge: cfg.StepUp.MaxAge.Std(),
		Issuer: "Keyholder", Now: now})
}

// StepUp makes the client of the identity provider; nil where no account asks for a proof, or one-time codes do
// without a provider. now is this machine's clock: a token's times are real ones.
func StepUp(cfg *config.Config, now func() time.Time) *stepup.Provider {
	if !AsksForProofs(cfg) || cfg.StepUp.Issuer == "" && cfg.StepUp.TOTP {
		return nil
	}
	s := cfg.StepUp
	return stepup.New(stepup.Options{Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: cfg.Secrets.StepUpSecret,
		Claim:  s.Claim,
		MaxAge: s.MaxAge.Std(), AuthTimeOptional: s.AuthTime == config.Optional,
		EmailVerifiedOptional: s.EmailVerified == config.Optional, Now: now})
}

// Post makes what sends letters and alarms; without settings for them it refuses each.
func Post(cfg *config.Config, now func() time.Time) (*post.Post, error) {
	names := map[string]string{}
	for _, a := range cfg.Accounts {
		names[a.ID] = a.Name
	}
	p, err := post.New(post.Options{MailURL: cfg.Secrets.MailURL, From: cfg.Mail.From, AlarmTo: cfg.Alarm.To,
		Webhook:       cfg.Secrets.AlarmWebhook,
		WebhookSecret: cfg.Secrets.AlarmSecret, Names: names, Now: now})
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return p, nil
}

// wake lets the loops look at once after a commit.
func (s *Server) wake(w loops.Woken) {
	if w.Effects {
		s.courier.Wake(w.Shard)
	}
	if w.Timers {
		s.clock.Wake(w.Shard)
	}
}

// Run works until ctx ends, then answers nil; or answers what cannot be mended by waiting, as a
// revoked token. It can be called once. Operators are answered from the first moment, while a Redis
// that is away is waited for.
func (s *Server) Run(ctx context.Context) error {
	listener, err := Listen(s.o.Config.Listen, s.o.Listening)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		all := prometheus.Gatherers{s.Metrics(), Process()}
		return Operators{Unready: s.Unready, Metrics: func() prometheus.Gatherer { return all }}.Serve(ctx, listener)
	})
	// Nothing of this outlives work's end, so that the store is closed after the last who uses it.
	g.Go(func() error { return s.Work(ctx) })
	return g.Wait()
}

// Work is Run without an answer to operators, for a process that has several servers. A panic in one
// of its loops ends it with an error, and nothing beside it.
func (s *Server) Work(ctx context.Context) error {
	st, err := s.openStore(ctx)
	if st == nil || err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	s.store = st
	if err := s.wire(); err != nil {
		return err
	}
	defer s.gateway.Close()
	if err := s.seal(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	s.look(ctx)
	s.asides.begin(ctx)
	defer s.asides.end()
	g, ctx := errgroup.WithContext(ctx)
	for _, loop := range []func(context.Context) error{
		s.watchRedis, s.courier.Run, s.clock.Run, s.sweep, s.watchDrift, s.keepCalendars, s.watchKeys, s.watchTokens,
		s.tellOfRecord, s.countProcesses, s.measure, s.resealCodes} {
		g.Go(func() error { return s.guarded(ctx, loop) })
	}
	g.Go(func() error { return s.guarded(ctx, s.speak) })
	return g.Wait()
}

// speak speaks with Slack until ctx ends.
func (s *Server) speak(ctx context.Context) error {
	s.recordRules(ctx) // first: nobody's click is decided by rules that the record does not name
	if err := s.bot.Run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("speak with Slack: %w", err)
	}
	return nil
}

// guarded runs a loop and makes an error of a panic.
func (s *Server) guarded(ctx context.Context, loop func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error().Interface(workflows.LogPanic, p).Bytes("stack", debug.Stack()).Msg("the program stumbled")
			err = fmt.Errorf("the program stumbled: %v", p)
		}
	}()
	return loop(ctx)
}

// sweepEvery is how often what the open workflows want is set again; the first time is at the start.
const sweepEvery = 24 * time.Hour

// sweep sets again, at the start and daily, what the record wants and somebody may have removed from Redis.
func (s *Server) sweep(ctx context.Context) error {
	for {
		wait := sweepEvery
		n, err := s.sweepOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Log.Warn().Err(err).Int("workflows", n).Msg("what open workflows want cannot be looked at yet")
			wait = startRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.redraw:
		case <-time.After(wait):
		}
	}
}

// sweepOnce looks at what is open, and draws all of its cards again where a failover was noticed.
func (s *Server) sweepOnce(ctx context.Context) (int, error) {
	if !s.store.FailedOver() {
		return s.desk.Sweep(ctx)
	}
	s.o.Log.Warn().Msg("Redis has failed over: the cards of everything open are drawn again")
	n, err := s.desk.Redraw(ctx)
	if err == nil {
		err = s.store.NoteMasters(ctx)
	}
	return n, err
}
