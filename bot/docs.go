package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/docs"
	"github.com/keyholder/keyholder/workflows/keyring"
)

// Documentation waits so long for the lists of users of one account, and so long from the moment of
// the command for those of all; what did not come is shown as not read. The answer has to be there
// within Slack's three seconds.
const (
	docsPatience  = 900 * time.Millisecond
	readingBudget = 1500 * time.Millisecond
)

// wordDocs shows the documentation of one account, or publishes it, or ends that: "[account] [publish|unpublish]".
func (v *visit) wordDocs(ctx context.Context, rest string) (workflows.Reply, error) {
	do, named := "", []string{}
	for _, w := range strings.Fields(rest) {
		bare := strings.ToLower(strings.Trim(w, "`\"'“”.,!?"))
		if do == "" && (bare == "publish" || bare == "unpublish") {
			do = bare
			continue
		}
		named = append(named, w)
	}
	a, _, err := v.find(ctx, strings.Join(named, " "))
	if err != nil {
		return workflows.Reply{}, err
	}
	switch do {
	case "publish":
		return v.publish(ctx, a, docs.Publish)
	case "unpublish":
		return v.publish(ctx, a, docs.Unpublish)
	}
	known, err := v.known(ctx, a)
	if err != nil {
		return workflows.Reply{}, err
	}
	all, err := v.b.o.Desk.OpenOf(ctx, a.Policy.ID)
	if err != nil {
		return workflows.Reply{}, err
	}
	var open []keyring.Open
	for _, o := range all {
		open = append(open, keyring.Open{ID: o.ID, Title: o.Title})
	}
	restricted := v.mayKey(ctx, a, false) == nil
	lines := []string{"*" + workflows.Esc(a.Policy.Name) + "* (`" + a.Policy.ID + "`)"}
	if a.Policy.Customer != "" {
		lines = append(lines, "*Customer:* "+workflows.Esc(a.Policy.Customer))
	}
	above, hidden := slices.Clone(lines), false
	for _, f := range keyring.Page(known, open) {
		if f.Restricted && !restricted {
			hidden = true
			continue
		}
		lines = append(lines, f.Line())
		if !inSeats[f.Key] {
			above = append(above, f.Line())
		}
	}
	if hidden {
		not := "Where the secret is kept, and who can use password and second factor, is shown to holders, keepers, administrators and auditors."
		lines, above = append(lines, not), append(above, not)
	}
	v.seatsTable(known, restricted, above)
	return say(v.b.fill(strings.Join(lines, "\n"))), nil
}

// inSeats are the facts that the table of people shows.
var inSeats = map[string]bool{keyring.Mailbox: true, keyring.Password: true, keyring.SecondFactor: true,
	"administrators": true, "approvers": true, "access_approvers": true, "reviewers": true, "auditors": true}

// seatsTable shows who holds which part of the key and may do what; restricted: to somebody who may see
// the parts that are not for everybody.
func (v *visit) seatsTable(k keyring.Known, restricted bool, above []string) {
	p := k.Policy
	parts := []struct{ part, column string }{{keyring.Mailbox, "Mailbox"}}
	if restricted {
		parts = append(parts, []struct{ part, column string }{{keyring.Password, "Password"},
			{keyring.SecondFactor, "Second factor"}}...)
	}
	t := draw.Table{Caption: "Who holds which part of the key of " + p.Name + ", and may do what",
		Columns: []string{"Person"}}
	if len(p.Aliases) > 1 {
		t.Columns = append(t.Columns, "Shared mailbox")
	}
	for _, c := range parts {
		t.Columns = append(t.Columns, c.column)
	}
	t.Columns = append(t.Columns, "May")
	for _, s := range keyring.Seats(k) {
		row := []draw.Cell{draw.TextCell(s.Person)}
		if roster.IsPerson(s.Person) {
			row[0] = draw.PersonCell(s.Person)
		}
		if len(p.Aliases) > 1 {
			row = append(row, draw.TextCell(s.Alias))
		}
		shown := len(s.May) > 0
		for _, c := range parts {
			proof, held := s.Key[c.part]
			shown = shown || held
			row = append(row, proofCell(proof, held))
		}
		if row = append(row, draw.TextCell(strings.Join(s.May, ", "))); shown {
			t.Rows = append(t.Rows, row)
		}
	}
	var below []string
	if most := draw.TableRows; len(t.Rows) > most {
		below = append(below, fmt.Sprintf("%d people with less are not shown.", len(t.Rows)-most))
		t.Rows = t.Rows[:most]
	}
	v.table(t, above, append(below, fmt.Sprintf("It takes %d to confirm a transfer and %d to approve access. "+
		"“–”: not theirs. All as configured.", p.Transfer.Quorum, p.Access.Quorum)))
}

// proofCell is a part of a key: when it was last shown, and whether Keyholder saw it.
func proofCell(p workflows.Proof, held bool) draw.Cell {
	switch {
	case !held:
		return draw.TextCell("")
	case p.How == workflows.Verified || p.How == workflows.Attested:
		return draw.DayCell(p.At, p.How)
	}
	return draw.TextCell("never shown")
}

// known is what is known of an account now. Lists of users that do not come in time are left out.
func (v *visit) known(ctx context.Context, a workflows.AccountInfo, others ...string) (keyring.Known, error) {
	facts, err := v.b.o.Desk.Around(ctx, a.Policy.ID, others...)
	if err != nil {
		return keyring.Known{}, err
	}
	k := keyring.Known{Policy: a.Policy, Account: a.State, Facts: facts, Users: map[string]*workflows.Census{}}
	watched := v.tokens(ctx, a.Policy.ID)
	if a.Policy.Token {
		k.OwnToken = watched.Own().Sentence()
	}
	k.Tokens = watched.Known()
	if v.b.o.Census == nil {
		return k, nil
	}
	left := min(docsPatience, readingBudget-v.b.o.RealNow().Sub(v.at))
	if left <= 0 {
		return k, nil
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, env := range environmentsOf(a.Policy) {
		all.Go(func() {
			census, err := v.b.o.Census(ctx, a.Policy.ID, env.value)
			if err != nil {
				return // it is shown as not read
			}
			mu.Lock()
			defer mu.Unlock()
			k.Users[env.value] = &census
		})
	}
	all.Wait()
	return k, nil
}

// wordWhatIf tells what rests on a person, by account, worst first.
func (v *visit) wordWhatIf(ctx context.Context, rest string) (workflows.Reply, error) {
	who, ok := mentioned(unquote(rest))
	if !ok || !roster.IsPerson(who) {
		return say(v.b.fill(
			"Who? Pick the person from the list that Slack shows after you type @: `{command} whatif @person`.")), nil
	}
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	var lines []string
	hidden, rests := 0, false
	for _, a := range accounts {
		if who != v.who.user && v.mayAskAbout(ctx, a) != nil {
			hidden++
			continue
		}
		found, err := v.restsOn(ctx, a, who)
		if err != nil {
			return workflows.Reply{}, err
		}
		rests = rests || len(found) > 0
		lines = append(lines, found...)
	}
	if hidden == len(accounts) && hidden > 0 {
		return workflows.Reply{}, workflows.Refuse("not_permitted",
			"Holders, administrators and auditors can ask what rests on others; you can ask about yourself. Nothing was recorded.")
	}
	waiting, err := v.b.o.Desk.WaitingFor(ctx, who)
	if err != nil {
		return workflows.Reply{}, err
	}
	if n := len(waiting); n > 0 && who == v.who.user {
		rests = true
		lines = append(lines, "*Waiting for them:*")
		lines = append(lines, v.b.list(ctx, waiting, v.who.user)...)
	} else if n > 0 {
		rests = true
		lines = append(lines, "*Waiting for them:* "+workflows.Plural(n, "thing")+
			"; they can let somebody decide in their place with `{command} delegate @person`.")
	}
	v.offerOffboarding(ctx, accounts, who, rests)
	head := "*What rests on " + workflows.Mention(who) + "*"
	if !rests {
		lines = append(lines, "Nothing rests on them.")
	}
	if hidden > 0 {
		lines = append(lines, workflows.Plural(hidden, "account")+" not shown: you may not ask about them there.")
	}
	return say(v.b.fill(head + "\n" + strings.Join(lines, "\n"))), nil
}

// mayAskAbout refuses who may not ask what rests on others in an account.
func (v *visit) mayAskAbout(ctx context.Context, a workflows.AccountInfo) error {
	if v.isOneOf(ctx, slices.Concat(a.Policy.HolderIDs(), a.Policy.Admins, a.Policy.Auditors)) {
		return nil
	}
	return workflows.Refuse("not_permitted", "Holders, administrators and auditors can ask that.")
}

// restsOn is what rests on a person in one account; nothing when nothing does.
func (v *visit) restsOn(ctx context.Context, a workflows.AccountInfo, who string) ([]string, error) {
	k, err := v.known(ctx, a, who)
	if err != nil {
		return nil, err
	}
	loss := keyring.WhatIf(k, who)
	var out []string
	for _, g := range loss.Gaps {
		out = append(out, "! "+g.Sentence(a.Policy.ID))
	}
	for _, h := range loss.Holdings {
		out = append(out, "• "+h.Sentence())
	}
	dying, outliving := keyring.TokensOf(k, who)
	for _, t := range dying {
		out = append(out, "! An API token of theirs dies with their access: "+t+
			". Make one of the account before, where something uses it.")
	}
	if len(out) > 0 && len(outliving) > 0 { // whoever has no part in the account knows none of its tokens
		out = append(out, "• API tokens of the account outlive them; revoke those that they know: "+
			workflows.List(outliving[:min(len(outliving), maxListed)], "and"))
	}
	for _, d := range k.Facts.Delegations {
		if !d.ActiveAt(v.b.at()) {
			continue
		}
		if d.From == who {
			out = append(out, "• "+workflows.Mention(d.To)+" decides in their place, until "+workflows.When(d.Until))
		} else if d.To == who {
			out = append(out, "• decides in the place of "+workflows.Mention(d.From)+", until "+workflows.When(d.Until))
		}
	}
	var unread []string
	for _, env := range environmentsOf(a.Policy) {
		if k.Users[env.value] == nil {
			unread = append(unread, env.title)
		}
	}
	if len(unread) > 0 && len(out) > 0 {
		out = append(out, "Users not read: "+workflows.Esc(strings.Join(unread, ", "))+".")
	}
	if len(out) > 0 {
		out = append([]string{"*" + workflows.Esc(a.Policy.Name) + "* (`" + a.Policy.ID + "`)"}, out...)
	}
	return out, nil
}
