// Package step is something that a person does outside of Keyholder and swears to: whom it is for,
// who is on it, done with which evidence, seen by somebody else or by Keyholder, blocked and why,
// late, and who is reminded of it.
//
// A [Step] is a value in a machine's state, alone or in a list; an [Of] says once, where the machine
// is defined, where its steps stand and what they are called. What follows from a step is the
// machine's to decide.
//
//	begun ---- claimed: "I am on it" ----+
//	  |                                  v
//	  +------ done, with evidence ----> done ---- seen by another person, or by reading ----> over
//	  |                                  |------- nobody else is needed: over at once
//	  +------ blocked, with a reason ----+------> over
//	  +------ passed over by somebody who may --> over
//	  +------ late at Due: told once, then whoever has to act every so often, in working hours
//
// It imports workflows and approvals, does no I/O and reads no clock.
//
// # How a machine uses it
//
//	var rungs = step.Of[State]{
//		Machine: "recovery", Form: "recovery.step",
//		At: func(s *State, name string) *step.Step { return s.rung(name) },
//		What: func(s State, st step.Step) string { return "let IT reactivate the mailbox" }, Title: ...,
//	}
//	kinds := workflows.NewKinds(clone, nil, append(rungs.Kinds(), ...)...)
//	rungs.Clicks(clicks, func(s State) string { return s.current() }, func(s State, cmd workflows.Command,
//		f workflows.Facts, what string, d workflows.Decision) (workflows.Decision, error) { ... })
//	d.Events = append(d.Events, rungs.Begin(cmd, step.Step{
//		Name: "it", People: it, Seers: holders, Due: cmd.At.Add(within)}))
//	d, mine := rungs.Fired(s, s.current(), cmd)    // in the machine's timers
//	needs.People = append(needs.People, s.step.Everybody()...)
//	card.Lines, card.Buttons = rungs.Lines(s, name, who), rungs.Buttons(s, name, who)
//
// # Guarantees
//
//   - Whoever had a hand in a step, by claiming it or by saying that it is done, never confirms it,
//     by whatever name they come: identities are compared as package approvals does.
//   - Nothing is over without a person's word or a reading, and the record says which it was.
//   - A step is late once, and reminders never come closer together than Every.
//
// # Decisions
//
//   - Anybody of People may say that it is done, also when somebody else is on it: what happened is
//     not undone by who was to do it. Both are hands then.
//   - A claim can be taken over once the step is late, or when who claimed it can no longer act.
//   - Evidence is a text. It is shown and kept, so the form says that no secret belongs in it.
package step
