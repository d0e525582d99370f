package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
	"github.com/keyholder/keyholder/workflows/loops"
)

// stepUp looks at the identity provider, if a proof is asked for anywhere, and asks nobody.
func (f *findings) stepUp(ctx context.Context, cfg *config.Config) {
	f.head("Proof of who clicked")
	p := serve.StepUp(cfg, time.Now)
	if cfg.StepUp.TOTP && serve.AsksForProofs(cfg) {
		f.codes(ctx, cfg, p != nil)
		if p == nil {
			return
		}
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

// codes says how one-time codes stand: the key that seals, the clock, and who could show who they are. beside says that
// there is an identity provider as well.
func (f *findings) codes(ctx context.Context, cfg *config.Config, beside bool) {
	if len(cfg.Secrets.SealKeys) == 0 {
		f.open("one-time codes cannot be used: %s is not set", config.EnvSealKey)
		return
	}
	f.good("one-time codes are taken: people set up their authenticator app by %s step-up, and administrators are told of each", cfg.Slack.Command)
	ctx, cancel := context.WithTimeout(ctx, 2*checkTimeout)
	defer cancel()
	api, err := serve.Slack(cfg, zerolog.Nop(), nil)
	if err != nil {
		f.open("clock and apps were not looked at: the Slack tokens are missing or of the wrong kind")
		return
	}
	f.phoneClock(ctx, api)
	f.apps(ctx, cfg, roster.New(api, time.Now, nil), beside)
}

const (
	// clockNear is how far this machine's clock may be from Slack's, which is told to the second; beyond codeClock the
	// codes of phones that are right are refused, for half a minute is one step of theirs.
	clockNear = 5 * time.Second
	codeClock = 30 * time.Second
)

// phoneClock compares this machine's clock with Slack's, in place of those of phones: codes go by it.
func (f *findings) phoneClock(ctx context.Context, api *slackapi.Client) {
	me, err := api.Introduce(ctx)
	if err != nil || me.At.IsZero() {
		f.open("codes go by this machine's clock, and Slack did not say what time it is")
		return
	}
	apart := time.Since(me.At).Abs().Round(time.Second)
	switch {
	case apart >= codeClock:
		f.bad("this machine's clock is %s away from Slack's, and codes go by it: those of phones that are right are refused. "+
			"Have it set itself (NTP).", apart)
	case apart > clockNear:
		f.note("this machine's clock is %s away from Slack's, and codes go by it; half a minute is all that is allowed for, a phone's fault included. "+
			"Have it set itself (NTP).", apart)
	default:
		f.good("this machine's clock, by which codes go, is that of Slack; phones set theirs by themselves")
	}
}

// apps says who of those who are asked for proofs could give one by a code.
func (f *findings) apps(ctx context.Context, cfg *config.Config, people workflows.Roster, beside bool) {
	if cfg.RedisURL() == "" && len(cfg.Redis.Addrs) == 0 {
		return
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	o.Look = true
	st, err := store.Open(ctx, o)
	if err != nil {
		f.open("who has an authenticator app is not known: Redis could not be looked at")
		return
	}
	defer st.Close()
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(), Roster: people,
		Policies: serve.Policies(cfg), Now: time.Now, Log: zerolog.Nop()})
	asked, admins := f.proving(ctx, cfg, people)
	by := map[string][]string{} // how apps stand, and whose
	for _, id := range asked {
		how, err := appStanding(ctx, desk, serve.Codes(cfg, time.Now), id)
		if err != nil {
			f.open("who has an authenticator app is not known: %v", err)
			return
		}
		by[how] = append(by[how], id)
	}
	f.appsOf(cfg.Slack.Command, asked, by, beside)
	able := 0
	for _, id := range admins {
		if slices.Contains(by[authenticator.Counting], id) {
			able++
		}
	}
	if !beside && able > 0 && able < 2 {
		f.note("of the administrators only one has an app that counts, and a reset takes two: %s",
			strings.Join(admins, ", "))
	}
}

// proving are those who decide what wants a proof, and the administrators who look after apps, whose own clicks want
// one.
func (f *findings) proving(ctx context.Context, cfg *config.Config, people workflows.Roster) (all, admins []string) {
	facts := workflows.Facts{Groups: map[string][]string{}}
	named, _ := cfg.Proving()
	for _, a := range cfg.Accounts {
		all = workflows.Union(all, a.ProvingIDs())
	}
	for _, id := range workflows.Union(all, named) {
		if !workflows.IsGroup(id) {
			continue
		}
		members, err := people.Group(ctx, id)
		if err != nil {
			f.open("whether the members of %s have an authenticator app is not known: the group cannot be read", id)
		}
		facts.Groups[id] = append([]string{}, members...)
	}
	admins = facts.Expand(named)
	return workflows.Union(facts.Expand(all), admins), admins
}

// The standings of apps beside the stages of [authenticator].
const (
	appNone = "none"
	appLost = "lost"
)

// appStanding says how somebody's app stands: a stage, appNone or appLost.
func appStanding(ctx context.Context, desk *loops.Desk, codes *stepup.Codes, person string) (string, error) {
	id, err := desk.NewWorkflowID("authenticator", workflows.AccountOfPeople, person)
	if err != nil {
		return "", err
	}
	state, err := desk.State(ctx, id)
	app, ok := state.(authenticator.State)
	switch {
	case errors.Is(err, workflows.ErrNoWorkflow):
		return appNone, nil
	case err != nil:
		return "", err
	case !ok || app.Closed():
		return appNone, nil
	}
	if _, err := codes.Reseal(app.Sealed, workflows.Person{ID: app.Person, Team: app.Team}); err != nil {
		return appLost, nil
	}
	return app.Stage, nil
}

// appsOf tells how many can give a code, and what keeps the others from it.
func (f *findings) appsOf(command string, asked []string, by map[string][]string, beside bool) {
	counting := by[authenticator.Counting]
	switch {
	case len(asked) == 0:
		return
	case beside:
		f.good("%d of %s whose clicks ask for a proof can give it by a code; the others are asked at the identity provider",
			len(counting), count(len(asked), "person"))
	case len(counting) == 0:
		f.note("nobody of %s whose clicks ask for a proof has an authenticator app that counts yet, so each of those clicks is refused. "+
			"They set one up by %s step-up, and it counts 24 hours later: ask them a day before step_up is to hold.",
			count(len(asked), "person"), command)
	default:
		f.good("%d of %s whose clicks ask for a proof have an authenticator app that counts", len(counting),
			count(len(asked), "person"))
	}
	for _, x := range []struct{ how, text string }{
		{appNone, "have no authenticator app, and set one up by " + command + " step-up"},
		{authenticator.Waiting, "have set one up that does not count yet: after 24 hours, or by the word of an administrator"},
		{authenticator.Locked, "typed five wrong codes: two administrators reset the app by " + command + " step-up reset"},
		{appLost, "have an app whose secret opens with no key in " + config.EnvSealKey + ": put the old key back as the last of the list, or they set up another one"},
	} {
		if x.how == appNone && (beside || len(by[appNone]) == len(asked)) {
			continue
		}
		if whose := by[x.how]; len(whose) > 0 {
			f.note("%s %s", strings.Join(whose, ", "), x.text)
		}
	}
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
	f.head("Proof of who clicked")
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
