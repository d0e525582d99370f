package key

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
)

// Commands and forms of a use of the key.
const (
	Request      = "key.request" // the callback_id of the form, and what it gives
	ActApprove   = "key.approve"
	ActRefuse    = "key.refuse"
	ActCancel    = "key.cancel"
	ActBack      = "key.back" // opens the form of the same callback_id
	ActPlanned   = "key.planned"
	ActEmergency = "key.emergency"
	ActMisuse    = "key.misuse"
	// ReasonForm is the callback_id of the form that asks why not.
	ReasonForm = "key.reason"
)

// Fields of the forms.
const (
	BlockAccount = "account"
	BlockFor     = "for"
	BlockReason  = "reason"
	BlockDone    = "done"
	BlockRotated = "rotated"
)

// Values of [BlockRotated].
const (
	rotatedYes = "yes"
	rotatedNo  = "no"
)

// maxReason bounds what people write, in characters: what is taken is shown whole.
const maxReason = 600

// tooLong refuses a text that would not be shown whole; a form of Slack's own cannot send one.
func tooLong(field, text string) error {
	if utf8.RuneCountInString(text) <= maxReason {
		return nil
	}
	return workflows.RefuseField(field, "too_long", "Please say it in at most "+strconv.Itoa(maxReason)+
		" characters; all of it is shown. Nothing was recorded.")
}

const (
	timerApprove = "approve"
	timerLate    = "late"
	timerExplain = "explain"
)

// seenInUse tells a use that a sign-in was seen in its time, useInRetrospect opens one for a
// sign-in that somebody says was theirs.
var (
	seenInUse       = workflows.Message[Seen]{Command: "key.seen"}
	useInRetrospect = workflows.Message[retrospect]{Command: Request}
)

type retrospect struct {
	Person string           `json:"person"`
	Reason string           `json:"reason"`
	SignIn workflows.SignIn `json:"sign_in"`
	Found  string           `json:"found"` // the workflow that asked about it
	Owner  string           `json:"owner"`
}

// Use is the machine of the master key taken out for a reason and a time.
func Use() workflows.Machine {
	return workflows.Rules[UseState]{
		Name: "key", Letter: workflows.LetterUse, Schema: 1, Kinds: useKinds,
		Needs: useNeeds, Decide: decideUse, View: UseState.view,
	}.Machine()
}

func useNeeds(s UseState, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	owner := a.Owner
	if s.Owner != "" {
		owner = s.Owner
	}
	n := workflows.Needs{People: workflows.Union(circlePeople(p, owner), s.All(), []string{s.Person})}
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID})
	}
	if !s.Opened() {
		n.Delegations = n.People
	} else if s.Stage == UseAsking {
		people, delegations := asks.Needs(s, p)
		n.People, n.Delegations = workflows.Union(n.People, people), delegations
	}
	return n
}

func decideUse(s UseState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case !s.Opened() && useInRetrospect.Given(cmd):
		return openRetrospect(cmd, f)
	case !s.Opened() && cmd.Name == Request:
		return openUse(cmd, f)
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("closed",
			"There is no such use of the key. Nothing was recorded.")
	case seenInUse.Given(cmd):
		b, err := seenInUse.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		if told(s.Seen, b) {
			return workflows.Decision{}, nil
		}
		return evUseSeen.One(cmd, b), nil
	case cmd.Name == workflows.CmdTimer:
		return s.due(cmd, f), nil
	case cmd.Name == workflows.CmdReceipt:
		return workflows.Decision{}, nil
	}
	return useGate.Decide(s, cmd, f)
}

var useGate = workflows.Gate[UseState]{Noun: "use of the key", Clicks: useClicks(), Outcome: UseState.outcome,
	Now: UseState.now}

func useClicks() map[string]workflows.Handler[UseState] {
	clicks := map[string]workflows.Handler[UseState]{
		ActCancel: UseState.cancel, ActBack: UseState.bringBack,
		ActPlanned: found(UsePlanned), ActEmergency: found(UseEmergency), ActMisuse: found(UseMisuse),
	}
	asks.Clicks(clicks, UseState.decided)
	return clicks
}

// openUse judges a request and asks, or hands the key out at once where nobody is asked.
func openUse(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	p := f.Policy
	c := circleOf(f, f.Account.Owner)
	if !workflows.Among(cmd.Actor.ID, c.All()) {
		return workflows.Decision{}, workflows.Refuse("not_permitted", "Only holders, keepers and administrators of "+
			workflows.Esc(p.Name)+
			" can take the key out: "+workflows.Mentions(c.All())+
			". Nothing was recorded. Ask one of them, or `{command} recover "+p.ID+"`.")
	}
	if r := Taken(p, f.Account); r != nil {
		return workflows.Decision{}, r
	}
	box, ok := lengthOf(p.Key.For, cmd.Input[BlockFor])
	if !ok {
		return workflows.Decision{}, workflows.RefuseField(BlockFor, "for_bad", "Choose for how long you need it.")
	}
	reason := strings.TrimSpace(cmd.Input[BlockReason])
	if reason == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing",
			"Say what you need it for; everybody who looks after the account reads it.")
	}
	if err := tooLong(BlockReason, reason); err != nil {
		return workflows.Decision{}, err
	}
	alias, _ := p.Alias(f.Account.Owner)
	plan := UsePlan{AccountName: p.Name, Owner: f.Account.Owner, Vault: alias.Vault, Person: cmd.Actor.ID,
		PersonName: f.People[cmd.Actor.ID].Name, Reason: reason,
		For: box.Text, Length: box.Length, Circle: c, Channel: p.Channel, Quorum: p.Key.Quorum,
		Approve: p.Key.ApproveWithin,
		Explain: p.Key.ExplainWithin, UIHost: p.UIHost, Unwatched: !p.Token, Ways: waysOf(p)}
	d := evUseOpened.One(cmd, useOpened{workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}, plan})
	d.Account = []workflows.Event{cmd.Event(workflows.LockTaken, workflows.Lock{Name: workflows.LockKey,
		Workflow: cmd.Workflow})}
	if plan.Quorum == 0 {
		d.Events = append(d.Events, evUseOut.Of(cmd, workflows.None{}))
		d.Reply = workflows.Reply{Link: cmd.Workflow, Text: "The key is out, on your name: `" + cmd.Workflow +
			"`. Holders and administrators are told. " +
			"Bring it back on your card by " + workflows.When(cmd.At.Add(plan.Length)) + "."}
	} else {
		d.Reply = workflows.Reply{Link: cmd.Workflow, Text: "Asked: `" + cmd.Workflow +
			"`. Do not sign in before it is approved; your card shows it."}
		put, err := asks.Ask(cmd, f, plan.asked(cmd, f))
		if err != nil {
			return workflows.Decision{}, err
		}
		d.Events = append(d.Events, put)
	}
	return UseState{}.follow(cmd, d), nil
}

// Taken tells whose the key of an account is now; nil when it is free.
func Taken(p workflows.Policy, a workflows.AccountState) *workflows.Refusal {
	held := a.Locks[workflows.LockKey]
	if held == "" {
		return nil
	}
	whose := "Somebody has asked for it already"
	if u := a.Key.Use; u != nil && u.Workflow == held {
		whose = workflows.Mention(u.Person) + " has it since " + workflows.When(u.Out) + ", until " +
			workflows.When(u.Until)
	}
	r := workflows.Refuse("key_out", "The key of "+workflows.Esc(p.Name)+" is taken: "+whose+" (`"+held+
		"`). Nothing was recorded. A second sign-in would end the first one, so speak with them.")
	r.Link = held
	return r
}

// openRetrospect records a use for a sign-in that was seen before it was explained.
func openRetrospect(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	b, err := useInRetrospect.Body(cmd)
	if err != nil {
		return workflows.Decision{}, err
	}
	p := f.Policy
	alias, _ := p.Alias(b.Owner)
	plan := UsePlan{AccountName: p.Name, Owner: b.Owner, Vault: alias.Vault, Person: b.Person,
		PersonName: f.People[b.Person].Name, Reason: b.Reason, Circle: circleOf(f, b.Owner),
		Channel: p.Channel, Explain: p.Key.ExplainWithin, UIHost: p.UIHost, Unwatched: !p.Token, Ways: waysOf(p),
		Retro: &b.SignIn, SignIn: b.Found}
	d := evUseOpened.One(cmd, useOpened{workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}, plan})
	return UseState{}.follow(cmd, d), nil
}

// lengthOf finds what was chosen.
func lengthOf(choices []workflows.TimeBox, chosen string) (workflows.TimeBox, bool) {
	for _, c := range choices {
		if c.Text == chosen && c.Length > 0 {
			return c, true
		}
	}
	return workflows.TimeBox{}, false
}

// follow adds what the account's record keeps of a use: the lock, the time in which a sign-in is
// expected, and the last use.
func (s UseState) follow(cmd workflows.Command, d workflows.Decision) workflows.Decision {
	next, err := useKinds.Apply(s, d.Events...)
	if err != nil {
		panic("key: a use's own events cannot be folded: " + err.Error())
	}
	expects := func(to time.Time) {
		d.Account = append(d.Account, cmd.Event(workflows.KeyExpects,
			workflows.KeyWindow{Workflow: next.ID, Person: next.Person, From: next.Out, To: to}))
	}
	switch {
	case next.Retro == nil && !next.Out.IsZero() && s.Out.IsZero():
		expects(time.Time{})
	case next.Retro == nil && !next.Out.IsZero() && (!next.Back.IsZero() && s.Back.IsZero() || next.Closed() &&
		!s.Closed() && s.Back.IsZero()):
		expects(cmd.At)
	}
	if !next.Out.IsZero() {
		u := workflows.KeyUse{Workflow: next.ID, Person: next.Person, Reason: next.Reason, Out: next.Out,
			Until: next.Ends, Back: next.Back}
		if next.Closed() {
			u.Found = next.Stage
		}
		d.Account = append(d.Account, cmd.Event(workflows.KeyUsed, u))
	}
	if next.Retro == nil && (next.Closed() && !s.Closed() || !next.Back.IsZero() && s.Back.IsZero()) && !s.released() {
		d.Account = append(d.Account, cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockKey,
			Workflow: next.ID}))
	}
	return d
}

// released reports whether the key is free for somebody else already: it came back.
func (s UseState) released() bool { return !s.Back.IsZero() || s.Closed() }

// due does what the time asks for.
func (s UseState) due(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	switch cmd.Timer.Name {
	case timerApprove:
		return s.follow(cmd, evUseEnded.One(cmd, useEnded{Outcome: UseExpired}))
	case timerLate:
		return evUseLate.One(cmd, workflows.None{})
	case timerExplain:
		d := s.follow(cmd, evUseEnded.One(cmd, useEnded{Outcome: UseUnexplained}))
		d.Calls = s.alarm(AlarmUnexplained, cmd.At).calls(s.Ways, s.AccountID)
		return d
	}
	return s.askedDue(cmd, f)
}

// cancel takes the question back.
func (s UseState) cancel(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	now := circleOf(f, s.Owner)
	switch {
	case s.Stage != UseAsking:
		r := workflows.Refuse("not_here",
			"The key is out already, so the question cannot be taken back. Nothing was recorded. "+
				"Whoever has it brings it back on their card.")
		r.Refresh = true
		return workflows.Decision{}, r
	case cmd.Actor.ID != s.Person && (!workflows.Among(cmd.Actor.ID, now.Lookers()) || !workflows.Among(cmd.Actor.ID,
		s.Lookers())):
		return workflows.Decision{}, workflows.Refuse("not_permitted",
			"Only "+workflows.Mentions(workflows.Union([]string{s.Person}, s.Lookers()))+
				" can take this back. Nothing was recorded.")
	}
	reason, modal := s.reason(cmd, "Take the question back", "Take it back", false)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if err := tooLong(BlockReason, reason); err != nil {
		return workflows.Decision{}, err
	}
	return s.follow(cmd, evUseEnded.One(cmd, useEnded{Outcome: UseCancelled, Reason: reason})), nil
}

// reason asks why, once.
func (s UseState) reason(cmd workflows.Command, title, submit string, required bool) (string, *workflows.Modal) {
	if cmd.Submitted {
		return strings.TrimSpace(cmd.Input[BlockReason]), nil
	}
	label := "Reason"
	if !required {
		label = "Reason, if you like"
	}
	return "", &workflows.Modal{Callback: ReasonForm, Title: title, Submit: submit, Workflow: s.ID,
		Account: s.AccountID, Action: cmd.Name,
		Round: s.Round, Intro: []string{"*" + workflows.Esc(s.Title()) + "*"},
		Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText, Label: label, Multiline: true,
			MaxLength: maxReason,
			Optional:  !required, Hint: "Everybody who has a card of this reads it."}}}
}

// bringBack ends the time in which the key is out.
func (s UseState) bringBack(cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	switch {
	case s.Stage != UseOut:
		r := workflows.Refuse("not_here", "The key is not out. "+s.now()+" Nothing was recorded.")
		r.Refresh = true
		return workflows.Decision{}, r
	case cmd.Actor.ID != s.Person:
		return workflows.Decision{}, workflows.Refuse("not_permitted", "Only "+workflows.Mention(s.Person)+
			", who has it, brings it back. Nothing was recorded. If they cannot, say what it was once its time is over.")
	case !cmd.Submitted:
		return workflows.Decision{Reply: workflows.Reply{Modal: s.backForm()}}, nil
	}
	done, rotated := strings.TrimSpace(cmd.Input[BlockDone]), cmd.Input[BlockRotated]
	if done == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockDone, "done_missing",
			"Say what you did; it is what others go by.")
	}
	if err := tooLong(BlockDone, done); err != nil {
		return workflows.Decision{}, err
	}
	if rotated != rotatedYes && rotated != rotatedNo {
		return workflows.Decision{}, workflows.RefuseField(BlockRotated, "rotated_missing",
			"Say whether the password was changed.")
	}
	d := s.follow(cmd, evUseBack.One(cmd, useBack{done, rotated}))
	d.Reply = workflows.Reply{
		Text: "The key is back. Somebody else now says whether it was planned, an emergency or misuse.", Link: s.ID}
	return d, nil
}

// found is the handler of one of the three buttons that say what a use was.
func found(what string) workflows.Handler[UseState] {
	return func(s UseState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
		if !s.explainable() {
			r := workflows.Refuse("not_here", "It cannot be said yet what this use was: "+s.now()+
				" Nothing was recorded.")
			r.Refresh = true
			return workflows.Decision{}, r
		}
		may := s.explainers(circleOf(f, s.Owner))
		if who := s.alias(cmd.Actor.ID, may, f); !workflows.Among(who, may) {
			return workflows.Decision{}, s.mayNotExplain(who, may)
		}
		d := s.follow(cmd, evUseFound.One(cmd, useFound{what}))
		if what == UseMisuse {
			d.Calls = s.alarm(AlarmMisuse, cmd.At).calls(s.Ways, s.AccountID)
		}
		return d, nil
	}
}

// alias is under which of their IDs somebody explains: whose second account took the key or approved
// it does so under that one, where anybody else is left.
func (s UseState) alias(who string, may []string, f workflows.Facts) string {
	me := f.Known(who)
	if me.Same(f.Known(s.Person)) {
		return s.Person
	}
	for _, approver := range s.approvers() {
		if me.Same(f.Known(approver)) && slices.ContainsFunc(may, func(id string) bool {
			return !me.Same(f.Known(id))
		}) {
			return approver
		}
	}
	return who
}

// mayNotExplain says why somebody else has to.
func (s UseState) mayNotExplain(who string, may []string) *workflows.Refusal {
	whoElse := "A holder or administrator who is neither has to be named in the configuration first."
	if len(may) > 0 {
		whoElse = workflows.Mentions(may) + " can say it."
	}
	switch {
	case who == s.Person:
		return workflows.Refuse("own_use", "It was you who had the key, so somebody else must say what it was. "+
			whoElse+" Nothing was recorded.")
	case workflows.Among(who, s.approvers()):
		return workflows.Refuse("approved_it", "You approved this use, so somebody else must say what it was. "+whoElse+
			" Nothing was recorded.")
	}
	return workflows.Refuse("not_permitted", "Holders and administrators say what a use was. "+whoElse+
		" Nothing was recorded.")
}

// alarm is raised by a use. Mail and webhook name who had it as exports do, cards mention them.
func (s UseState) alarm(kind string, at time.Time) alarm {
	had, then := "The key of "+s.AccountName+" was taken out by ", " on "+utc(s.Out)+" ("+s.ID+"), and "
	switch {
	case kind == AlarmMisuse:
		then += "somebody else found that it was misused."
	case s.Back.IsZero():
		then += "it never came back; nobody has said what it was used for."
	default:
		then += "nobody else has said in time what it was used for."
	}
	return alarm{kind: kind, account: s.AccountID, name: s.AccountName, workflow: s.ID, at: at, own: s.Owner,
		text: had + cmp.Or(s.PersonName, s.Person) + then, shown: workflows.Esc(had) + workflows.Mention(s.Person) +
			workflows.Esc(then)}
}
