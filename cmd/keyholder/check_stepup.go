package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows"
)

// stepUp looks at the identity provider, if a proof is asked for anywhere, and asks nobody.
func (f *findings) stepUp(ctx context.Context, cfg *config.Config) {
	f.head("Proof at the identity provider")
	p := serve.StepUp(cfg, time.Now)
	if cfg.StepUp.TOTP && serve.AsksForProofs(cfg) {
		f.codes(cfg)
	}
	if p == nil && cfg.StepUp.TOTP && serve.AsksForProofs(cfg) {
		return
	}
	if p == nil {
		f.note("no click asks for a proof (step_up of an account): " +
			"whoever has a holder's Slack session can vote in their place")
		return
	}
	if cfg.StepUp.Issuer == "" {
		f.open("not looked at: no identity provider is named")
		return
	}
	if f.discover(ctx, p, cfg) {
		f.good("%s takes sign-ins by code; nobody was asked. One proof, to see which claims come: keyholder check --step-up",
			cfg.StepUp.Issuer)
	}
}

// codes says how one-time codes stand.
func (f *findings) codes(cfg *config.Config) {
	if len(cfg.Secrets.SealKeys) == 0 {
		f.open("one-time codes cannot be used: %s is not set", config.EnvSealKey)
		return
	}
	f.good("one-time codes are taken: people set up their authenticator app by %s step-up, and administrators are told of each", cfg.Slack.Command)
}

func (f *findings) discover(ctx context.Context, p *stepup.Provider, cfg *config.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := p.Discover(ctx)
	switch {
	case errors.Is(err, stepup.ErrNoDeviceFlow):
		f.bad("%s offers no sign-in by code (device authorization, RFC 8628), so nobody could show who they are. "+
			"Switch it on there, for this client and for the whole, or take another issuer.", cfg.StepUp.Issuer)
	case err != nil:
		f.bad("the identity provider cannot be used: %v. Compare step_up.issuer with what its own settings say.", err)
	}
	return err == nil
}

// walkStepUp has the operator sign in once, and says what the provider said.
func (f *findings) walkStepUp(ctx context.Context, cfg *config.Config) error {
	f.head("Proof at the identity provider")
	p := serve.StepUp(cfg, time.Now)
	if cfg.StepUp.TOTP && p == nil {
		return exitError{exitFault,
			"there is no identity provider to walk to: proofs are by one-time codes, which people set up in Slack by " +
				cfg.Slack.Command + " step-up"}
	}
	if p == nil || cfg.StepUp.Issuer == "" {
		return exitError{exitFault,
			"no click asks for a proof: name some in step_up of an account, and the provider in step_up"}
	}
	if !f.discover(ctx, p, cfg) {
		return exitError{exitFault, count(f.faults, "fault") + " found"}
	}
	q, err := p.Ask(ctx)
	if err != nil {
		f.bad("%s", sentence(err))
		return exitError{exitFault, count(f.faults, "fault") + " found"}
	}
	fmt.Fprintf(f.w.out, "  Open %s\n  compare the code %s, sign in and say yes. Waiting until %s.\n",
		q.Link, q.Code, q.Ends.Local().Format(time.TimeOnly))
	claims, err := p.Claims(ctx, q)
	if err != nil {
		f.bad("%s", sentence(err))
		return exitError{exitFault, count(f.faults, "fault") + " found"}
	}
	for _, c := range claims {
		switch {
		case c.Fault != "":
			f.bad("%s", c.Fault)
		case c.Value == "":
			f.open("%s: did not come; it is not needed", c.Name)
		default:
			f.good("%s: %s", c.Name, c.Value)
		}
	}
	if f.faults > 0 {
		return exitError{exitFault, count(f.faults, "fault") + " found"}
	}
	return nil
}

// sentence is what an error says to people, with its cause.
func sentence(err error) string {
	if r, ok := errors.AsType[*workflows.Refusal](err); ok && err.Error() != r.Error() {
		return r.Text + " (" + err.Error() + ")"
	} else if ok {
		return r.Text
	}
	return err.Error()
}
