package bot

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/key"
	"github.com/keyholder/keyholder/workflows/keyring"
	"github.com/keyholder/keyholder/workflows/worktime"
)

const (
	// homeAtOnce is how many accounts are read side by side for one Home, homeReading how long all of them may take.
	homeAtOnce  = 8
	homeReading = 4 * time.Second
	// homeSection is how much of a section the lines of accounts fill.
	homeSection = 2600
	// homeGaps is how many gaps of an account are said; the documentation has all.
	homeGaps = 2
)

// myAccount is an account and what somebody is to it.
type myAccount struct {
	workflows.AccountInfo
	owns, holds, keeps, administers bool
}

func (m myAccount) hand() bool { return m.owns || m.holds || m.administers }
func (m myAccount) key() bool  { return m.holds || m.keeps || m.administers }

// mine are the accounts that somebody owns, holds, keeps or administers.
func (v *visit) mine(ctx context.Context, all []workflows.AccountInfo) []myAccount {
	me, _ := v.person(ctx)
	var out []myAccount
	for _, a := range all {
		m := myAccount{AccountInfo: a, administers: v.isOneOf(ctx, a.Policy.Admins),
			holds: v.isOneOf(ctx, a.Policy.HolderIDs()),
			owns:  me.EmailConfirmed && workflows.SameEmail(me.Email, owner(a))}
		for _, alias := range a.Policy.Aliases {
			m.keeps = m.keeps || v.isOneOf(ctx, alias.Keepers())
		}
		if m.hand() || m.keeps {
			out = append(out, m)
		}
	}
	return out
}

// openOf are the open workflows of accounts, by account. What does not come in time is left out.
func (v *visit) openOf(ctx context.Context, accounts []workflows.AccountInfo) map[string][]workflows.Overview {
	out := map[string][]workflows.Overview{}
	var mu sync.Mutex
	sideBySide(ctx, len(accounts), func(ctx context.Context, i int) {
		id := accounts[i].Policy.ID
		if open, err := v.b.o.Desk.OpenOf(ctx, id); err == nil {
			mu.Lock()
			defer mu.Unlock()
			out[id] = open
		}
	})
	return out
}

// sideBySide does n things, some at once, while there is time.
func sideBySide(ctx context.Context, n int, do func(ctx context.Context, i int)) {
	ctx, cancel := context.WithTimeout(ctx, homeReading)
	defer cancel()
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, homeAtOnce) {
		all.Go(func() {
			for i := range next {
				if ctx.Err() == nil {
					do(ctx, i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// homeAccounts are the accounts that are somebody's, a few lines each.
func (v *visit) homeAccounts(ctx context.Context, mine []myAccount,
	open map[string][]workflows.Overview) []slack.Block {
	if len(mine) == 0 {
		return nil
	}
	texts := make([]string, len(mine))
	sideBySide(ctx, len(mine), func(ctx context.Context, i int) {
		texts[i] = v.homeAccount(ctx, mine[i], open[mine[i].Policy.ID])
	})
	out, all := []slack.Block(nil), "*Your "+oneOr(len(mine), "account", "accounts")+"*"
	for i, t := range texts {
		if t == "" { // there was no time for more
			t = "*" + workflows.Esc(mine[i].Policy.Name) + "* (`" + mine[i].Policy.ID + "`), owned by " +
				workflows.Esc(owner(mine[i].AccountInfo))
		}
		if len(all)+len(t) > homeSection {
			out, all = append(out, draw.Section(draw.Cut(v.b.fill(all), draw.LimitSection))), ""
		}
		switch {
		case i == 0:
			all += "\n" + t
		case all == "":
			all = t
		default:
			all += "\n\n" + t
		}
	}
	return append(out, draw.Section(draw.Cut(v.b.fill(all), draw.LimitSection)))
}

func oneOr(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// homeAccount is one account in a few lines: whose it is, what is wrong, what comes next, what one
// has shown, what is open.
func (v *visit) homeAccount(ctx context.Context, m myAccount, open []workflows.Overview) string {
	lines := []string{"*" + workflows.Esc(m.Policy.Name) + "* (`" + m.Policy.ID + "`), owned by " +
		workflows.Esc(owner(m.AccountInfo)) + "; you " + m.rights()}
	if facts, err := v.b.o.Desk.Around(ctx, m.Policy.ID); err == nil && (m.holds || m.administers) {
		gaps := keyring.Of(keyring.Known{Policy: m.Policy, Account: m.State, Facts: facts}).Gaps()
		for _, g := range gaps[:min(len(gaps), homeGaps)] {
			lines = append(lines, "! "+g.Sentence(m.Policy.ID))
		}
		if more := len(gaps) - homeGaps; more > 0 {
			lines = append(lines, "! and "+workflows.Plural(more, "more gap")+": `{command} docs "+m.Policy.ID+"`")
		}
	}
	lines = append(lines, strings.Join(v.homeNext(ctx, m), " · "))
	if shown := m.shown(v.who.user); shown != "" {
		lines = append(lines, shown)
	}
	var titles []string
	for _, o := range open[:min(len(open), 3)] {
		titles = append(titles, workflows.Esc(o.Title)+" ("+inWords(o)+")")
	}
	if more := len(open) - len(titles); more > 0 {
		titles = append(titles, workflows.Plural(more, "more"))
	}
	if len(titles) > 0 {
		lines = append(lines, "Open: "+strings.Join(titles, "; "))
	}
	return draw.Joined(lines, "\n")
}

// rights says what somebody is to the account.
func (m myAccount) rights() string {
	var out []string
	for _, r := range []struct {
		is   bool
		text string
	}{{m.owns, "own it"}, {m.holds, "read its mailbox"}, {m.keeps, "keep its password or second factor"},
		{m.administers, "administer it"}} {
		if r.is {
			out = append(out, r.text)
		}
	}
	return workflows.List(out, "and")
}

// homeNext is when the next review and the next drill are.
func (v *visit) homeNext(ctx context.Context, m myAccount) []string {
	var out []string
	if next, err := worktime.CalendarOf(m.Policy.Review).NextOpening(v.b.at()); err == nil {
		out = append(out, "Next review "+workflows.Until(next.Opens))
	}
	if m.Policy.Key.DrillEvery <= 0 {
		return out
	}
	if id, err := v.b.o.Desk.NewWorkflowID("keywatch", m.Policy.ID, "keywatch"); err == nil {
		state, err := v.b.o.Desk.State(ctx, id)
		if watch, is := state.(key.WatchState); err == nil && is && !watch.NextDrill.IsZero() {
			out = append(out, "next drill "+workflows.Until(watch.NextDrill))
		}
	}
	return out
}

// shown is what somebody has shown of the owner's key, and what they have not.
func (m myAccount) shown(who string) string {
	alias, is := m.Policy.Alias(owner(m.AccountInfo))
	if !is {
		return ""
	}
	var out []string
	for _, part := range []struct {
		name, what string
		of         []string
	}{
		{"mailbox", workflows.KeyMailbox, alias.Holders}, {"password", workflows.KeyPassword, alias.PasswordKeepers()},
		{"second factor", workflows.KeySecondFactor, alias.SecondFactorKeepers()},
	} {
		if !slices.Contains(part.of, who) {
			continue
		}
		if p := m.State.Key.Proof(part.what, alias.Email, who); p.How != "" {
			out = append(out, "✓ "+part.name+" ("+p.How+" "+workflows.When(p.At)+")")
		} else {
			out = append(out, "… "+part.name+" (never)")
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "You have shown: " + strings.Join(out, " · ")
}

// stageWords are the stages of what is open in everyday words, by machine.
var stageWords = map[string]map[string]string{
	"transfer": {"checking": "the account is being checked", "preparing": "the new owner becomes a user first",
		"confirming": "waits for confirmations",
		"cooling":    "confirmed, can still be stopped", "inviting": "the invitation goes out",
		"accepting": "waits for the new owner to accept",
		"settling":  "handed over, some points are left", "finishing": "is being finished"},
	"access": {"waiting": "behind another request", "reading": "is being looked at", "approving": "waits for approval",
		"doing":   "is being done",
		"pending": "invited, waits for the acceptance", "active": "runs", "restoring": "is ending"},
	"recovery": {"asking": "waits for approval", "cooling": "approved, can still be stopped",
		"climbing": "somebody is to act", "securing": "regained, is being made safe"},
}

// inWords says how something stands.
func inWords(o workflows.Overview) string {
	if w := stageWords[o.Machine][o.Stage]; w != "" {
		return w
	}
	return workflows.Esc(strings.ReplaceAll(o.Stage, "_", " "))
}
