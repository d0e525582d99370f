package tokens

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
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
	readEvery  = 10 * time.Minute
	timerWarn  = "warn"
	mostListed = 500 // tokens of one environment that are kept
	mostTold   = 20  // findings and warnings whose cards are kept
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
	Over  string          `json:"over,omitempty"`  // who expects it, or "gone"
	Since time.Time       `json:"since,omitzero"`
}

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
		if f.Over = b.By; b.Gone {
			f.Over = "gone"
		}
	}, func(b answer) string {
		if b.Gone {
			return "The token is revoked or gone."
		}
		return workflows.Say("%m expects the token.", b.By)
	})
	evWhose = answered("tokens.whose", func(f *Finding, b answer) { f.Asked = b.By },
		func(b answer) string { return workflows.Say("%m asks whose the token is.", b.By) })
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
			s.Findings = slices.Clone(s.Findings)
			for i := range s.Findings {
				if s.Findings[i].N == b.N {
					fold(&s.Findings[i], b)
					s.Findings[i].Since = e.At
				}
			}
		},
		Tell: func(_ workflows.Event, b answer) string { return tell(b) },
	}
}

var kinds = workflows.NewKinds(nil, nil, evOpened, evLooked, evAsked, evRead, evFound, evAdopted, evWhose, evWarned)

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
		n.People = workflows.Union(p.Admins)
		if len(p.Admins) == 0 {
			n.People = p.HolderIDs()
		}
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
	n := s.Found
	if !was.Read.IsZero() {
		for _, t := range now {
			f, news := finding(was.Tokens, t)
			if !news || s.stands(r.Environment, t.ID) {
				continue
			}
			n++
			f.N, f.Env, f.At = n, r.Environment, cmd.At
			d.Events = append(d.Events, evFound.Of(cmd, f))
		}
	}
	to := admins(f)
	for i, e := range d.Events {
		if b, err := evFound.Body(e); err == nil && evFound.Is(e) {
			b.To = to
			d.Events[i] = evFound.Of(cmd, b)
		}
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

// stands reports whether a finding about a token is open.
func (s State) stands(env, id string) bool {
	return slices.ContainsFunc(s.Findings, func(f Finding) bool {
		return f.Over == "" && f.Env == env && f.Token.ID == id
	})
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
	i := slices.IndexFunc(s.Findings, func(x Finding) bool { return x.N == cmd.Round })
	switch {
	case !slices.Contains(admins(f), cmd.Actor.ID):
		return none, workflows.Refuse("not_permitted", workflows.Say("This is for %m. Nothing was recorded.",
			admins(f)))
	case i < 0 || s.Findings[i].Over != "":
		r := workflows.Refuse("closed", "This is over already. Nothing was recorded.")
		r.Refresh = true
		return none, r
	case cmd.Name == ActAdopt:
		return evAdopted.One(cmd, answer{N: cmd.Round, By: cmd.Actor.ID}), nil
	case s.Findings[i].Asked != "":
		return none, workflows.Refuse("asked", workflows.Say("%m has asked already. Nothing new was recorded.",
			s.Findings[i].Asked))
	}
	return evWhose.One(cmd, answer{N: cmd.Round, By: cmd.Actor.ID}), nil
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
