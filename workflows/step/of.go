package step

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Of is a machine's steps: defined once, beside the machine's kinds. S is the machine's state.
type Of[S any] struct {
	// Machine begins the names of its actions: "recovery" makes recovery.done.
	Machine string
	// Form is the callback of the form that asks for evidence, as "recovery.step".
	Form string
	// At is the step of that name in the state, nil where there is none. A machine with a list adds the
	// step in Begun, or has a place for each name.
	At func(s *S, name string) *Step
	// Begun is what the beginning of a step does to the state before the step stands in it, as making
	// room for it or entering a stage; nil: nothing.
	Begun func(s *S, e workflows.Event, st Step)
	// What says what is to be done, in the middle of a sentence: "let IT reactivate the mailbox".
	What func(s S, st Step) string
	// Done is the label of the button that swears to it; nil: "It is done…".
	Done func(s S, st Step) string
	// Title is the workflow's title in mrkdwn, for forms and reminders.
	Title func(s S) string
	// Work moves a reminder for somebody into their working hours; nil: any hour will do.
	Work func(s S, who string, at time.Time) time.Time
}

// What happened to a step: what [Of.Clicks] tells the machine.
const (
	Claimed = "claim"
	Done    = "done"
	Seen    = "seen"
	Blocked = "blocked"
	Passed  = "next"
)

// Blocks of the forms.
const (
	BlockEvidence = "evidence"
	BlockReason   = "reason"
)

func (o Of[S]) at(s S, name string) Step {
	if st := o.At(&s, name); st != nil {
		return *st
	}
	return Step{}
}

func (o Of[S]) action(what string) string { return o.Machine + "." + what }

// Clicks adds the handlers of the steps' buttons to a machine's. current names the step that the
// buttons are about; after is called with what happened and answers what the machine makes of it.
func (o Of[S]) Clicks(
	clicks map[string]workflows.Handler[S],
	current func(S) string,
	after func(s S, cmd workflows.Command, f workflows.Facts, what string, d workflows.Decision) (workflows.Decision,
		error),
) {
	type decides func(S, string, workflows.Command, workflows.Facts) (workflows.Decision, error)
	for what, decide := range map[string]decides{
		Claimed: o.Claim, Done: o.SayDone, Seen: o.SaySeen, Blocked: o.SayBlocked, Passed: o.Pass,
	} {
		clicks[o.action(what)] = func(s S, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
			d, err := decide(s, current(s), cmd, f)
			if err != nil || len(d.Events) == 0 {
				return d, err
			}
			return after(s, cmd, f, what, d)
		}
	}
}

// Begin begins a step. Its name must be new in the workflow.
func (o Of[S]) Begin(cmd workflows.Command, st Step) workflows.Event {
	return o.begun().Of(cmd, st)
}

const nothing = " Nothing was recorded."

func refuse(code, text string) error { return workflows.Refuse(code, text+nothing) }

// open refuses whatever is asked of a step that is not open.
func (o Of[S]) open(st Step) error {
	if !st.IsOpen() {
		return refuse("not_now", "There is nothing to do here just now.")
	}
	return nil
}

// doer refuses whoever the step is not for.
func (o Of[S]) doer(st Step, who string) error {
	if err := o.open(st); err != nil {
		return err
	}
	if !slices.Contains(st.People, who) {
		return refuse("not_permitted", "This is for "+workflows.Mentions(st.People)+".")
	}
	return nil
}

// Claim decides "I am on it".
func (o Of[S]) Claim(s S, name string, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	st, who := o.at(s, name), cmd.Actor.ID
	var none workflows.Decision
	if err := o.doer(st, who); err != nil {
		return none, err
	}
	switch {
	case st.Done != nil:
		return none, refuse("not_now", workflows.Mention(st.Done.By)+" says that it is done.")
	case st.Claimed == nil:
	case st.Claimed.By == who:
		return workflows.Decision{Reply: workflows.Reply{Text: "You are on it already; that counts once. Nothing " +
			"new was recorded."}}, nil
	case st.Late == nil && f.People[st.Claimed.By].Standing == "":
		return none, refuse("claimed", workflows.Mention(st.Claimed.By)+" is on it since "+
			""+workflows.When(st.Claimed.At)+
			". You can take it over when it is late; until then ask them.")
	}
	return o.claimed().One(cmd, said{Step: name, Word: Word{By: who, At: cmd.At}}), nil
}

// SayDone decides that somebody says it is done: it asks for evidence first.
func (o Of[S]) SayDone(s S, name string, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	st, who := o.at(s, name), cmd.Actor.ID
	if err := o.doer(st, who); err != nil {
		return workflows.Decision{}, err
	}
	if st.Done != nil {
		return workflows.Decision{}, refuse("not_now", workflows.Mention(st.Done.By)+" says already that it is done.")
	}
	if !cmd.Submitted {
		return o.form(s, cmd, o.Form, "It is done", "You say that this is done: "+o.What(s, st)+".", workflows.Input{
			Block: BlockEvidence, Kind: workflows.InputText, Label: "How can somebody else see that?",
			Multiline: true, MaxLength: 1000,
			Hint: "A ticket's number, what you saw and when. It is shown and kept: never write a password here.",
		}), nil
	}
	evidence := strings.TrimSpace(cmd.Input[BlockEvidence])
	if evidence == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockEvidence, "evidence_missing",
			"Please say how somebody else can see that it is done.")
	}
	return o.done().One(cmd, said{Step: name, Word: Word{By: who, Text: evidence, At: cmd.At}}), nil
}

// SaySeen decides that somebody else confirms it.
func (o Of[S]) SaySeen(s S, name string, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	st, who := o.at(s, name), cmd.Actor.ID
	var none workflows.Decision
	if err := o.open(st); err != nil {
		return none, err
	}
	switch {
	case st.Done == nil:
		return none, refuse("not_now", "Nobody has said yet that it is done.")
	case st.hand(f.Known(who), f):
		return none, refuse("own_step", "You had a hand in this yourself, so somebody else has to see it: "+
			""+orNobody(st.seers())+".")
	case !slices.Contains(st.Seers, who):
		return none, refuse("not_permitted", "Somebody else has to see this: "+orNobody(st.seers())+".")
	}
	return o.seen().One(cmd, said{Step: name, Word: Word{By: who, At: cmd.At}}), nil
}

// Read is that Keyholder saw by reading that a step is done; mark says what it saw, in a few words.
// It needs nobody's word, and changes nothing in a step that is over.
func (o Of[S]) Read(s S, name string, cmd workflows.Command, mark string) workflows.Decision {
	if !o.at(s, name).IsOpen() {
		return workflows.Decision{}
	}
	return o.seen().One(cmd, said{Step: name, Word: Word{Text: mark, At: cmd.At}})
}

// SayBlocked decides that somebody says it cannot be done: it asks why first. Besides those it is
// for, who would have to confirm it may say so.
func (o Of[S]) SayBlocked(s S, name string, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	st, who := o.at(s, name), cmd.Actor.ID
	if err := o.open(st); err != nil {
		return workflows.Decision{}, err
	}
	if !slices.Contains(st.People, who) && !slices.Contains(st.Seers, who) {
		return workflows.Decision{}, refuse("not_permitted", "This is for "+
			""+workflows.Mentions(workflows.Union(st.People, st.Seers))+".")
	}
	why, d, err := o.why(s, st, cmd, "It does not work")
	if why == "" {
		return d, err
	}
	return o.blocked().One(cmd, said{Step: name, Word: Word{By: who, Text: why, At: cmd.At}}), nil
}

// Pass decides that somebody passes a step over.
func (o Of[S]) Pass(s S, name string, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	st := o.at(s, name)
	if err := o.open(st); err != nil {
		return workflows.Decision{}, err
	}
	if !slices.Contains(st.Passers, cmd.Actor.ID) {
		return workflows.Decision{}, refuse("not_permitted", "Only "+orNobody(st.Passers)+" can go on without this.")
	}
	return o.passed().One(cmd, said{Step: name, Word: Word{By: cmd.Actor.ID, At: cmd.At}}), nil
}

// why is the reason that a form brought, or the form that asks for it.
func (o Of[S]) why(s S, st Step, cmd workflows.Command, submit string) (string, workflows.Decision, error) {
	if !cmd.Submitted {
		return "", o.form(s, cmd, o.Machine+".reason", submit, "You say that this does not work: "+o.What(s, st)+".",
			workflows.Input{
				Block: BlockReason, Kind: workflows.InputText, Label: "Why", Multiline: true, MaxLength: 1000,
				Hint: "It is shown on the card and kept in the record.",
			}), nil
	}
	why := strings.TrimSpace(cmd.Input[BlockReason])
	if why == "" {
		return "", workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why; whoever goes on from here reads it.")
	}
	return why, workflows.Decision{}, nil
}

func (o Of[S]) form(s S, cmd workflows.Command, callback, submit, says string, in workflows.Input) workflows.Decision {
	return workflows.Decision{Reply: workflows.Reply{Modal: &workflows.Modal{
		Callback: callback, Title: workflows.Clip(submit, 24), Submit: workflows.Clip(submit, 24),
		Intro: []string{"*" + o.Title(s) + "*\n" + says}, Workflow: cmd.Workflow, Account: cmd.Account,
		Action: cmd.Name, Round: cmd.Round, Inputs: []workflows.Input{in},
	}}}
}

func orNobody(people []string) string {
	if len(people) == 0 {
		return "nobody is left who could"
	}
	return workflows.Mentions(people)
}
