package population

import (
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// awayGrace is how long somebody may still be absent and get rows all the same: a long weekend costs a review nothing.
const awayGrace = 48 * time.Hour

// seat is somebody who may get rows, on their own account or as the delegate of others.
type seat struct {
	person string
	for_   []string // whom they stand in for; empty: themselves
}

// inPlaceOf is the first of those the seat's person stands in for.
func (s seat) inPlaceOf() string {
	if len(s.for_) == 0 {
		return ""
	}
	return s.for_[0]
}

func (s seat) key() string { return s.person + "/" + s.inPlaceOf() }

// pool is people who are equals for some rows, in the order of the configuration.
type pool struct {
	name  string // who they are: "holders of the mailbox"; of a rule what it is about: "rows with the role manage"
	rule  bool
	seats []seat
}

// who names the people inside a sentence.
func (p *pool) who() string {
	if p.rule {
		return "those named for " + p.name
	}
	return "the " + p.name
}

// How a row concerns somebody, the gravest last.
const (
	concernsNot = iota
	concernsReplaced
	concernsMailbox
	concernsOwn
)

// panel is who may review, and whom which address concerns.
type panel struct {
	st       Started
	f        workflows.Facts
	at       time.Time
	able     []string // everybody whom the campaign names for more than reading
	concerns map[string]map[string]int
	roles    map[string]*pool
	integs   map[string]*pool // by ID or name
	// common are the pools that every row falls back to, in this order: reviewers, holders,
	// administrators, those named for some rows only.
	common []*pool
	notes  []string
}

func newPanel(rows []Row, st Started, f workflows.Facts, at time.Time) *panel {
	p := &panel{st: st, f: f, at: at, roles: map[string]*pool{}, integs: map[string]*pool{}}
	rules := func(m map[string][]string) (all []string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			all = append(all, m[k]...)
		}
		return all
	}
	reviewers, holders, admins := f.Expand(st.Reviewers), f.Expand(holderIDs(st)), f.Expand(st.Admins)
	named := f.Expand(slices.Concat(rules(st.Policy.ByIntegration), rules(st.Policy.ByRole)))
	p.able = workflows.Union(reviewers, named, holders, admins)
	p.concerns = concernsOf(rows, st, f)

	p.common = []*pool{p.pool("reviewers", reviewers)}
	for _, k := range slices.Sorted(maps.Keys(st.Policy.ByIntegration)) {
		p.integs[k] = p.rule("rows with access to the integration "+workflows.Esc(k), st.Policy.ByIntegration[k])
	}
	for _, k := range slices.Sorted(maps.Keys(st.Policy.ByRole)) {
		p.roles[k] = p.rule("rows with the role "+workflows.Esc(k), st.Policy.ByRole[k])
	}
	p.explain(workflows.Union(reviewers, named))
	p.common = append(p.common, p.pool("holders of the mailbox", holders), p.pool("administrators", admins),
		p.pool("reviewers of other rows", named))
	return p
}

// holderIDs are all who can read one of the shared mailboxes.
func holderIDs(st Started) []string {
	all := slices.Clone(st.Holders)
	for _, a := range st.Aliases {
		all = append(all, a.Holders...)
	}
	return workflows.Union(all)
}

// concernsOf says by address whom a row with it concerns: whose own address it is, and who can read
// or use that mailbox.
func concernsOf(rows []Row, st Started, f workflows.Facts) map[string]map[string]int {
	out := map[string]map[string]int{}
	note := func(email, who string, how int) {
		if email = cleanEmail(email); email == "" || who == "" {
			return
		}
		if out[email] == nil {
			out[email] = map[string]int{}
		}
		out[email][who] = max(out[email][who], how)
	}
	for _, who := range f.Everybody() {
		for _, email := range who.Emails {
			note(email, who.ID, concernsOwn)
		}
		for _, r := range rows { // under an address with a tag, too
			if r.About(who) {
				note(r.Email, who.ID, concernsOwn)
			}
		}
	}
	for email, id := range f.ByEmail {
		note(email, id, concernsOwn)
	}
	mailbox := func(email string, lists ...[]string) {
		for _, who := range f.Expand(slices.Concat(lists...)) {
			note(email, who, concernsMailbox)
		}
	}
	for _, a := range st.Aliases {
		mailbox(a.Email, a.Holders, a.Custodians)
	}
	for _, r := range rows {
		if r.Master() {
			mailbox(r.Email, r.Holders, r.Custodians)
		}
	}
	return out
}

// rule is the pool of those whom the configuration names for some rows.
func (p *panel) rule(about string, ids []string) *pool {
	out := p.pool(about, p.f.Expand(ids))
	out.rule = true
	return out
}

// pool makes seats of people: delegates for those who delegated, nobody for those who cannot review
// now. One person has one seat in it; who is there on their own account needs no second one as a
// delegate.
func (p *panel) pool(name string, ids []string) *pool {
	out := &pool{name: name}
	index := map[string]int{}
	own := map[string]bool{}
	for _, id := range ids {
		who := p.stands(id)
		i, seated := index[who]
		switch {
		case who == "":
			continue
		case !seated:
			i = len(out.seats)
			index[who] = i
			out.seats = append(out.seats, seat{person: who})
		}
		if who == id {
			own[who] = true
		} else {
			out.seats[i].for_ = append(out.seats[i].for_, id)
		}
	}
	for i, s := range out.seats {
		if own[s.person] {
			out.seats[i].for_ = nil
		}
	}
	return out
}

// stands is who takes a person's place: their delegate, themselves, or "" when neither can.
func (p *panel) stands(id string) string {
	if d, ok := p.delegation(id); ok && p.whyNot(d.To) == "" {
		return d.To
	}
	if p.whyNot(id) == "" {
		return id
	}
	return ""
}

// delegation is the active delegation that a person gave. Of several, which a record never holds, the newest.
func (p *panel) delegation(id string) (approvals.Delegation, bool) {
	var best approvals.Delegation
	found := false
	for _, d := range p.f.Delegations {
		if d.From != id || d.To == id || d.To == "" || !d.ActiveAt(p.at) {
			continue
		}
		if !found || d.Since.After(best.Since) || d.Since.Equal(best.Since) && d.To < best.To {
			best, found = d, true
		}
	}
	return best, found
}

// whyNot says why a person cannot review now; empty: they can. Somebody Slack was not asked about is nobody.
func (p *panel) whyNot(id string) string {
	person, known := p.f.People[id]
	switch {
	case !known:
		return "is not known to Slack"
	case person.Standing != "":
		return standingWords(person.Standing)
	case slices.Contains(p.st.Auditors, id) && !slices.Contains(p.able, id):
		return "is an auditor, who reads and never decides"
	case p.absent(id) && person.AwayUntil.IsZero():
		return "is away"
	case p.absent(id):
		return "is away until " + workflows.When(person.AwayUntil)
	}
	return ""
}

// absent reports whether Slack shows somebody as away for longer than awayGrace, or without an end.
func (p *panel) absent(id string) bool {
	person := p.f.People[id]
	return person.Away && (person.AwayUntil.IsZero() || person.AwayUntil.Sub(p.at) > awayGrace)
}

func standingWords(code string) string {
	switch code {
	case workflows.StandingGuest:
		return "is a guest of this workspace"
	case workflows.StandingBot:
		return "is a bot"
	case workflows.StandingDeactivated:
		return "has a deactivated Slack account"
	case workflows.StandingForeign:
		return "belongs to another workspace"
	case workflows.StandingInvited:
		return "has not signed in to Slack yet"
	}
	return "is not known to Slack"
}

// explain notes which of the reviewers named were replaced or left out, and why.
func (p *panel) explain(named []string) {
	for _, id := range named {
		d, delegated := p.delegation(id)
		who := p.stands(id)
		switch {
		case delegated && who == d.To:
			p.notes = append(p.notes, workflows.Mention(d.To)+" reviews in place of "+workflows.Mention(id)+
				", who delegated to them"+until(d.Until)+".")
		case delegated && who == id:
			p.notes = append(p.notes, workflows.Mention(id)+" reviews although they delegated to "+
				workflows.Mention(d.To)+": the delegate "+p.whyNot(d.To)+".")
		case delegated:
			p.notes = append(p.notes, workflows.Mention(id)+" gets no rows: "+workflows.Mention(id)+" "+p.whyNot(id)+
				", and the delegate "+workflows.Mention(d.To)+" "+p.whyNot(d.To)+".")
		case who == "":
			p.notes = append(p.notes, workflows.Mention(id)+" gets no rows: "+workflows.Mention(id)+" "+p.whyNot(id)+
				".")
		}
	}
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + workflows.When(t)
}

// chain is where a row may go, the best first: whom its integrations name (what it manages before
// what it monitors), whom its role names, then the common pools. A rule for an integration concerns
// custom roles only; the others see all integrations.
func (p *panel) chain(r Row) []*pool {
	var out []*pool
	if len(p.integs) > 0 && r.Role == workflows.RoleCustom {
		for _, id := range slices.Concat(r.Manage, r.Monitor) {
			for _, k := range []string{id, r.Names[id]} {
				if pl := p.integs[k]; pl != nil && !slices.Contains(out, pl) {
					out = append(out, pl)
				}
			}
		}
	}
	if pl := p.roles[r.Role]; pl != nil {
		out = append(out, pl)
	}
	return append(out, p.common...)
}

// concern says how a row concerns a seat: its person, or somebody they stand in for, whose delegate
// may do no more than they.
func (p *panel) concern(s seat, r Row) int {
	about := p.concerns[r.Email]
	if len(about) == 0 {
		return concernsNot
	}
	if how := about[s.person]; how != concernsNot {
		return how
	}
	for _, id := range s.for_ {
		if about[id] != concernsNot {
			return concernsReplaced
		}
	}
	return concernsNot
}

// unseen are the people whose address is not known, so that their own row cannot be told from others.
func (p *panel) unseen(people []string) []string {
	seen := map[string]bool{}
	for _, id := range p.f.ByEmail {
		seen[id] = true
	}
	var out []string
	for _, id := range people {
		if len(p.f.Known(id).Emails) == 0 && !seen[id] {
			out = append(out, id)
		}
	}
	return out
}
