package authenticator

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Actions of the buttons, and what is typed: the contract with every card ever posted.
const (
	ActCount = "authenticator.count" // an administrator: it is theirs, it may count now
	ActStop  = "authenticator.stop"  // the person or an administrator: it is not to count
	ActReset = "authenticator.reset" // the second administrator
	ActKeep  = "authenticator.keep"  // another administrator or the person: no reset
	// ActAsk is the first administrator's, typed.
	ActAsk = "authenticator.ask"

	// CodeForm is the form that asks for a code, EnrolForm the one that sets an app up. Their submissions are the
	// bot's to look at: what the machine hears is in [Enrol], [EnrolAgain] and [Tried].
	CodeForm  = "authenticator.code"
	EnrolForm = "authenticator.enrol"

	// BlockReason is the input of [ActAsk].
	BlockReason = "reason"
)

// Proofs are the clicks that want a proof wherever there are authenticator apps at all: without them, two stolen
// sessions of administrators would do what the apps are there to prevent.
func Proofs() []string { return []string{ActCount, ActAsk, ActReset} }

// Names of timers.
const (
	timerCount = "count"
	timerReset = "reset"
)

// Enrolment is an app that a person has set up and shown that it works.
type Enrolment struct {
	Person string `json:"person"`
	Team   string `json:"team,omitempty"`
	Name   string `json:"name"`
	Sealed string `json:"sealed"`
	// Step is that of the code by which they showed it: it serves for nothing else.
	Step int64 `json:"step"`
	// Proof is how they showed who they are when they did, in another way than by a code; nil: they did not.
	Proof *workflows.StepUp `json:"proof,omitempty"`
	// Lost: the one they have cannot be read any more.
	Lost bool `json:"lost,omitempty"`
}

// Try is a code that somebody typed, as the bot found it.
type Try struct {
	// Step is the step of time whose code it is, the latest of those allowed; zero: of none.
	Step int64     `json:"step"`
	At   time.Time `json:"at"` // by the clock that codes go by
	// N is the app that it was compared with, for another one may be in its place by now.
	N int `json:"n"`
}

// What the bot tells.
var (
	Enrol      = workflows.Message[Enrolment]{Command: "authenticator.request"} // the first app of a person
	EnrolAgain = workflows.Message[Enrolment]{Command: "authenticator.again"}
	Tried      = workflows.Message[Try]{Command: "authenticator.tried"}
	// Resealed carries the secret sealed with another key.
	Resealed = workflows.Message[string]{Command: "authenticator.resealed"}
)

// Machine is the machine of authenticator apps.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "authenticator", Letter: workflows.LetterAuthenticator, Schema: 1, Kinds: kinds, View: State.view,
		Decide: decide, Needs: needs,
	}.Machine()
}

var gate = workflows.Gate[State]{
	Noun: "authenticator app",
	Clicks: map[string]workflows.Handler[State]{ActCount: count, ActStop: stop, ActReset: reset, ActKeep: keep,
		ActAsk: ask},
	Outcome: func(s State) string { return s.outcome() },
	Now:     func(s State) string { return s.now() },
}

func needs(s State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	n := workflows.Needs{People: workflows.Union(p.Admins, []string{cmd.Actor.ID, s.Person})}
	if e, err := Enrol.Body(cmd); err == nil && Enrol.Given(cmd) || EnrolAgain.Given(cmd) {
		n.People = workflows.Union(n.People, []string{e.Person})
	}
	n.People = slices.DeleteFunc(n.People, func(id string) bool { return id == "" })
	return n
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case Enrol.Given(cmd), EnrolAgain.Given(cmd) && s.Opened():
		return enrol(s, cmd, f)
	case Tried.Given(cmd) && s.Opened():
		return tried(s, cmd, f)
	case Resealed.Given(cmd) && s.Opened():
		text, err := Resealed.Body(cmd)
		if err != nil || s.Closed() || text == s.Sealed {
			return workflows.Decision{}, err
		}
		return evSealed.One(cmd, sealed{text}), nil
	case cmd.Name == workflows.CmdTimer:
		return fired(s, cmd), nil
	}
	return gate.Decide(s, cmd, f)
}

// enrol begins an app. It replaces none that works: that is what a reset is for.
func enrol(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	e, err := Enrol.Body(cmd)
	if err != nil {
		return workflows.Decision{}, err
	}
	if r := workflows.RefuseStanding(f, e.Person); r != nil {
		return workflows.Decision{}, r
	}
	if s.Opened() && !s.Closed() && !e.Lost {
		return workflows.Decision{}, workflows.Refuse("already",
			"You have set up an authenticator app already. Nothing was recorded. "+s.now()+
				" Two administrators can reset it: `{command} step-up reset`.")
	}
	b := enrolled{Opening: workflows.Opening{ID: cmd.Workflow, AccountID: workflows.AccountOfPeople}, Enrolment: e,
		From: cmd.At.Add(CountsAfter), Again: e.Lost && s.Opened() && !s.Closed()}
	b.Admins = State{Person: e.Person}.others(f)
	d := evEnrolled.One(cmd, b)
	d.Reply = workflows.Reply{Text: workflows.Say(
		"Your authenticator app is set up. As anybody with your Slack could have done that, it counts only from %t, or "+
			"as soon as an administrator says that it is yours: ask one of them, not in Slack. They are all told.",
		b.From)}
	if e.Proof != nil {
		d.Reply.Text = "Your authenticator app is set up and counts, as you have shown who you are. The administrators are told."
	}
	return d, nil
}

// tried decides a code. Which it was is not recorded, only its step of time.
func tried(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	t, err := Tried.Body(cmd)
	if err != nil {
		return workflows.Decision{}, err
	}
	switch {
	case !s.Counts():
		return workflows.Decision{}, workflows.RefuseField("code", "no_code_counts", "This code shows nothing. "+
			s.now()+" Nothing was recorded.")
	case t.N != s.N:
		return workflows.Decision{}, workflows.RefuseField("code", "other_app",
			"Another authenticator app was set up in place of this one just now. Nothing was recorded. Type a code of that one.")
	case t.Step == 0:
		left := MaxWrong - s.Wrong - 1
		m := missed{Left: left}
		if left == 0 {
			m.Tell = s.others(f)
		}
		d := evMissed.One(cmd, m)
		d.Reply.Errors = map[string]string{"code": wrong(left)}
		return d, nil
	case t.Step <= s.Step:
		return workflows.Decision{}, workflows.RefuseField("code", "used_code",
			"That code, or a later one, was used already, and each serves once. Nothing was recorded. Wait until your app shows the next one, at most half a minute.")
	}
	return evUsed.One(cmd, used{Step: t.Step, At: t.At.UTC()}), nil
}

func wrong(left int) string {
	if left == 0 {
		return "That was not the code, for the fifth time: your app is locked. Nothing else was recorded. Two administrators can reset it; they are told."
	}
	return "That is not the code that your app shows now. Nothing was decided. " + lock(left) +
		" If the code was right, the clock of your phone is wrong: let it set itself."
}

// lock says how many wrong codes lock it.
func lock(left int) string {
	if left == 1 {
		return "The next wrong one locks it."
	}
	return workflows.Say("After %d more wrong ones it is locked.", left)
}

func fired(s State, cmd workflows.Command) workflows.Decision {
	switch {
	case cmd.Timer == nil, !s.Opened(), s.Closed():
	case cmd.Timer.Name == timerCount && s.Stage == Waiting && !cmd.At.Before(s.From):
		return evCounts.One(cmd, by{})
	case cmd.Timer.Name == timerReset && s.asking() && !cmd.At.Before(s.Asked.Until):
		return evKept.One(cmd, by{})
	}
	return workflows.Decision{}
}

// admins are the administrators of now, each once.
func admins(f workflows.Facts) []string { return f.Expand(f.Policy.Admins) }

// others are the administrators of now but for the person.
func (s State) others(f workflows.Facts) []string {
	return slices.DeleteFunc(admins(f), func(id string) bool { return id == s.Person })
}

// barred reports whether somebody is the person of the app, or one of others, under whichever ID or address.
func (s State) barred(f workflows.Facts, who string, others ...string) bool {
	parties := []approvals.Party{{Identity: f.Known(s.Person)}}
	for _, o := range others {
		parties = append(parties, approvals.Party{Identity: f.Known(o)})
	}
	return slices.ContainsFunc(approvals.Bars(parties, []approvals.Identity{f.Known(who)}), func(b approvals.Bar) bool {
		return b.Who == who
	})
}

// count takes an administrator's word for it.
func count(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case !workflows.Among(cmd.Actor.ID, admins(f)):
		return workflows.Decision{}, onlyAdmins("say that it may count")
	case s.barred(f, cmd.Actor.ID):
		return workflows.Decision{}, workflows.Refuse("barred",
			"This is your own app, so another administrator has to say that it is yours. Nothing was recorded. "+
				s.now())
	case s.Stage != Waiting:
		return workflows.Decision{}, workflows.Refuse("not_now", s.now()+" Nothing was recorded.")
	}
	return evCounts.One(cmd, by{cmd.Actor.ID}), nil
}

// stop ends an app that does not count yet.
func stop(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case !workflows.Among(cmd.Actor.ID, admins(f), []string{s.Person}):
		return workflows.Decision{}, onlyAdmins("and the person themselves say that it is not to count")
	case s.Stage != Waiting:
		return workflows.Decision{}, workflows.Refuse("not_now",
			s.now()+" Nothing was recorded. Two administrators can reset it: `{command} step-up reset`.")
	}
	d := evStopped.One(cmd, by{cmd.Actor.ID})
	d.Reply.Text = "It is ended and will never count. If somebody else set it up, they have the Slack session of " +
		workflows.Mention(s.Person) +
		": let them sign out everywhere (Slack, Settings, Account), and tell your security team."
	return d, nil
}

// ask asks for a reset.
func ask(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	reason := strings.TrimSpace(cmd.Input[BlockReason])
	if err := workflows.TooLong(BlockReason, reason); err != nil {
		return workflows.Decision{}, err
	}
	switch {
	case s.barred(f, cmd.Actor.ID):
		return workflows.Decision{}, workflows.Refuse("barred",
			"Nobody resets their own app. Nothing was recorded. Two other administrators can.")
	case !workflows.Among(cmd.Actor.ID, admins(f)):
		return workflows.Decision{}, onlyAdmins("reset an authenticator app, two together")
	case s.asking() && s.Asked.By == cmd.Actor.ID:
		return workflows.Decision{Reply: workflows.Reply{
			Text: workflows.Say(
				"You have asked for this already. Another administrator has to ask for it, too, until %t.",
				s.Asked.Until)}}, nil
	case s.asking():
		return reset(s, cmd, f)
	case len(s.seconds(f, cmd.Actor.ID)) == 0:
		return workflows.Decision{}, workflows.Refuse("nobody_else",
			"No other administrator could join you, and it takes two. Nothing was recorded. "+
				"Whoever operates Keyholder can name one more in `admins` of an account that asks for proofs.")
	}
	d := evAsked.One(cmd, asked{By: cmd.Actor.ID, Reason: reason, Until: cmd.At.Add(ResetWithin), Tell: s.others(f)})
	d.Reply.Text = workflows.Say(
		"You have asked that the authenticator app of %m be reset. It takes one more administrator, by %t: %m can, and have a message.",
		s.Person, cmd.At.Add(ResetWithin), s.seconds(f, cmd.Actor.ID))
	return d, nil
}

// seconds are the administrators who could join the one who asks.
func (s State) seconds(f workflows.Facts, first string) []string {
	return slices.DeleteFunc(admins(f), func(id string) bool {
		return f.People[id].Standing != "" || s.barred(f, id, first)
	})
}

// reset is the second administrator's word.
func reset(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	who := cmd.Actor.ID
	switch {
	case !s.asking():
		return workflows.Decision{}, workflows.Refuse("not_now", "Nobody asks for a reset now. Nothing was recorded. "+
			s.now())
	case s.barred(f, who):
		return workflows.Decision{}, workflows.Refuse("barred",
			"Nobody resets their own app. Nothing was recorded. Two other administrators can.")
	case !workflows.Among(who, admins(f)):
		return workflows.Decision{}, onlyAdmins("reset an authenticator app, two together")
	case s.barred(f, who, s.Asked.By):
		return workflows.Decision{}, workflows.Refuse("same",
			"You have asked for this yourself, and it takes two. Nothing was recorded. Another administrator has to press this.")
	case !workflows.Among(s.Asked.By, admins(f)) || f.People[s.Asked.By].Standing != "":
		return workflows.Decision{}, workflows.Refuse("first_gone",
			workflows.Say("%m, who asked for this, is no administrator any more. Nothing was recorded. Press No reset, then ask for it yourself.", s.Asked.By))
	}
	return evReset.One(cmd, by{who}), nil
}

// keep says no to a reset.
func keep(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case !s.asking():
		return workflows.Decision{}, workflows.Refuse("not_now", "Nobody asks for a reset now. Nothing was recorded. "+
			s.now())
	case !workflows.Among(cmd.Actor.ID, admins(f), []string{s.Person}):
		return workflows.Decision{}, onlyAdmins("and the person themselves say no to a reset")
	}
	return evKept.One(cmd, by{cmd.Actor.ID}), nil
}

func onlyAdmins(do string) *workflows.Refusal {
	return workflows.Refuse("not_permitted", "Only administrators of an account that asks for proofs can "+do+
		". Nothing was recorded.")
}
