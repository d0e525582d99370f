package key

import (
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Commands of a drill. DrillRequest is given by a person's `key ACCOUNT drill` and by the calendar.
const (
	DrillRequest = "drill.request"
	ActProve     = "drill.prove"
	ActAttest    = "drill.attest"
	ActCannot    = "drill.cannot"
	ActStop      = "drill.cancel"
	// DrillForm is the callback_id of the form that takes the word.
	DrillForm = "drill.prove"
)

// BlockWord is the field of [DrillForm].
const BlockWord = "word"

const (
	timerEnd    = "end"
	timerTurn   = "turn"
	timerRemind = "remind"
)

// seenInDrill tells a drill that a sign-in of the owner was seen in somebody's turn, calendarDue
// opens one because its time has come.
var (
	seenInDrill = workflows.Message[Seen]{Command: "drill.seen"}
	calendarDue = workflows.Message[drillDue]{Command: DrillRequest}
)

type drillDue struct {
	Watch string `json:"watch"`
}

// Drill is the machine of the rehearsal: each holder shows that they can read the mailbox, and
// meanwhile the keepers sign in one after another.
func Drill() workflows.Machine {
	return workflows.Rules[DrillState]{
		Name: "drill", Letter: workflows.LetterDrill, Schema: 2, Kinds: drillKinds,
		Needs: drillNeeds, Decide: decideDrill, View: DrillState.view,
	}.Machine()
}

func drillNeeds(s DrillState, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = []string{cmd.Actor.ID}
	}
	if cmd.Name == DrillRequest {
		n.People = workflows.Union(n.People, circlePeople(p, a.Owner))
	} else if cmd.Actor.Kind == workflows.ByPerson {
		n.People = workflows.Union(n.People, circlePeople(p, s.Owner))
	}
	return n
}

func decideDrill(s DrillState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case cmd.Name == DrillRequest && !s.Opened():
		return openDrill(cmd, f)
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("closed", "There is no such drill. Nothing was recorded.")
	case seenInDrill.Given(cmd):
		b, err := seenInDrill.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		if told(s.Seen, b) {
			return workflows.Decision{}, nil
		}
		return s.settle(cmd, evDrillSeen.One(cmd, b)), nil
	case cmd.Name == workflows.CmdReceipt:
		return s.letter(cmd), nil
	case cmd.Name == workflows.CmdTimer:
		return s.due(cmd), nil
	}
	return drillGate.Decide(s, cmd, f)
}

var drillGate = workflows.Gate[DrillState]{
	Noun: "drill",
	Clicks: map[string]workflows.Handler[DrillState]{
		ActProve: DrillState.prove, ActAttest: DrillState.attest, ActCannot: DrillState.cannot,
		ActStop: DrillState.stop,
	},
	Outcome: DrillState.outcome,
	Now:     func(s DrillState) string { return s.progress() },
}

// openDrill freezes who is asked, and asks.
func openDrill(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	watch := ""
	if calendarDue.Given(cmd) {
		b, err := calendarDue.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		watch = b.Watch
	} else if err := mayDrill(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if held := f.Account.Locks[workflows.LockDrill]; held != "" {
		r := workflows.Refuse("drill_open", "A drill of "+workflows.Esc(f.Policy.Name)+" runs already: `"+held+
			"`. Nothing was recorded. Answer on its card.")
		r.Link = held
		return workflows.Decision{}, r
	}
	if _, is := f.Policy.Alias(f.Account.Owner); !is {
		return workflows.Decision{}, workflows.Refuse("owner_person", workflows.Esc(f.Policy.Name)+" belongs to "+
			workflows.Esc(f.Account.Owner)+
			", which is no shared mailbox of the configuration, so there is nobody to ask. "+
			"Nothing was recorded. Hand it to the shared mailbox first: `{command} transfer "+f.Policy.ID+"`.")
	}
	plan := planDrill(cmd, f, watch)
	if len(plan.Holders)+len(plan.Keepers()) == 0 {
		return workflows.Decision{}, workflows.Refuse("nobody_to_ask", "None of the holders and keepers of "+
			workflows.Esc(f.Account.Owner)+" is an active member of this Slack, so nobody can be asked. "+
			"Nothing was recorded. Name others in the configuration.")
	}
	d := evDrillOpened.One(cmd, drillOpened{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, plan})
	d.Account = []workflows.Event{
		cmd.Event(workflows.LockTaken, workflows.Lock{Name: workflows.LockDrill, Workflow: cmd.Workflow}),
		cmd.Event(workflows.DrillBegan, workflows.None{}),
	}
	if plan.Mail && len(plan.Holders) > 0 {
		d.Calls = []workflows.Call{{Op: workflows.OpLetter, Account: f.Policy.ID, Email: plan.Owner, Input: plan.Names}}
	}
	d.Reply = workflows.Reply{Link: cmd.Workflow, Text: "The drill `" + cmd.Workflow + "` is open: " +
		workflows.Mentions(workflows.Union(plan.Holders, plan.Keepers())) + " are asked. It ends by " +
		workflows.When(cmd.At.Add(plan.Within)) + "."}
	return DrillState{}.settle(cmd, d), nil
}

// mayDrill judges who asks for a drill.
func mayDrill(cmd workflows.Command, f workflows.Facts) error {
	if cmd.Actor.Kind != workflows.ByPerson {
		return workflows.Refuse("unknown_action", "A drill is asked for by a person. Nothing was recorded.")
	}
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	c := circleOf(f, f.Account.Owner)
	if !workflows.Among(cmd.Actor.ID, c.All()) {
		return workflows.Refuse("not_permitted", "Only holders, keepers and administrators of "+
			workflows.Esc(f.Policy.Name)+
			" can ask for a drill: "+workflows.Mentions(c.All())+". Nothing was recorded. Ask one of them.")
	}
	return nil
}

func planDrill(cmd workflows.Command, f workflows.Facts, watch string) DrillPlan {
	p := f.Policy
	plan := DrillPlan{AccountName: p.Name, Owner: f.Account.Owner, Circle: circleOf(f, f.Account.Owner),
		Channel: p.Channel,
		Mail:    p.Mail, Within: p.Key.DrillWithin, Turn: p.Key.Turn, UIHost: p.UIHost, Watch: watch,
		Names: map[string]string{}}
	if cmd.Actor.Kind == workflows.ByPerson {
		plan.By = cmd.Actor.ID
	}
	for _, h := range plan.Holders {
		plan.Names[h] = f.People[h].Name
		if plan.Names[h] == "" {
			plan.Names[h] = h
		}
	}
	plan.Remind = reminders(p.Review, cmd.At, cmd.At.Add(plan.Within))
	return plan
}

// settle adds what follows from a drill's events: proofs and expected sign-ins for the account's
// record, and the end when everybody has answered.
func (s DrillState) settle(cmd workflows.Command, d workflows.Decision) workflows.Decision {
	next, err := drillKinds.Apply(s, d.Events...)
	if err != nil {
		panic("key: a drill's own events cannot be folded: " + err.Error())
	}
	if !next.Closed() && len(next.open()) == 0 {
		end := evDrillEnded.Of(cmd, next.result())
		d.Events = append(d.Events, end)
		if next, err = drillKinds.Apply(next, end); err != nil {
			panic("key: a drill's end cannot be folded: " + err.Error())
		}
	}
	d.Account = append(d.Account, s.expects(cmd, next)...)
	if proofs := s.newProofs(next); len(proofs) > 0 {
		d.Account = append(d.Account, cmd.Event(workflows.KeyProved, workflows.KeyProofs{Proofs: proofs}))
	}
	if next.Closed() && !s.Closed() {
		d.Account = append(d.Account,
			cmd.Event(workflows.DrillEnded, workflows.Drill{Workflow: next.ID, Began: next.Begun, Ended: cmd.At,
				Outcome: next.Stage, Gaps: next.Gaps}),
			cmd.Event(workflows.LockReleased, workflows.Lock{Name: workflows.LockDrill, Workflow: next.ID}))
		if next.Watch != "" {
			d.Calls = append(d.Calls, drillOver.To(next.AccountID, next.Watch, workflows.None{}))
		}
	}
	return d
}

// expects are the changes of whose sign-in the audit log may show.
func (s DrillState) expects(cmd workflows.Command, next DrillState) []workflows.Event {
	var out []workflows.Event
	for i, t := range next.Turns {
		if i < len(s.Turns) && s.Turns[i].To.Equal(t.To) {
			continue
		}
		out = append(out, cmd.Event(workflows.KeyExpects,
			workflows.KeyWindow{Workflow: next.ID, Person: t.Person, From: t.At, To: t.To}))
	}
	return out
}

// newProofs are what next shows and s did not.
func (s DrillState) newProofs(next DrillState) []workflows.Proof {
	var out []workflows.Proof
	add := func(who, what string, a Answer) {
		out = append(out, workflows.Proof{What: what, Owner: next.Owner, Person: who, How: a.How, At: a.At,
			By: next.ID})
	}
	for _, who := range next.Holders {
		if a := next.Mailbox[who]; a.Proven() && a != s.Mailbox[who] {
			add(who, workflows.KeyMailbox, a)
		}
	}
	for _, who := range next.Keepers() {
		if a := next.Keeper[who]; a.Proven() && a != s.Keeper[who] {
			for _, what := range next.parts(who) {
				add(who, what, a)
			}
		}
	}
	return out
}

// letter takes what became of the letter.
func (s DrillState) letter(cmd workflows.Command) workflows.Decision {
	r := cmd.Receipt
	if r.Op != workflows.OpLetter || s.Closed() {
		return workflows.Decision{}
	}
	if r.OK && r.Letter != nil {
		return evLetter.One(cmd, letterSent{r.Letter.Words})
	}
	code := r.Code
	if code == "" {
		code = workflows.RefusedOther
	}
	return evNoLetter.One(cmd, notSent{code, r.Message})
}

// due does what the time asks for.
func (s DrillState) due(cmd workflows.Command) workflows.Decision {
	switch cmd.Timer.Name {
	case timerEnd:
		return s.settle(cmd, evDrillEnded.One(cmd, s.result()))
	case timerTurn:
		who, _ := s.turn()
		return s.settle(cmd, evTurnPassed.One(cmd, turnPassed{who}))
	case timerRemind:
		return s.settle(cmd, evDrillReminded.One(cmd, drillReminded{s.askedNow()}))
	}
	return workflows.Decision{}
}

// asked refuses who is not asked anything now, and says what is.
func (s DrillState) asked(cmd workflows.Command, f workflows.Facts) (mailbox, turn bool, err error) {
	who := cmd.Actor.ID
	now := circleOf(f, s.Owner)
	mailbox, turn = s.owes(who)
	if mailbox && !workflows.Among(who, now.Holders) || turn && !workflows.Among(who, now.Keepers()) {
		return false, false, workflows.Refuse("not_named", "The configuration no longer names you for "+
			workflows.Esc(s.Owner)+
			", so your answer shows nothing. Nothing was recorded. Tell "+workflows.Mentions(s.Admins)+".")
	}
	if mailbox || turn {
		return mailbox, turn, nil
	}
	if !workflows.Among(who, s.Holders, s.Keepers()) {
		return false, false, workflows.Refuse("not_permitted", "Only holders and keepers of "+workflows.Esc(s.Owner)+
			" are asked here. Nothing was recorded.")
	}
	if _, keeper := s.Keeper[who]; workflows.Among(who, s.Keepers()) && !keeper {
		r := workflows.Refuse("not_your_turn", s.whoseTurn()+" A second sign-in would end the first one. "+
			"Nothing was recorded. You are told when it is your turn.")
		r.Refresh = true
		return false, false, r
	}
	r := workflows.Refuse("answered", "You have answered already. Nothing more was recorded.")
	r.Refresh = true
	return false, false, r
}

// prove takes the word of the letter.
func (s DrillState) prove(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	mailbox, _, err := s.asked(cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	if !mailbox || !s.Mail {
		r := workflows.Refuse("no_word",
			"There is no word for you to type in this drill. Nothing was recorded. Look at your card.")
		r.Refresh = true
		return workflows.Decision{}, r
	}
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.wordForm(cmd.Actor.ID)}}, nil
	}
	typed := strings.TrimSpace(cmd.Input[BlockWord])
	if typed == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockWord, "word_missing",
			"Type the word that stands beside your name in the letter.")
	}
	if s.LetterAt.IsZero() {
		return workflows.Decision{}, workflows.RefuseField(BlockWord, "no_letter_yet",
			"The letter has not been sent yet, so no word is right. Nothing was recorded. Wait for it, then try again.")
	}
	if s.Words[cmd.Actor.ID].Holds(cmd.Actor.ID, typed) {
		d := s.settle(cmd, evWord.One(cmd, wordTyped{true}))
		d.Reply = workflows.Reply{Text: "✓ That is your word: you can read the mailbox. Thank you.", Link: s.ID}
		return d, nil
	}
	d := s.settle(cmd, evWord.One(cmd, wordTyped{false}))
	if left := wordTries - s.Tries[cmd.Actor.ID] - 1; left > 0 {
		d.Reply = workflows.Reply{Errors: map[string]string{BlockWord: "That is not the word beside your name. " +
			"If there are two letters, the newer one counts. You can try " + workflows.Plural(left, "more time") + "."}}
		return d, nil
	}
	d.Reply = workflows.Reply{Text: "That was the third wrong word, so the mailbox counts as not proven by you. " +
		"Tell " + workflows.Mentions(without(s.Admins, cmd.Actor.ID)) + " if you can read it.", Link: s.ID}
	return d, nil
}

// attest takes somebody's word for what they are asked now.
func (s DrillState) attest(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	mailbox, turn, err := s.asked(cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	if mailbox && s.Mail {
		mailbox = false
	}
	if !mailbox && !turn {
		r := workflows.Refuse("not_your_turn", s.whoseTurn()+
			" The mailbox is shown by the word of the letter. Nothing was recorded.")
		r.Refresh = true
		return workflows.Decision{}, r
	}
	d := s.settle(cmd, evAttested.One(cmd, said{mailbox, turn}))
	d.Reply = workflows.Reply{Text: "Recorded as your word. Thank you.", Link: s.ID}
	return d, nil
}

// cannot takes the answer that is worth most.
func (s DrillState) cannot(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	mailbox, turn, err := s.asked(cmd, f)
	if err != nil {
		return workflows.Decision{}, err
	}
	d := s.settle(cmd, evCannot.One(cmd, said{mailbox, turn}))
	d.Reply = workflows.Reply{Text: "Recorded: you cannot. That is what the drill is for; the administrators see it.",
		Link: s.ID}
	return d, nil
}

// stop ends the drill early.
func (s DrillState) stop(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	now := circleOf(f, s.Owner)
	if !workflows.Among(cmd.Actor.ID, now.All()) || !workflows.Among(cmd.Actor.ID, s.All()) {
		return workflows.Decision{}, workflows.Refuse("not_permitted",
			"Only holders, keepers and administrators can end the drill: "+
				workflows.Mentions(s.All())+". Nothing was recorded.")
	}
	return s.settle(cmd, evDrillEnded.One(cmd, drillEnd{Outcome: DrillCancelled, Open: s.open()})), nil
}

// minProven is how many people must have shown a part, or there is a gap.
const minProven = 2

// result is how the drill stands if it ends now.
func (s DrillState) result() drillEnd {
	end := drillEnd{Outcome: DrillPassed, Open: s.open()}
	for _, part := range drillParts {
		if n := s.proven(part.what); n < minProven {
			end.Outcome = DrillGaps
			end.Gaps = append(end.Gaps, gapText(part, n))
		}
	}
	return end
}

// drillParts are what must be shown, with what to do where it was not.
var drillParts = []drillPart{
	{workflows.KeyMailbox, "shown that they can read the mailbox",
		"Have IT open it for another person, and name them under holders."},
	{workflows.KeyPassword, "shown that they can use the password",
		"Give a second person the vault item, and name them under custodians or password."},
	{workflows.KeySecondFactor, "shown that they can use the second factor",
		"Set the second factor up for a second person too, and name them under custodians or second_factor."},
}

type drillPart struct{ what, shown, remedy string }

func gapText(p drillPart, n int) string {
	who := "Nobody has "
	if n == 1 {
		who = "Only 1 person has "
	}
	return who + p.shown + "; it should be two. " + p.remedy
}

// reminders are two times before an end, in working hours, never after it.
func reminders(p workflows.ReviewPolicy, from, end time.Time) []time.Time {
	var out []time.Time
	for _, at := range []time.Time{from.Add(end.Sub(from) / 2), end.Add(-24 * time.Hour)} {
		at = workingHours(p, at)
		if at.After(from) && at.Before(end) && (len(out) == 0 || at.After(out[len(out)-1])) {
			out = append(out, at.UTC().Truncate(time.Millisecond))
		}
	}
	return out
}
