package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/keyring"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/tokens"
)

type docsCmd struct {
	configFlag
	Account string `arg:"" optional:"" help:"The account's ID; all of them when left out."`
	Format  string `enum:"markdown,json" default:"markdown" help:"markdown or json."`
}

// documented is one account as JSON.
type documented struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Customer string         `json:"customer,omitempty"`
	Facts    []keyring.Fact `json:"facts"`
}

// Run prints the documentation of each account: what the record, the configuration and, where a
// token reads it, integrator.io say. It does not ask Slack, so people are Slack IDs.
func (c docsCmd) Run(w *world) error {
	cfg, err := c.load(w, true)
	if err != nil {
		return err
	}
	if _, ok := cfg.Account(c.Account); c.Account != "" && !ok {
		return exitError{exitFault, fmt.Sprintf("there is no account %q in %s", c.Account, c.Config)}
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	o.Look = true
	st, err := store.Open(w.ctx, o)
	if err != nil {
		return err
	}
	defer st.Close()
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(),
		Policies: serve.Policies(cfg), Now: time.Now, Log: w.log})
	accounts, err := desk.Accounts(w.ctx)
	if err != nil {
		return err
	}
	var all []documented
	for _, a := range accounts {
		if c.Account != "" && a.Policy.ID != c.Account {
			continue
		}
		facts, err := page(w.ctx, cfg, desk, a)
		if err != nil {
			return err
		}
		all = append(all, documented{a.Policy.ID, a.Policy.Name, a.Policy.Customer, facts})
	}
	if c.Format == "json" {
		enc := json.NewEncoder(w.out)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	for _, d := range all {
		fmt.Fprint(w.out, markdown(d))
	}
	return nil
}

// page is the documentation of one account, in plain text.
func page(ctx context.Context, cfg *config.Config, desk *loops.Desk, a workflows.AccountInfo) ([]keyring.Fact,
	error) {
	open, err := desk.OpenOf(ctx, a.Policy.ID)
	if err != nil {
		return nil, err
	}
	var titles []keyring.Open
	for _, o := range open {
		titles = append(titles, keyring.Open{ID: o.ID, Title: o.Title})
	}
	k := keyring.Known{Policy: a.Policy, Account: a.State, Facts: asWritten(a.Policy),
		Users: map[string]*workflows.Census{}}
	gateway := serve.Gateway(cfg, zerolog.Nop(), time.Now, func(context.Context, string) string {
		return a.State.Owner
	})
	defer gateway.Close()
	environments := []string{""}
	for _, e := range a.Policy.Access.Environments {
		environments = append(environments, e.Name)
	}
	for _, e := range environments {
		if cfg.Token(a.Policy.ID, e) == "" {
			continue
		}
		short, cancel := context.WithTimeout(ctx, checkTimeout)
		census, err := gateway.Users(short, a.Policy.ID, e)
		cancel()
		if err == nil { // what cannot be read is shown as not read
			k.Users[e] = &census
		}
	}
	if id, err := desk.NewWorkflowID("tokens", a.Policy.ID, "tokens"); err == nil {
		if state, err := desk.State(ctx, id); err == nil {
			watched, _ := state.(tokens.State)
			if k.Tokens = watched.Known(); a.Policy.Token {
				k.OwnToken = watched.Own().Sentence()
			}
		}
	}
	facts := keyring.Page(k, titles)
	for i := range facts {
		plain := strings.ReplaceAll(facts[i].Text, workflows.Slash, cfg.Slack.Command)
		facts[i].Text = strings.ReplaceAll(workflows.Plain(plain, nil), "`", "")
		facts[i].Source = workflows.Plain(facts[i].Source, nil)
	}
	return facts, nil
}

// asWritten lets user groups stand for themselves: who is in them only Slack knows.
func asWritten(p workflows.Policy) workflows.Facts {
	f := workflows.Facts{Groups: map[string][]string{}, People: map[string]workflows.Person{}}
	named := workflows.Union(p.HolderIDs(), p.ApproverIDs(), p.Admins, p.Auditors, p.Access.Approvers,
		p.Recovery.Approvers, p.Recovery.IT, p.Review.Reviewers)
	for _, a := range p.Aliases {
		named = workflows.Union(named, a.Keepers())
	}
	for _, id := range named {
		if workflows.IsGroup(id) {
			f.Groups[id] = []string{id}
		}
	}
	return f
}

// markdown is one account for people.
func markdown(d documented) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s (%s)\n\n", d.Name, d.ID)
	if d.Customer != "" {
		fmt.Fprintf(&b, "- Customer: %s\n", d.Customer)
	}
	for _, f := range d.Facts {
		var tail []string
		if !f.Since.IsZero() {
			tail = append(tail, "since "+f.Since.UTC().Format("2006-01-02 15:04 UTC"))
		}
		if f.By != "" {
			tail = append(tail, "by "+f.By)
		}
		if f.Source != "" {
			tail = append(tail, f.Source)
		}
		end := ""
		if len(tail) > 0 {
			end = " (" + strings.Join(tail, ", ") + ")"
		}
		fmt.Fprintf(&b, "- %s: %s%s\n", f.Label, f.Text, end)
	}
	b.WriteString("\n")
	return b.String()
}
