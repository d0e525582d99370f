package serve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/docs"
	"github.com/keyholder/keyholder/workflows/keyring"
	"github.com/keyholder/keyholder/workflows/tokens"
)

const (
	// listsFresh is how long a list of users, and what Slack says of people, serve published pages,
	// as long as nothing else about the account changes: reading them takes many calls of a large
	// account.
	listsFresh = 10 * time.Minute
	// pageStands is how often it is looked whether a page still stands in Slack, and stands as it was written.
	pageStands = time.Hour
	// listPatience bounds reading one list.
	listPatience = 30 * time.Second
)

// pages looks at what is documented, for the watches of published pages.
type pages struct {
	s *Server

	mu     sync.Mutex
	lists  map[string]list      // by account and environment
	people map[string]around    // by account
	looked map[string]time.Time // by workflow: when the page was last looked for in Slack, or first seen here
	first  time.Time            // when this process looked first
}

// list is a list of users as it was read last; a nil census could not be read.
type list struct {
	census *workflows.Census
	at     time.Time // real
}

// around is what Slack said of everybody named.
type around struct {
	facts workflows.Facts
	at    time.Time // real
}

func newPages(s *Server) *pages {
	return &pages{s: s, lists: map[string]list{}, people: map[string]around{}, looked: map[string]time.Time{}}
}

// Deliver implements workflows.Deliverer. A difference is believed only after the lists were read
// afresh: of two processes one may have an older one.
func (p *pages) Deliver(ctx context.Context, claim workflows.Claim, _ workflows.Lease) workflows.Outcome {
	call := *claim.Effect.Call
	page, err := p.page(ctx, call, false)
	if err == nil && page.Mark != call.Known {
		page, err = p.page(ctx, call, true)
	}
	if err != nil {
		return workflows.Outcome{Again: true, Err: fmt.Errorf("look at the documentation: %w", err)}
	}
	if page.Read.Before(call.Since) { // another process read later than this one, which keeps its reading for a while
		page.Mark = call.Known
	}
	page.Stands = p.stands(ctx, call.ID)
	if page.Mark == call.Known && page.Stands == nil {
		return workflows.Outcome{Done: true}
	}
	return workflows.Outcome{Done: true, Receipt: &workflows.Receipt{OK: true, Page: &page}}
}

// errUnread: a list cannot be read, and what the page shows rests on an older reading of it.
var errUnread = errors.New("the list of users cannot be read just now")

// page is what the documentation of an account says now, without what is restricted.
func (p *pages) page(ctx context.Context, call workflows.Call, fresh bool) (workflows.Page, error) {
	account, known := call.Account, call.Known
	policy, ok := Policies(p.s.o.Config).Policy(account)
	if !ok {
		return workflows.Page{Mark: known}, nil // no longer configured: the page stays as it is
	}
	a, err := p.s.desk.Account(ctx, account)
	if err != nil {
		return workflows.Page{}, err
	}
	facts, err := p.around(ctx, account, fresh)
	if err != nil {
		return workflows.Page{}, err
	}
	open, err := p.s.desk.OpenOf(ctx, account)
	if err != nil {
		return workflows.Page{}, err
	}
	var read time.Time
	since := p.s.o.Now() // what was read before may not show what has just changed
	k := keyring.Known{Policy: policy, Account: a.State, Facts: facts, Users: map[string]*workflows.Census{}}
	for _, acc := range p.s.o.Config.Accounts {
		if acc.ID != account {
			continue
		}
		for env := range gatewayEnvironments(p.s.o.Config, acc) {
			census := p.users(ctx, account, env, fresh, since)
			if census == nil && known != "" && recent(p.began(), p.s.o.RealNow()) {
				return workflows.Page{}, errUnread
			}
			if census != nil {
				plain := *census
				plain.At, read = time.Time{}, later(read, census.At)
				k.Users[env] = &plain
			}
		}
	}
	if id, err := p.s.desk.NewWorkflowID("tokens", account, "tokens"); err == nil {
		if state, err := p.s.desk.State(ctx, id); err == nil {
			watched, _ := state.(tokens.State)
			if k.Tokens = watched.Known(); policy.Token {
				k.OwnToken = watched.Own().Sentence()
			}
		}
	}
	var titles []keyring.Open
	for _, o := range open {
		titles = append(titles, keyring.Open{ID: o.ID, Title: o.Title})
	}
	all := slices.DeleteFunc(keyring.Page(k, titles), func(f keyring.Fact) bool { return f.Restricted })
	body, err := json.Marshal(all)
	if err != nil {
		return workflows.Page{}, fmt.Errorf("encode the page: %w", err)
	}
	sum := sha256.Sum256(body)
	return workflows.Page{Mark: hex.EncodeToString(sum[:12]), Body: body, Read: read}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recent reports whether something was read a moment ago: neither earlier nor, by a clock that was wrong then, later.
func recent(at, now time.Time) bool { return !at.After(now) && now.Sub(at) < listsFresh }

// around is what Slack says of everybody whom an account's policy names.
func (p *pages) around(ctx context.Context, account string, fresh bool) (workflows.Facts, error) {
	p.mu.Lock()
	was, now := p.people[account], p.s.o.RealNow()
	p.mu.Unlock()
	if !fresh && !was.at.IsZero() && recent(was.at, now) {
		return was.facts, nil
	}
	facts, err := p.s.desk.Around(ctx, account)
	if err != nil {
		return facts, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[account] = around{facts, now}
	return facts, nil
}

// forget drops what Slack said of people: somebody has changed.
func (p *pages) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.people)
}

// began is when this process looked first.
func (p *pages) began() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first.IsZero() {
		p.first = p.s.o.RealNow()
	}
	return p.first
}

// users are those of an environment; nil where they were never read. A fresh list is one that was read since a moment.
func (p *pages) users(ctx context.Context, account, environment string, fresh bool,
	since time.Time) *workflows.Census {
	key, now := account+"/"+environment, p.s.o.RealNow()
	p.mu.Lock()
	was := p.lists[key]
	p.mu.Unlock()
	if !fresh && !was.at.IsZero() && recent(was.at, now) {
		return was.census
	}
	bounded, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	read := p.s.gateway.Users
	if fresh {
		read = func(ctx context.Context, account, environment string) (workflows.Census, error) {
			return p.s.gateway.UsersSince(ctx, account, environment, since)
		}
	}
	census, err := read(bounded, account, environment)
	if err != nil {
		return was.census
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists[key] = list{&census, now}
	return &census
}

// stands looks now and then whether the page of a workflow stands in Slack as it was written; nil:
// it does, or it was not looked for. What Slack cannot say is looked for again an hour later.
func (p *pages) stands(ctx context.Context, workflow string) *workflows.PageStands {
	now := p.s.o.Now()
	p.mu.Lock()
	last, known := p.looked[workflow]
	due := known && now.Sub(last) >= pageStands
	if !known || due {
		p.looked[workflow] = now
	}
	p.mu.Unlock()
	if !due {
		return nil
	}
	state, err := p.s.desk.State(ctx, workflow)
	if err != nil {
		return nil
	}
	s, is := state.(docs.State)
	if !is || !s.Published() {
		return nil
	}
	at, err := p.s.bot.PageStands(ctx, workflow, s)
	if err != nil {
		p.s.o.Log.Info().Err(err).Str(workflows.LogWorkflow,
			workflow).Msg("Slack did not say whether the page still stands")
		return nil
	}
	return at
}
