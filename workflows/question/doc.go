// Package question puts a question to people, once for all machines: who is asked, whose answer
// counts, who is reminded and when, and what a card says about it.
//
// A [Question] is a value in a machine's state. An [Of] says once, where the machine is defined, what
// the question is called there and where in the state it stands; its methods decide clicks and
// timers, and give what a card needs. What was decided is the machine's to act upon: yes and no
// answer an [Answer] with the outcome, and the machine adds its own events to it.
//
//	put ---- yes: counted ---- quorum, eyes and lists reached ----> Approved
//	 |  |--- no: asks why first -----------------------------> Refused
//	 |  |--- "I am looking at it": shown for an hour, or until the answer
//	 |  |--- half of the time: reminded once; shortly before the end: once more
//	 |  +--- three quarters: who looks after it and is not asked hears of it
//	 |--- a delegation ends: counted again
//	 +------ Closes: the machine's own timer ends it
//
// An [Expected] is the smaller one beside it: whether what somebody made of an access without a
// decision stays. It has a yes only; who does not expect it undoes it.
//
// It imports workflows and approvals, does no I/O and reads no clock.
//
// # How a machine uses it
//
//	var asks = question.Of[State]{
//		Machine: "recovery", Yes: "approve", At: func(s *State) *question.Question { return &s.Question },
//		Approvers: func(p workflows.Policy) []string { return p.Recovery.Approvers },
//		Words:     question.Words{Noun: "recovery", Verb: "approve", Past: "approved", Act: "approval", ...},
//		Put:       func(s *State, e workflows.Event, q question.Question) { s.Enter("asking", e, q.Ballot.Closes) },
//	}
//	kinds := workflows.NewKinds(clone, nil, append(asks.Kinds(), ...)...)
//	clicks := map[string]workflows.Handler[State]{...}
//	asks.Clicks(clicks, func(s State, cmd ..., a question.Answer) ...)
//	put, err := asks.Ask(cmd, f, question.Question{Ballot: ballot, Parties: parties, Quiet: f.Expand(p.Quiet)})
//	a, mine := asks.Fired(s, cmd, f)               // in the machine's timers; a.Outcome may be a decision
//	needs.People, needs.Delegations = asks.Needs(s, p)
//	card.Lines = append(card.Lines, asks.Lines(s, who)...)
//	card.Buttons = append(card.Buttons, asks.Buttons(s, who)...)
//
// # Guarantees
//
//   - A vote is judged with everybody's standing of now, and by what is known of them now: whoever
//     turns out to be a party is barred from then on, also with votes cast before.
//   - Who answers next is what the last count says; nobody is reminded of what they answered.
//   - Asking is of now: a delegation that ends, also by its time, is counted again, and who stood in
//     is told that they are no longer asked, and named nowhere.
//   - A reminder that falls together with a later one is sent once, for both; none is sent at or
//     after the end. Times are derived from beginning and end alone, so that none is forgotten.
//
// # Decisions
//
//   - Quiet people are waited for like all others and so stand in "mine" and in App Home; they get
//     a card when they ask for it there by saying that they look at it, and no reminder before that.
//   - "I am looking at it" holds nobody up: it is shown, and counts for nothing.
//   - A yes may carry a comment; it is the vote's reason, and stands beside the name.
//   - Those who said yes keep the button that says no, as long as it is not decided and what they
//     said stands.
//   - Where no answer ends by itself (Calm), nobody is reminded.
package question
