package tokens

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Commands of the watch, given by Keyholder alone: Request opens it; Look tells it the policy that
// runs, at each start; Read has it read the lists now.
const (
	Request = "tokens.request"
	Look    = "tokens.look"
	Read    = "tokens.read"
)

// Buttons of a finding.
const (
	ActAdopt = "access.adopt"
	ActAsk   = "access.ask"
)

const (
	// readEvery is the distance of readings: one call for each environment.
	readEvery   = 10 * time.Minute
	traceWithin = 15 * time.Minute // then it stays unsaid who made it
	traceMargin = 10 * time.Minute // clocks differ, and entries come late
	timerWarn   = "warn"
	mostListed  = 500 // tokens of one environment that are kept
	mostTold    = 20  // findings and warnings whose cards are kept
)

// Plan is what of the policy the watch goes by.
type Plan struct {
	AccountName string          `json:"account_name"`
	Channel     string          `json:"channel,omitempty"`
	Envs        []string        `json:"envs,omitempty"` // with a token; "" is production
	Name        string          `json:"name,omitempty"` // what the own token is called
	Ends        time.Time       `json:"ends,omitzero"`  // where it cannot be read
	WarnBefore  []time.Duration `json:"warn_before,omitempty"`
	Token       bool            `json:"token,omitempty"`
}

func planOf(p workflows.Policy) Plan {
	out := Plan{AccountName: p.Name, Channel: p.Channel, Name: p.TokenName, Ends: p.TokenEnds, WarnBefore: p.WarnBefore,
		Token: p.Token}
	if p.Token {
		out.Envs = append(out.Envs, "")
	}
	for _, e := range p.Access.Environments {
		if e.Token {
			out.Envs = append(out.Envs, e.Name)
		}
	}
	return out
}

// List is what was read last of one environment.
type List struct {
	Read   time.Time         `json:"read,omitzero"` // zero: never
	Code   string            `json:"code,omitempty"`
	Mark   string            `json:"mark,omitempty"`
	Tokens []workflows.Token `json:"tokens,omitempty"`
}

// Finding is a token that nobody has spoken for yet.
type Finding struct {
	N     int             `json:"n"`
	Env   string          `json:"env,omitempty"`
	Token workflows.Token `json:"token"`
	Grown string          `json:"grown,omitempty"` // what its scope was before; "": it is new
	At    time.Time       `json:"at"`
	To    []string        `json:"to"`
	Asked string          `json:"asked,omitempty"` // who asked whose it is
	Over  string          `json:"over,omitempty"`  // who said last that it is expected, or one of the words below
	Since time.Time       `json:"since,omitzero"`
	// Taking is the question whether it is expected; without a quorum in findings from before there was one.
	Taking question.Expected `json:"taking,omitzero"`
	// Log is who made it or changed it, as far as the audit log tells; nil: it has not told.
	Log *traced `json:"log,omitempty"`
}

// How a finding is over without anybody's word.
const (
	overGone = "gone" // it is revoked or gone
	overGrew = "grew" // it reaches still more, which is asked anew
)

// Warning is that administrators were told of the end of the own token.
type Warning struct {
	Ends   time.Time     `json:"ends"`
	Before time.Duration `json:"before"`
	To     []string      `json:"to"`
	At     time.Time     `json:"at"`
}

// State is all that is known of an account's tokens: the fold of its events.
type State struct {
	workflows.Head
	Plan
	Lists    map[string]List `json:"lists,omitempty"`
	Findings []Finding       `json:"findings,omitempty"`
	Found    int             `json:"found,omitempty"` // so far
	Warnings []Warning       `json:"warnings,omitempty"`
}

// Title implements workflows.State. It is empty: this is Keyholder's own work.
func (s State) Title() string { return "" }

// Own is Keyholder's own token in production, as far as it is known.
func (s State) Own() Own { return OwnOf(s.Lists[""].Tokens, s.Plan.Name, s.Plan.Ends) }

// Known are the lists that were read, by environment.
func (s State) Known() map[string][]workflows.Token {
	out := map[string][]workflows.Token{}
	for env, l := range s.Lists {
		if !l.Read.IsZero() {
			out[env] = l.Tokens
		}
	}
	return out
}

// Own says what is known of the token that Keyholder itself uses.
type Own struct {
	Name string
	Kind string    // "" where it is unknown
	Ends time.Time // zero: never, where Known; else unknown
	// Known reports that its end is known; ByFile that only the configuration says so.
	Known, ByFile bool
}

// OwnOf finds the own token in a list: the one of that name, or the only one with full access; else
// the end that the configuration names.
func OwnOf(all []workflows.Token, name string, ends time.Time) Own {
	live := slices.DeleteFunc(slices.Clone(all), func(t workflows.Token) bool { return t.Revoked })
	pick := func(fits func(workflows.Token) bool) (Own, bool) {
		found := slices.DeleteFunc(slices.Clone(live), func(t workflows.Token) bool { return !fits(t) })
		if len(found) != 1 {
			return Own{}, false
		}
		return Own{Name: found[0].Name, Kind: found[0].Kind, Ends: found[0].Ends, Known: true}, true
	}
	if name != "" {
		if own, ok := pick(func(t workflows.Token) bool { return strings.EqualFold(t.Name, name) }); ok {
			return own
		}
	} else if own, ok := pick(func(t workflows.Token) bool { return t.Full }); ok {
		return own
	}
	return Own{Name: name, Ends: ends, Known: !ends.IsZero(), ByFile: !ends.IsZero()}
}

// Sentence says it, in Slack mrkdwn.
func (o Own) Sentence() string {
	if !o.Known {
		return "Keyholder's own token: its kind and end are unknown. Name it in token_name, or its end in token_ends"
	}
	text := "Keyholder's own token"
	if o.Name != "" {
		text += " " + workflows.Quote(o.Name)
	}
	switch {
	case o.ByFile:
		text += ": ends " + workflows.When(o.Ends) + ", as configured"
	case o.Ends.IsZero():
		text += ": " + kindWord(o.Kind) + ", does not end by itself"
	default:
		text += ": " + kindWord(o.Kind) + ", ends " + workflows.When(o.Ends)
	}
	if o.Kind == workflows.TokenOfPerson {
		text += "; a personal one also dies with its maker's access"
	}
	return text
}

func kindWord(kind string) string {
	if kind == workflows.TokenOfPerson {
		return "personal"
	}
	return "of the account"
}

type (
	opened struct {
		workflows.Opening
		Plan
	}
	readings struct {
		Env string `json:"env,omitempty"`
		List
	}
	answer struct {
		N    int    `json:"n"`
		By   string `json:"by,omitempty"`
		Gone bool   `json:"gone,omitempty"`
		Grew bool   `json:"grew,omitempty"`
	}
	// taken is one word of several; the question comes along for findings that had none.
	taken struct {
		N int `json:"n"`
		question.Took
		Quorum     int      `json:"quorum,omitempty"`
		Electorate []string `json:"electorate,omitempty"`
	}
	traced struct {
		N      int             `json:"n"`
		Effect string          `json:"effect,omitempty"`
		Trace  workflows.Trace `json:"trace"`
		Bars   []approvals.Bar `json:"bars,omitempty"`
		To     []string        `json:"to,omitempty"` // who is told besides, because others are barred
	}
)

type kind[B any] = workflows.Kind[State, B]

var (
	evOpened = kind[opened]{
		Type: "tokens.opened",
		Fold: func(s *State, e workflows.Event, b opened) { s.Open(b.Opening, "watching", e); s.Plan = b.Plan },
		Tell: workflows.Told[opened]("Keyholder began to watch the API tokens."),
	}
	evLooked = kind[Plan]{
		Type: "tokens.looked",
		Fold: func(s *State, _ workflows.Event, b Plan) { s.Plan = b },
		Tell: workflows.Told[Plan]("The configuration says something else about tokens."),
	}
	evAsked = kind[workflows.None]{Type: "tokens.asked",
		Tell: workflows.Told[workflows.None]("The API tokens are read.")}
	evRead = kind[readings]{
		Type: "tokens.listed",
		Fold: func(s *State, _ workflows.Event, b readings) {
			lists := map[string]List{}
			for k, v := range s.Lists {
				lists[k] = v
			}
			l := b.List
			if l.Code != "" { // what was read before still counts
				l.Tokens, l.Mark = lists[b.Env].Tokens, lists[b.Env].Mark
			}
			lists[b.Env], s.Lists = l, lists
		},
		Tell: func(_ workflows.Event, b readings) string {
			if b.Code != "" {
				return workflows.Say("The API tokens of %s cannot be read (%s).", title(b.Env), b.Code)
			}
			return workflows.Say("The API tokens of %s: %n.", title(b.Env), len(b.Tokens), "token")
		},
	}
	evFound = kind[Finding]{
		Type: "tokens.found",
		Fold: func(s *State, _ workflows.Event, b Finding) {
			s.Found = b.N
			s.Findings = append(slices.Clone(s.Findings), b)
			s.Findings = s.Findings[max(0, len(s.Findings)-mostTold):]
		},
		Tell: func(_ workflows.Event, b Finding) string { return b.sentence() },
	}
	evAdopted = answered("tokens.adopted", func(f *Finding, b answer) {
		switch f.Over = b.By; {
		case b.Gone:
			f.Over = overGone
		case b.Grew:
			f.Over = overGrew
		}
	}, func(b answer) string {
		switch {
		case b.Gone:
			return "The token is revoked or gone."
		case b.Grew:
			return "The token reaches still more by now, which is asked anew."
		}
		return workflows.Say("%m expects the token.", b.By)
	})
	evWhose = answered("tokens.whose", func(f *Finding, b answer) { f.Asked = b.By },
		func(b answer) string { return workflows.Say("%m asks whose the token is.", b.By) })
	evTaken = kind[taken]{
		Type: "tokens.taken",
		Fold: func(s *State, _ workflows.Event, b taken) {
			s.on(b.N, func(f *Finding) {
				if f.Taking.Quorum == 0 {
					f.Taking.Quorum, f.Taking.Electorate = b.Quorum, b.Electorate
				}
				f.Taking = f.Taking.Count(b.Took)
			})
		},
		Tell: func(_ workflows.Event, b taken) string { return b.Took.Tell() },
	}
	evTraced = kind[traced]{
		Type: "tokens.traced",
		Fold: func(s *State, _ workflows.Event, b traced) {
			s.on(b.N, func(f *Finding) {
				f.Log, f.Taking, f.To = &b, f.Taking.With(b.Bars), workflows.Union(f.To, b.To)
			})
		},
		Tell: func(_ workflows.Event, b traced) string { return b.words() },
	}
	evWarned = kind[Warning]{
		Type: "tokens.warned",
		Fold: func(s *State, _ workflows.Event, b Warning) {
			s.Warnings = append(slices.Clone(s.Warnings), b)
			s.Warnings = s.Warnings[max(0, len(s.Warnings)-mostTold):]
		},
		Tell: func(_ workflows.Event, b Warning) string {
			return workflows.Say("%m were told that Keyholder's own token ends %t.", b.To, b.Ends)
		},
	}
)

func answered(name string, fold func(*Finding, answer), tell func(answer) string) kind[answer] {
	return kind[answer]{
		Type: name,
		Fold: func(s *State, e workflows.Event, b answer) {
			s.on(b.N, func(f *Finding) { fold(f, b); f.Since = e.At })
		},
		Tell: func(_ workflows.Event, b answer) string { return tell(b) },
	}
}

// on changes a finding, in findings of its own.
func (s *State) on(n int, change func(*Finding)) {
	s.Findings = slices.Clone(s.Findings)
	for i := range s.Findings {
		if s.Findings[i].N == n {
			change(&s.Findings[i])
		}
	}
}

var kinds = workflows.NewKinds(nil, nil, evOpened, evLooked, evAsked, evRead, evFound, evAdopted, evWhose, evTaken,
	evTraced, evWarned)

// Machine is the machine that watches API tokens.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "tokens", Letter: workflows.LetterTokens, Schema: 1, Kinds: kinds, Needs: needs, Decide: decide,
		View: State.view,
	}.Machine()
}

func needs(_ State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	n := workflows.Needs{}
	if cmd.Actor.Kind == workflows.ByPerson || cmd.Timer != nil || cmd.Receipt != nil {
		n.People = workflows.Union(p.Admins, p.HolderIDs())
	}
	if r := cmd.Receipt; r != nil && r.Trace != nil {
		n.Emails = authors(*r.Trace)
	}
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID})
	}
	return n
}

// admins are who hears of it: the administrators, without any the holders.
func admins(f workflows.Facts) []string {
	if who := f.Expand(f.Policy.Admins); len(who) > 0 {
		return who
	}
	return f.Expand(f.Policy.HolderIDs())
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	var none workflows.Decision
	switch {
	case cmd.Name == Request && ours && !s.Opened():
		return evOpened.One(cmd, opened{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, planOf(f.Policy)}),
			nil
	case cmd.Name == Look && ours:
		if plan := planOf(f.Policy); f.Policy.Name != "" && !plan.same(s.Plan) {
			return evLooked.One(cmd, plan), nil
		}
		return none, nil
	case cmd.Name == Read && ours:
		d := evAsked.One(cmd, workflows.None{})
		for _, env := range s.Envs {
			d.Calls = append(d.Calls, s.call(env, ""))
		}
		return d, nil
	case cmd.Name == workflows.CmdReceipt && cmd.Receipt != nil && cmd.Receipt.Op == workflows.OpTrace:
		return s.traced(cmd, f), nil
	case cmd.Name == workflows.CmdReceipt:
		return s.received(cmd, f)
	case cmd.Name == workflows.CmdTimer:
		return s.warn(cmd, f), nil
	case cmd.Name == ActAdopt || cmd.Name == ActAsk:
		return s.answer(cmd, f)
	}
	return none, workflows.Refuse("unknown_action",
		"Nothing can be done about tokens that way. Nothing was recorded. Use the buttons on your card.")
}

func (p Plan) same(o Plan) bool {
	return p.AccountName == o.AccountName && p.Channel == o.Channel && p.Name == o.Name && p.Ends.Equal(o.Ends) &&
		p.Token == o.Token &&
		slices.Equal(p.Envs, o.Envs) && slices.Equal(p.WarnBefore, o.WarnBefore)
}

func (s State) call(env, known string) workflows.Call {
	return workflows.Call{Op: workflows.OpTokens, Account: s.AccountID, Environment: env, Known: known}
}

// received decides a list.
func (s State) received(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := cmd.Receipt
	var none workflows.Decision
	if r == nil || r.Op != workflows.OpTokens || !slices.Contains(s.Envs, r.Environment) {
		return none, nil
	}
	was := s.Lists[r.Environment]
	if !r.OK || r.Tokens == nil {
		code := cmp.Or(r.Code, workflows.RefusedOther)
		if was.Code == code {
			return none, nil
		}
		return evRead.One(cmd, readings{r.Environment, List{Read: was.Read, Code: code}}), nil
	}
	if mark := r.Tokens.Mark(); was.Mark == mark && was.Code == "" {
		return none, nil
	}
	now := r.Tokens.Tokens[:min(len(r.Tokens.Tokens), mostListed)]
	d := evRead.One(cmd, readings{r.Environment, List{Read: r.Tokens.At, Mark: r.Tokens.Mark(), Tokens: now}})
	if !was.Read.IsZero() {
		s.compare(cmd, f, was, now, &d)
	}
	for _, open := range s.Findings {
		if open.Over == "" && open.Env == r.Environment && !slices.ContainsFunc(now, func(t workflows.Token) bool {
			return t.ID == open.Token.ID && !t.Revoked
		}) {
			d.Events = append(d.Events, evAdopted.Of(cmd, answer{N: open.N, Gone: true}))
		}
	}
	return d, nil
}

// compare puts what is new or grew before people, and asks the audit log who did it. What grew once more
// while it is asked about is asked anew, for what was said of it was said of less.
func (s State) compare(cmd workflows.Command, f workflows.Facts, was List, now []workflows.Token,
	d *workflows.Decision) {
	env, n := cmd.Receipt.Environment, s.Found
	for _, t := range now {
		x, news := finding(was.Tokens, t)
		if !news {
			continue
		}
		if open, stands := s.open(env, t.ID); stands {
			d.Events = append(d.Events, evAdopted.Of(cmd, answer{N: open.N, Grew: true}))
			x.Grown = cmp.Or(open.Grown, x.Grown)
		}
		n++
		x.N, x.Env, x.At, x.Taking.Quorum = n, env, cmd.At, question.ExpectantsOfToken(f.Policy.Access, t)
		x.Taking.Electorate, x.To = question.Deciders(f, nil, x.Taking.Quorum)
		d.Events = append(d.Events, evFound.Of(cmd, x))
		call := workflows.Call{Op: workflows.OpTrace, Account: s.AccountID, Environment: env, Token: t.ID,
			Deadline: cmd.At.Add(traceWithin)}
		if x.Grown != "" {
			call.Since = was.Read.Add(-traceMargin)
		}
		d.Calls = append(d.Calls, call)
	}
}

// open is the finding about a token that is not over.
func (s State) open(env, id string) (Finding, bool) {
	i := slices.IndexFunc(s.Findings, func(f Finding) bool {
		return f.Over == "" && f.Env == env && f.Token.ID == id
	})
	if i < 0 {
		return Finding{}, false
	}
	return s.Findings[i], true
}

// authors are the addresses of all who did something by a trace.
func authors(t workflows.Trace) []string {
	if t.Email == "" {
		return nil
	}
	return append([]string{strings.ToLower(t.Email)}, t.Others...)
}

// traced takes what the audit log says of a token that is asked about.
func (s State) traced(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	r := cmd.Receipt
	if !r.OK || r.Trace == nil || r.Trace.Email == "" {
		return workflows.Decision{}
	}
	x, open := s.open(r.Environment, r.Trace.Token)
	if !open || x.Log != nil && x.Log.Effect == r.Effect {
		return workflows.Decision{}
	}
	b := traced{N: x.N, Effect: r.Effect, Trace: *r.Trace}
	x.Log = &b
	parties := x.parties()
	for i, email := range authors(b.Trace) {
		parties[i].ID = f.ByEmail[email]
	}
	b.Bars = approvals.Bars(parties, f.Everybody())
	b.To = x.Taking.With(b.Bars).Besides(x.To)
	return evTraced.One(cmd, b)
}

func (b traced) words() string {
	text := workflows.Say("By integrator.io's audit log %s made or changed it, %t", b.Trace.Email, b.Trace.At)
	if len(b.Trace.Others) > 0 {
		text += workflows.Say("; before that %s", strings.Join(b.Trace.Others, ", "))
	}
	return text + "."
}

// parties are who does not take it as expected: whoever made it or changed it.
func (f Finding) parties() []approvals.Party {
	if f.Log == nil {
		return nil
	}
	var out []approvals.Party
	for _, email := range authors(f.Log.Trace) {
		out = append(out, approvals.Party{Why: question.ByNamed, Identity: approvals.Identity{}.With(email)})
	}
	return out
}

// finding is what a token of a newer list is: a new one with full access, or one whose scope grew.
func finding(before []workflows.Token, t workflows.Token) (Finding, bool) {
	if t.Revoked {
		return Finding{}, false
	}
	i := slices.IndexFunc(before, func(b workflows.Token) bool { return b.ID == t.ID })
	switch {
	case i < 0:
		return Finding{Token: t}, t.Full
	case grown(before[i], t):
		return Finding{Token: t, Grown: scope(before[i])}, true
	}
	return Finding{}, false
}

// grown reports whether a token reaches more than before.
func grown(was, now workflows.Token) bool {
	if now.Full != was.Full {
		return now.Full
	}
	counts := map[string]int{}
	for _, part := range was.Scope {
		name, n, _ := strings.Cut(part, ": ")
		counts[name], _ = strconv.Atoi(n)
	}
	return !now.Full && slices.ContainsFunc(now.Scope, func(part string) bool {
		name, text, _ := strings.Cut(part, ": ")
		n, _ := strconv.Atoi(text)
		return n > counts[name]
	})
}

func scope(t workflows.Token) string {
	if t.Full {
		return "full access"
	}
	return cmp.Or(strings.Join(t.Scope, ", "), "nothing")
}

// answer decides what somebody says of a finding; the card's round is the finding's number.
func (s State) answer(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return none, r
	}
	who, _ := question.Deciders(f, nil, 1)
	i := slices.IndexFunc(s.Findings, func(x Finding) bool { return x.N == cmd.Round })
	switch {
	case !slices.Contains(who, cmd.Actor.ID):
		return none, workflows.Refuse("not_permitted", workflows.Say("This is for %m. Nothing was recorded.", who))
	case i < 0 || s.Findings[i].Over != "":
		r := workflows.Refuse("closed", "This is over already. Nothing was recorded.")
		r.Refresh = true
		return none, r
	case cmd.Name == ActAdopt:
		return s.adopt(cmd, f, s.Findings[i])
	case s.Findings[i].Asked != "":
		return none, workflows.Refuse("asked", workflows.Say("%m has asked already. Nothing new was recorded.",
			s.Findings[i].Asked))
	}
	return evWhose.One(cmd, answer{N: cmd.Round, By: cmd.Actor.ID}), nil
}

// adopt counts the word of somebody who expects the token; it takes as many as an access of that reach does.
func (s State) adopt(cmd workflows.Command, f workflows.Facts, x Finding) (workflows.Decision, error) {
	if x.Taking.Quorum == 0 { // from before it took several
		x.Taking.Quorum = question.ExpectantsOfToken(f.Policy.Access, x.Token)
		x.Taking.Electorate, _ = question.Deciders(f, nil, x.Taking.Quorum)
	}
	took, enough, err := x.Taking.Take(x.parties(), f.Managing(x.Taking.Electorate), cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	word := taken{N: x.N, Took: took, Quorum: x.Taking.Quorum, Electorate: x.Taking.Electorate}
	switch {
	case !enough:
		d := evTaken.One(cmd, word)
		d.Reply = x.Taking.Recorded(took, "expect it")
		return d, nil
	case x.Taking.Quorum > 1:
		d := evTaken.One(cmd, word)
		d.Events = append(d.Events, evAdopted.Of(cmd, answer{N: x.N, By: cmd.Actor.ID}))
		return d, nil
	}
	return evAdopted.One(cmd, answer{N: x.N, By: cmd.Actor.ID}), nil
}

// due is the next warning: the greatest distance from the end that was not told yet, and its time;
// of several that are due, the last.
func (s State) due(now time.Time) (Warning, time.Time, bool) {
	own := s.Own()
	if !own.Known || own.Ends.IsZero() {
		return Warning{}, time.Time{}, false
	}
	told := time.Duration(1 << 62)
	for _, w := range s.Warnings {
		if w.Ends.Equal(own.Ends) {
			told = min(told, w.Before)
		}
	}
	before := slices.Clone(s.WarnBefore)
	if !slices.Contains(before, 0) {
		before = append(before, 0) // that it has ended
	}
	slices.Sort(before)
	slices.Reverse(before)
	var next *time.Duration
	for i, b := range before {
		if b >= told {
			continue
		}
		if next == nil || !own.Ends.Add(-b).After(now) {
			next = &before[i]
		}
	}
	if next == nil {
		return Warning{}, time.Time{}, false
	}
	return Warning{Ends: own.Ends, Before: *next}, own.Ends.Add(-*next), true
}

// warn decides the timer.
func (s State) warn(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	w, at, due := s.due(cmd.At)
	if !due || at.After(cmd.At) {
		return workflows.Decision{}
	}
	w.To, w.At = admins(f), cmd.At
	return evWarned.One(cmd, w)
}

func title(env string) string { return cmp.Or(env, workflows.Production) }
