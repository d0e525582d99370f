package key

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Stages of a sign-in that nobody explains; the last two are its ends.
const (
	SignInAsking  = "asking"
	SignInClaimed = "claimed"
	SignInUnknown = "unknown"
)

// Buttons of the card about a sign-in.
const (
	ActMine    = "key.mine"
	ActUnknown = "key.unknown"
)

const timerAnswer = "answer"

// signInFound opens the question about a sign-in.
var signInFound = workflows.Message[foundSignIn]{Command: "signin.request"}

type foundSignIn struct {
	workflows.SignIn
	Owner string `json:"owner"`
}

// SignInState is all that is known of one sign-in that no use or turn explains.
type SignInState struct {
	workflows.Head
	signInPlan
	By      string    `json:"by,omitempty"`      // who answered
	Alarmed time.Time `json:"alarmed,omitzero"`  // when the alarm was raised
	Use     string    `json:"use,omitempty"`     // the use that explains it
	Unknown bool      `json:"unknown,omitempty"` // somebody says that they do not know it
}

type signInPlan struct {
	// Entry is the sign-in, as the audit log shows it.
	Entry       workflows.SignIn `json:"entry"`
	AccountName string           `json:"account_name"`
	Owner       string           `json:"owner"`
	Circle
	Channel string              `json:"channel,omitempty"`
	Answer  time.Duration       `json:"answer_within"`
	For     []workflows.TimeBox `json:"for"`
	Ways
}

// Title implements workflows.State.
func (s SignInState) Title() string { return "A sign-in as " + s.Owner + " that nobody explains" }

type (
	signInOpened struct {
		workflows.Opening
		signInPlan
	}
	signInClaimed struct {
		Use string `json:"use"`
	}
)

type signInKind[B any] = workflows.Kind[SignInState, B]

var (
	evSignIn = signInKind[signInOpened]{
		Type: "signin.opened",
		Fold: func(s *SignInState, e workflows.Event, b signInOpened) {
			s.signInPlan = b.signInPlan
			s.Open(b.Opening, SignInAsking, e)
			s.Until = e.At.Add(b.Answer)
		},
		Tell: func(_ workflows.Event, b signInOpened) string {
			return "The audit log shows a sign-in as " + workflows.Esc(b.Owner) + " " + workflows.When(b.Entry.At) +
				" that belongs to no use and no drill; holders and keepers were asked."
		},
	}
	evSignInClaimed = signInKind[signInClaimed]{
		Type: "signin.claimed",
		Fold: func(s *SignInState, e workflows.Event, b signInClaimed) {
			s.By, s.Use = e.By.ID, b.Use
			s.End(SignInClaimed, e)
		},
		Tell: func(e workflows.Event, b signInClaimed) string {
			return workflows.Mention(e.By.ID) + " says that it was their own, and recorded it as `" +
				workflows.Esc(b.Use) + "`."
		},
	}
	evSignInUnknown = signInKind[workflows.None]{
		Type: "signin.unknown",
		Fold: func(s *SignInState, e workflows.Event, _ workflows.None) {
			s.By, s.Unknown = e.By.ID, true
			if s.Alarmed.IsZero() {
				s.Alarmed = e.At
			}
			s.End(SignInUnknown, e)
		},
		Tell: func(e workflows.Event, _ workflows.None) string {
			return workflows.Mention(e.By.ID) + " says that nobody of them signed in: an alarm."
		},
	}
	evSignInAlarm = signInKind[workflows.None]{
		Type: "signin.unanswered",
		Fold: func(s *SignInState, e workflows.Event, _ workflows.None) {
			s.Alarmed, s.Until = e.At, time.Time{}
			s.Ask()
		},
		Tell: workflows.Told[workflows.None]("Nobody answered in time: an alarm."),
	}
)

var signInKinds = workflows.NewKinds(nil, nil, evSignIn, evSignInClaimed, evSignInUnknown, evSignInAlarm)

// SignIns is the machine of one sign-in of the owner that no use and no drill explains.
func SignIns() workflows.Machine {
	return workflows.Rules[SignInState]{
		Name: "signin", Letter: workflows.LetterSignIn, Schema: 1, Kinds: signInKinds,
		Needs: signInNeeds, Decide: decideSignIn, View: SignInState.view,
	}.Machine()
}

func signInNeeds(s SignInState, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	n := workflows.Needs{People: circlePeople(p, a.Owner)}
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, []string{cmd.Actor.ID})
	}
	return n
}

var signInGate = workflows.Gate[SignInState]{
	Noun:    "question",
	Clicks:  map[string]workflows.Handler[SignInState]{ActMine: SignInState.mine, ActUnknown: SignInState.unknown},
	Outcome: SignInState.outcome,
	Now: func(s SignInState) string {
		if s.Alarmed.IsZero() {
			return "The question is open."
		}
		return "Nobody answered in time, so everybody was alarmed; who it was can still be said."
	},
}

func decideSignIn(s SignInState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case signInFound.Given(cmd) && !s.Opened():
		return openSignIn(cmd, f)
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("closed", "There is no such question. Nothing was recorded.")
	case cmd.Name == workflows.CmdTimer && cmd.Timer.Name == timerAnswer:
		d := evSignInAlarm.One(cmd, workflows.None{})
		d.Calls = s.alarm(cmd).calls(s.Ways, s.AccountID)
		return d, nil
	case cmd.Name == workflows.CmdReceipt, cmd.Name == workflows.CmdTimer:
		return workflows.Decision{}, nil
	}
	return signInGate.Decide(s, cmd, f)
}

func openSignIn(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	b, err := signInFound.Body(cmd)
	if err != nil {
		return workflows.Decision{}, err
	}
	p := f.Policy
	return evSignIn.One(cmd, signInOpened{workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}, signInPlan{
		Entry: b.SignIn, AccountName: p.Name, Owner: b.Owner, Circle: circleOf(f, b.Owner), Channel: p.Channel,
		Answer: p.Key.AnswerWithin, For: p.Key.For, Ways: waysOf(p)}}), nil
}

// mayAnswer refuses who is not asked.
func (s SignInState) mayAnswer(cmd workflows.Command, f workflows.Facts) error {
	now := circleOf(f, s.Owner)
	if !workflows.Among(cmd.Actor.ID, now.Holders, now.Keepers()) {
		return workflows.Refuse("not_permitted", "Holders and keepers of "+workflows.Esc(s.Owner)+" are asked: "+
			workflows.Mentions(s.asked())+". Nothing was recorded.")
	}
	return nil
}

func (s SignInState) asked() []string { return workflows.Union(s.Holders, s.Keepers()) }

// mine opens the form of a use in retrospect, and records what it says.
func (s SignInState) mine(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswer(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if !cmd.Submitted {
		m := RequestForm([]workflows.Policy{f.Policy}, s.AccountID)
		m.Title, m.Submit, m.Workflow, m.Account, m.Action, m.Round = "It was me", "Record it", s.ID, s.AccountID,
			ActMine, s.Round
		m.Intro = []string{"The sign-in as " + workflows.Esc(s.Owner) + " of " + workflows.When(s.Entry.At) +
			". What you write is recorded as a use of the " +
			"key in retrospect; somebody else finds whether it was planned, an emergency or misuse."}
		return workflows.Decision{Reply: workflows.Reply{Modal: &m}}, nil
	}
	reason := strings.TrimSpace(cmd.Input[BlockReason])
	if reason == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing",
			"Say what you signed in for; everybody who looks after the account reads it.")
	}
	if err := tooLong(BlockReason, reason); err != nil {
		return workflows.Decision{}, err
	}
	use := workflows.NewID(workflows.LetterUse, s.AccountID, f.Shards, s.ID)
	d := evSignInClaimed.One(cmd, signInClaimed{use})
	d.Calls = []workflows.Call{useInRetrospect.To(s.AccountID, use,
		retrospect{Person: cmd.Actor.ID, Reason: reason, SignIn: s.Entry, Found: s.ID, Owner: s.Owner})}
	d.Reply = workflows.Reply{Text: "Recorded as `" + use +
		"`. Somebody else now says whether it was planned, an emergency or misuse.", Link: use}
	return d, nil
}

// unknown raises the alarm.
func (s SignInState) unknown(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.mayAnswer(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	d := evSignInUnknown.One(cmd, workflows.None{})
	if s.Alarmed.IsZero() {
		d.Calls = s.alarm(cmd).calls(s.Ways, s.AccountID)
	}
	d.Reply = workflows.Reply{Text: "Everybody who holds or administers the account is alarmed now.", Link: s.ID}
	return d, nil
}

// alarm says that somebody nobody knows signed in as the owner.
func (s SignInState) alarm(cmd workflows.Command) alarm {
	return alarm{kind: AlarmUnknownSignIn, account: s.AccountID, name: s.AccountName, workflow: s.ID, at: cmd.At,
		text: "Somebody signed in to " + s.AccountName + " as its owner, " + s.Owner + ", on " + utc(s.Entry.At) +
			", and nobody says that it was them.",
		own: s.Owner}
}

func (s SignInState) view() workflows.View {
	v := workflows.View{}
	if !s.Closed() {
		v.Waiting = s.asked()
		if s.Alarmed.IsZero() {
			v.Timers = []workflows.Timer{{Name: timerAnswer, At: s.Until}}
		}
	}
	for _, who := range s.asked() {
		v.Cards = append(v.Cards, s.card(who))
	}
	if !s.Alarmed.IsZero() {
		v.Cards = append(v.Cards, s.alarmOf().cards(s.Circle, s.Channel, s.asked())...)
	}
	return v
}

// alarmOf is the alarm as its cards show it.
func (s SignInState) alarmOf() alarm {
	a := s.alarm(workflows.Command{At: s.Alarmed})
	if s.Stage == SignInClaimed {
		a.over = workflows.Mention(s.By) + " said later that it was them: `" + s.Use + "`."
	}
	return a
}

func (s SignInState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Sign-in " + s.ID}
	if s.Closed() {
		c.Title = map[bool]string{true: "✓ A sign-in as ", false: "! A sign-in as "}[s.Stage == SignInClaimed] +
			workflows.Esc(s.Owner)
		c.Lines = []string{s.outcome() + workflows.Say(" Ended %t.", s.Over)}
		c.Fallback = "A sign-in as " + s.Owner + ": " + s.Stage
		return c
	}
	c.Title = "! Was it you who signed in as " + workflows.Esc(s.Owner) + "?"
	c.Fallback = "Was it you who signed in as " + s.Owner + "?"
	source := map[string]string{"ui": " on its sign-in page", "sso": " by single sign-on"}[s.Entry.Source]
	c.Lines = []string{"Somebody signed in to *" + workflows.Esc(s.AccountName) + "* as its owner " +
		workflows.When(s.Entry.At) + source +
		", seen in integrator.io's audit log. It belongs to no recorded use and no drill.",
		"You are asked because you can open the mailbox or use the key; so are " +
			workflows.Mentions(without(s.asked(), who)) + ". If it was you, say what for. If nobody says so by " +
			workflows.When(s.Until) + ", everybody is alarmed."}
	if len(without(s.asked(), who)) == 0 {
		c.Lines[1] = "You are asked because you can open the mailbox or use the key. If it was you, say what for. If you do not say so by " +
			workflows.When(s.Until) + ", everybody is alarmed."
	}
	if !s.Alarmed.IsZero() {
		c.Lines[1] = "Nobody answered in time, so everybody was alarmed " + workflows.When(s.Alarmed) +
			". If it was you, say so now."
	}
	c.Buttons = []workflows.Button{
		{Action: ActMine, Label: "It was me…", Style: workflows.Primary},
		{Action: ActUnknown, Label: "Nobody of us", Style: workflows.Danger,
			Confirm: &workflows.Confirm{Title: "An alarm?",
				Text: "Everybody who holds or administers the account is alarmed at once. You can be sure of yourself only: ask the others first if you can.",
				Yes:  "Raise the alarm", No: "Back"}},
	}
	return c
}

// outcome is how the question ended.
func (s SignInState) outcome() string {
	if s.Stage == SignInClaimed {
		return workflows.Mention(s.By) + " says that it was their own: `" + s.Use + "`."
	}
	return workflows.Mention(s.By) + " says that nobody of them signed in, so everybody was alarmed."
}
