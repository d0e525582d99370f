package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
)

type docsCmd struct {
	configFlag
	Account string `arg:"" optional:"" help:"The account's ID; all of them when left out."`
}

// Run prints the hierarchy of each account as the record knows it.
func (c docsCmd) Run(w *world) error {
	cfg, err := c.load(w, true)
	if err != nil {
		return err
	}
	if _, ok := cfg.Account(c.Account); c.Account != "" && !ok {
		return exitError{exitFault, fmt.Sprintf("there is no account %q in %s", c.Account, c.Config)}
	}
	st, err := store.Open(w.ctx, serve.StoreOptions(cfg, zerolog.Nop()))
	if err != nil {
		return err
	}
	defer st.Close()
	desk := workflows.NewDesk(workflows.DeskOptions{Store: st, Machines: serve.Machines(), Policies: serve.Policies(cfg), Now: time.Now, Log: w.log})
	accounts, err := desk.Accounts(w.ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if c.Account == "" || a.Policy.ID == c.Account {
			fmt.Fprint(w.out, hierarchy(a))
		}
	}
	return nil
}

// hierarchy is one account as Markdown. People are Slack IDs: this command does not ask Slack.
func hierarchy(a workflows.AccountInfo) string {
	var b strings.Builder
	p, s := a.Policy, a.State
	fmt.Fprintf(&b, "# %s (%s)\n\n", p.Name, p.ID)
	since := "as configured"
	if s.By != "configuration" && s.By != "" {
		since = "since " + s.Since.UTC().Format("2006-01-02 15:04 UTC") + ", by " + s.By
	}
	fmt.Fprintf(&b, "- Owner: %s (%s)\n", orUnknown(s.Owner), since)
	if s.Previous != "" {
		fmt.Fprintf(&b, "- Owner before: %s\n", s.Previous)
	}
	for _, al := range p.Aliases {
		fmt.Fprintf(&b, "- Shared mailbox %s\n  - held by: %s\n  - password: %s\n  - second factor: %s\n  - kept in: %s\n", al.Email,
			strings.Join(al.Holders, ", "), orUnknown(strings.Join(al.PasswordKeepers(), ", ")),
			orUnknown(strings.Join(al.SecondFactorKeepers(), ", ")), orUnknown(al.Vault))
	}
	fmt.Fprintf(&b, "- Approvers: %s (%d must confirm a transfer)\n", strings.Join(p.ApproverIDs(), ", "), p.Transfer.Quorum)
	fmt.Fprintf(&b, "- Administrators in Slack: %s\n\n", orUnknown(strings.Join(p.Admins, ", ")))
	return b.String()
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
