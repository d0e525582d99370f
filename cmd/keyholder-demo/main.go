package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"
)

// commands are the demo, which needs no word, and the Slack alone.
type commands struct {
	Demo  flags      `cmd:"" default:"withargs" help:"Keyholder with everything around it (this is what runs without a word)."`
	Slack slackFlags `cmd:"" help:"Only the Slack, for a bot of your own: its page, its inspector and its clock."`
}

// flags are the contract's.
type flags struct {
	Listen           string `default:"127.0.0.1:8888" help:"Where the page and Slack's Web API are."`
	IntegratorListen string `name:"integrator-listen" default:"127.0.0.1:8889" help:"Where integrator.io's API is."`
	IntegratorURL    string `name:"integrator-url" placeholder:"URL" help:"The address that integrator.io's Link headers name, where a proxy with TLS stands before it."`
	Seed             uint64 `default:"1" help:"Makes IDs and faults repeatable."`
	Faults           bool   `help:"Let Slack and integrator.io misbehave."`
	StepUp           bool   `name:"step-up" help:"Ask for a proof at an identity provider of the demo's own before the votes that matter count."`
	TOTP             bool   `name:"totp" help:"Take one-time codes of an authenticator app for that proof: /io step-up sets one up, and the panel has an app to try it with."`
	IdentityListen   string `name:"identity-listen" default:"127.0.0.1:8890" help:"Where that identity provider is."`
	Verbose          bool   `short:"v" help:"Write the bot's log to standard error."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run answers the exit code: 0 good, 1 fault, 2 usage.
func run(args []string, out, errw io.Writer) (code int) {
	var c commands
	parser, err := kong.New(&c, kong.Name("keyholder-demo"),
		kong.Description("Keyholder with a Slack, an integrator.io and a Redis inside, for a laptop."),
		kong.Writers(out, errw), kong.Exit(func(code int) { panic(helped(code)) }))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	defer func() {
		if p := recover(); p != nil {
			h, ours := p.(helped)
			if !ours {
				panic(p)
			}
			code = int(h)
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errw, "keyholder-demo: %v\nTry: keyholder-demo --help\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if parsed.Command() == "slack" {
		return runSlack(ctx, c.Slack, out, errw)
	}
	return runDemo(ctx, c.Demo, out, errw)
}

// runSlack runs the Slack alone until ctx ends.
func runSlack(ctx context.Context, f slackFlags, out, errw io.Writer) int {
	d, err := newSolo(f)
	if err == nil {
		d.welcome(out)
		host, _, _ := net.SplitHostPort(f.Listen)
		err = d.run(ctx, host)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(errw, "keyholder-demo slack: %v\n", err)
		return 1
	}
	return 0
}

// runDemo runs one world after the other until ctx ends.
func runDemo(ctx context.Context, f flags, out, errw io.Writer) int {
	log := zerolog.Nop()
	if f.Verbose {
		log = zerolog.New(zerolog.ConsoleWriter{Out: errw, TimeFormat: time.TimeOnly}).With().Timestamp().Logger()
	}
	first := true
	slackHost, _, _ := net.SplitHostPort(f.Listen)
	integratorHost, _, _ := net.SplitHostPort(f.IntegratorListen)
	o := options{listen: f.Listen, integratorListen: f.IntegratorListen, names: []string{slackHost, integratorHost},
		integratorURL: f.IntegratorURL, seed: f.Seed, faults: f.Faults, codes: f.TOTP, log: log}
	if u, err := url.Parse(f.IntegratorURL); err == nil && u.Host != "" {
		o.names = append(o.names, u.Hostname())
	}
	if f.StepUp {
		identityHost, _, _ := net.SplitHostPort(f.IdentityListen)
		o.identityListen, o.names = f.IdentityListen, append(o.names, identityHost)
	}
	err := worlds(ctx, o, func(d *demo) {
		if first {
			fmt.Fprint(out, d.welcome(f))
			first = false
			return
		}
		fmt.Fprintln(out, "A fresh world has begun, at the same addresses.")
	})
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(errw, "keyholder-demo: %v\n", err)
		return 1
	}
	return 0
}

// helped carries kong's exit code of --help.
type helped int

// welcome is what a newcomer reads first.
func (d *demo) welcome(f flags) string {
	var b strings.Builder
	slack, io := "http://"+d.slackListener.Addr().String(), "http://"+d.integratorListener.Addr().String()
	fmt.Fprintf(&b, "Keyholder is running with its own Slack and integrator.io.\n\n  Open %s/ in a browser.\n\n", slack)
	fmt.Fprintf(&b, "Jane owns Acme Production and leaves in two weeks. Act as Dee, type\n\n  /io transfer\n\nin #integration-ops, and hand the account to %s. Then act as Ana, Ben and Cat.\nThe panel on the right has a tour of all this.\n\n", aliasEmail)
	fmt.Fprintf(&b, "Slack's Web API      %s/api/\n  app-level token    %s\n  bot token          %s\n", slack, appToken,
		botToken)
	fmt.Fprintf(&b, "integrator.io's API  %s/v1/\n  account            %s (%s), owner %s\n  production token   %s\n  sandbox token      %s\n", io, "Acme Production", d.info.AccountID, ownerEmail, d.info.ProductionToken, d.info.SandboxToken)
	b.WriteString("  tokens of people\n")
	var emails []string
	for e := range d.info.PersonTokens {
		emails = append(emails, e)
	}
	sort.Strings(emails)
	for _, e := range emails {
		fmt.Fprintf(&b, "    %-18s %s\n", e, d.info.PersonTokens[e])
	}
	b.WriteString("People in Slack\n")
	for _, u := range people() {
		fmt.Fprintf(&b, "  %-8s %-14s %s\n", u.ID, u.RealName, u.Title)
	}
	if d.identity != nil {
		fmt.Fprintf(&b, "The identity provider is at http://%s; it is asked by: %s.\n", d.identityListener.Addr(),
			strings.Join(shownClicks, ", "))
	}
	if d.codes {
		fmt.Fprintf(&b, "One-time codes show who you are, for: %s. Set one up with /io step-up; the panel has an authenticator app.\n", strings.Join(shownClicks, ", "))
	}
	if f.Faults {
		fmt.Fprintf(&b, "Both services misbehave, seed %d.\n", f.Seed)
	}
	b.WriteString("\nEverything is gone when this ends: press Ctrl-C.\n")
	return b.String()
}
