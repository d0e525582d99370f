package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/bot/stepup/idpsim"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// options of a demo.
type options struct {
	listen, integratorListen string
	names                    []string // that a browser may call the demo by, besides localhost and any address
	seed                     uint64
	faults                   bool
	integratorURL            string // what integrator.io's Link headers name; "": what the request says
	identityListen           string // of the identity provider; "": there is none
	codes                    bool   // one-time codes show who somebody is
	// redisURL is a server of one's own in place of the embedded one; edit changes the
	// configuration; from is the moment at which the demo's time begins, zero for now. They are for
	// tests.
	redisURL string
	from     time.Time
	// tour is what is tried in this world, one of the tours' IDs; "" is the transfer.
	tour string
	edit func(yaml string) string
	log  zerolog.Logger
	// stages hears what the bot does; for tests.
	stages workflows.Stages
}

// demo is the bot with its surroundings.
type demo struct {
	slack      *slacksim.Server
	integrator *integratorsim.Server
	info       integratorsim.DemoInfo
	clock      *movableClock
	cfg        *config.Config
	redis      *miniredis.Miniredis
	mail       *mailroom
	identity   *idpsim.Server // nil: there is none
	codes      bool           // see options
	tour       tour
	jumped     atomic.Int64 // the demo's time after the last jump, in microseconds; 0: there was none
	seed       uint64
	names      []string // see options
	faults     bool
	began      int64             // tells this world from the one before: when it was made, in real nanoseconds
	renew      func(tour string) // ends this world for a fresh one with that tour; nil where there is none to follow

	// now and real are what the bot's machine takes for the demo's time and for this machine's; nil: those.
	now, real func() time.Time

	slackListener, integratorListener, identityListener net.Listener

	log    zerolog.Logger
	stages workflows.Stages
}

const (
	appToken = "xapp-1-A0KEYHOLDER-demo"
	botToken = "xoxb-demo-keyholder"
)

// newDemo listens and builds both simulators and the configuration; nothing runs yet.
func newDemo(o options) (*demo, error) {
	d := &demo{clock: clockFrom(o.from), log: o.log, stages: o.stages, seed: o.seed,
		names: o.names, faults: o.faults, codes: o.codes, began: time.Now().UnixNano()}
	var err error
	if d.slackListener, err = net.Listen("tcp", o.listen); err != nil {
		return nil, fmt.Errorf("listen for the page: %w", err)
	}
	if d.integratorListener, err = net.Listen("tcp", o.integratorListen); err != nil {
		d.close()
		return nil, fmt.Errorf("listen for integrator.io: %w", err)
	}
	if o.identityListen != "" {
		if err := d.identify(o.identityListen); err != nil {
			d.close()
			return nil, err
		}
	}
	d.simulate(o)
	if err := chosen(o.tour).begin(d); err != nil {
		d.close()
		return nil, err
	}
	if d.mail, err = openMailroom(d.clock.Now, d.integrator.MailboxOff); err != nil {
		d.close()
		return nil, err
	}
	if o.redisURL == "" {
		if d.redis, err = miniredis.Run(); err != nil {
			d.close()
			return nil, fmt.Errorf("start the embedded Redis: %w", err)
		}
		o.redisURL = "redis://" + d.redis.Addr() + "/0"
	}
	if err := d.configure(o); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// simulate makes both simulators.
func (d *demo) simulate(o options) {
	io := integratorsim.Options{Seed: o.seed, Now: d.clock.Now, Public: o.integratorURL}
	so := slacksim.Options{Seed: o.seed, Now: d.clock.Now, TeamID: teamID, TeamName: "Acme", Domain: "acme",
		AppID: "A0KEYHOLDER", BotUserID: "U0KEYS", BotID: "B0KEYS",
		BotName: "keyholder", AppToken: appToken, BotToken: botToken, PanelTitle: "Outside Slack",
		Events: []string{"app_home_opened", "user_change", "user_status_changed", "file_change", "file_deleted"},
		Commands: []slacksim.SlashCommand{{Command: "/io", Description: "Ownership of integrator.io accounts",
			UsageHint:    "help | status | transfer | access | review | who | mine | delegate @person [until] | audit ID",
			ShouldEscape: true}}}
	if o.faults {
		io.Faults = integratorsim.Faults{Seed: o.seed, Rate: 0.05}
		so.Faults = someFaults
	}
	d.integrator, d.info = integratorsim.Demo(io)
	d.tour.kind = o.tour
	so.Panel = d.panel()
	d.slack = slacksim.New(so)
	d.clock.moved = d.slack.TimeMoved
	for _, u := range people() {
		d.slack.AddUser(u)
	}
	d.slack.AddChannel(slacksim.Channel{ID: opsRoom, Name: "integration-ops", Members: []string{dee, ana, ben, cat,
		jane, oli, foreign, "U0KEYS"}, ExtShared: true})
	d.slack.AddChannel(slacksim.Channel{ID: everyone, Name: "general", Members: []string{dee, ana, ben, cat, jane, oli,
		gus, "U0KEYS"}})
}

// configure takes the configuration through the same road as a file.
func (d *demo) configure(o options) error {
	text := strings.ReplaceAll(file, "INTEGRATOR", "http://"+d.integratorListener.Addr().String())
	text = chosen(o.tour).configured(text)
	if o.edit != nil {
		text = o.edit(text)
	}
	text = d.proving(text)
	env := map[string]string{
		config.EnvSlackAppToken: appToken, config.EnvSlackBotToken: botToken, config.EnvSlackAPIURL: "http://" +
			d.slackListener.Addr().String() + "/api/",
		config.EnvRedisURL: o.redisURL, mailEnv: d.mail.url(), "ACME_IO_TOKEN": d.info.ProductionToken,
		"ACME_SANDBOX_TOKEN": d.info.SandboxToken,
	}
	if d.codes {
		env[config.EnvSealKey] = demoSealKey
	}
	cfg, faults := config.Parse([]byte(text), "demo.yaml", func(k string) (string, bool) {
		v, ok := env[k]
		return v, ok
	})
	if len(faults) > 0 {
		return fmt.Errorf("the demo's configuration has faults: %s", faults[0])
	}
	d.cfg = cfg
	return nil
}

// serveSimulators runs both simulators until ctx ends.
func (d *demo) serveSimulators(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	served := map[net.Listener]http.Handler{d.slackListener: d.slack, d.integratorListener: d.integrator}
	if d.identity != nil {
		served[d.identityListener] = d.identity
	}
	for listener, handler := range served {
		srv := &http.Server{Handler: guard(d.names, handler), ReadHeaderTimeout: 5 * time.Second}
		g.Go(func() error {
			if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve a simulator: %w", err)
			}
			return nil
		})
		context.AfterFunc(ctx, func() { _ = srv.Close() })
	}
	context.AfterFunc(ctx, d.slack.Close)
	return g.Wait()
}

// serveBot runs one bot until ctx ends.
func (d *demo) serveBot(ctx context.Context) error {
	o := serve.Options{Config: d.cfg, Log: d.log, Now: d.clock.Now, RealNow: d.real, Stages: d.stages}
	if d.now != nil {
		o.Now = d.now
	}
	return serve.New(o).Run(ctx)
}

// run runs everything until ctx ends.
func (d *demo) run(ctx context.Context) error {
	defer d.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.serveSimulators(ctx) })
	g.Go(func() error { return d.serveBot(ctx) })
	return g.Wait()
}

// worlds runs one demo after the other until ctx ends: each lasts until somebody asks for a fresh
// one, which begins at the same addresses with the same seed, and with nothing in its Redis.
// started hears of each.
func worlds(ctx context.Context, o options, started func(*demo)) error {
	for {
		d, err := newDemo(o)
		if err != nil {
			return err
		}
		world, end := context.WithCancel(ctx)
		next := make(chan string, 1)
		d.renew = func(tour string) {
			select {
			case next <- tour:
				end()
			default: // somebody was first
			}
		}
		o.listen, o.integratorListen = d.slackListener.Addr().String(), d.integratorListener.Addr().String()
		if d.identity != nil {
			o.identityListen = d.identityListener.Addr().String()
		}
		started(d)
		err = d.run(world)
		end()
		select {
		case o.tour = <-next:
		default:
			return err
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// close gives back what newDemo took.
func (d *demo) close() {
	for _, l := range []net.Listener{d.slackListener, d.integratorListener, d.identityListener} {
		if l != nil {
			_ = l.Close()
		}
	}
	if d.mail != nil {
		d.mail.close()
	}
	if d.redis != nil {
		d.redis.Close()
	}
}
