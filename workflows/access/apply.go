package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// apply folds one event into the state.
func apply(s State, e workflows.Event) (State, error) {
	s.Told, s.Noticed, s.Reminded, s.Past = slices.Clip(s.Told), slices.Clip(s.Noticed), slices.Clip(s.Reminded), slices.Clip(s.Past)
	s.Ballot.Votes = slices.Clip(s.Ballot.Votes)
	if s.Extend != nil {
		x := *s.Extend
		x.Ballot.Votes = slices.Clip(x.Ballot.Votes)
		s.Extend = &x
	}
	fold, known := folds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	if err := fold(&s, e); err != nil {
		return s, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	s.Told = workflows.Union(s.Told, s.audience())
	return s, nil
}

var folds map[string]func(*State, workflows.Event) error

func init() {
	folds = map[string]func(*State, workflows.Event) error{
		evRequested: with(func(s *State, e workflows.Event, b Frozen) {
			s.Frozen, s.Begun = b, e.At
			if b.Review == "" {
				s.Ballot = approvals.Ballot{Quorum: b.Quorum, Electorate: b.Electorate, Lists: b.Lists, Bars: b.Bars}
			}
			s.enter(Reading, e)
			s.call(e)
			s.Until = e.At.Add(b.Policy.ConfirmWithin)
		}),
		evSlow: with(func(s *State, _ workflows.Event, _ none) { s.Slow = true }),
		evRead: with(func(s *State, _ workflows.Event, b read) {
			s.Former, s.Timed, s.Key = b.Former, b.Timed, b.Key
			s.seen(b.User)
			s.Before, s.ReadOK, s.Unread, s.Does, s.Names, s.SSO, s.Caps = b.User, b.OK, b.Unread, b.Does, b.Names, b.SSO, b.Caps
			s.InFlight, s.Slow, s.RetryAt, s.Away, s.Empty = false, false, time.Time{}, "", b.Empty
			s.Round++
		}),
		evWaiting: with(func(s *State, e workflows.Event, b waiting) {
			if s.Phase != Waiting {
				s.enter(Waiting, e)
			}
			s.InFlight, s.RetryAt, s.WaitsOn = false, b.Again, b.On
		}),
		evGoesOn: with(func(s *State, e workflows.Event, _ none) {
			if s.Phase == Waiting {
				s.enter(Reading, e)
			}
			s.RetryAt, s.WaitsOn = time.Time{}, ""
			s.call(e)
		}),
		evAway: with(func(s *State, _ workflows.Event, b waiting) {
			if s.Away == "" {
				s.Round++
			}
			s.InFlight, s.Slow, s.RetryAt, s.Away = false, false, b.Again, b.Code
		}),
		evAsking: with(func(s *State, e workflows.Event, b asking) {
			if s.Phase == Reading && !s.Urgent {
				s.enter(Approving, e)
				s.Until = b.Closes
			}
			s.Asked, s.WaitFor, s.StandIns = b.Asked, b.Asked, b.Again
			s.Ballot.Opens, s.Ballot.Closes = e.At, b.Closes
			s.bar(b.Bars)
		}),
		evAsked: with(func(s *State, e workflows.Event, b asking) {
			s.bar(b.Bars)
			s.WaitFor, s.StandIns = b.Waiting, b.Again
			if len(b.Gone) > 0 {
				s.Unasked = append(slices.Clip(s.Unasked), Notice{N: len(s.Unasked) + 1, At: e.At, To: b.Gone})
			}
			if s.Extend != nil {
				s.Extend.Asked = b.Asked
				return
			}
			s.Asked = b.Asked
		}),
		evVoted: with(func(s *State, _ workflows.Event, b voted) {
			s.WaitFor = b.Waiting
			s.bar(b.Bars)
			if s.Extend != nil {
				s.Extend.Ballot.Votes = append(s.Extend.Ballot.Votes, b.Votes...)
				return
			}
			s.Ballot.Votes = append(s.Ballot.Votes, b.Votes...)
		}),
		evApproved: with(func(s *State, _ workflows.Event, _ none) {
			s.Approved = true
			s.Round++
		}),
		evDoing: with(func(s *State, e workflows.Event, b doing) {
			s.enter(Doing, e)
			s.Until, s.Manual, s.Code, s.Message, s.Drifted = b.Until, b.Manual, "", "", false
			if !b.Manual {
				s.call(e)
			} else if s.ReadOK {
				s.Watched = s.Before.Mark()
			}
		}),
		evRefused: with(func(s *State, _ workflows.Event, b refusal) {
			s.InFlight, s.Slow, s.Code, s.Message, s.Manual, s.Checks = false, false, b.Code, b.Message, b.Manual, false
			s.Wrote = s.Wrote || b.Code == codeSwitchOn
			s.Watched = ""
			s.Round++
		}),
		evChecking: with(func(s *State, e workflows.Event, _ none) {
			s.call(e)
			s.Checks, s.Attested = true, e.By.ID
			s.Round++
		}),
		evWritten: with(func(s *State, e workflows.Event, b written) {
			s.Answered = b.Effect
			if s.tries() && b.How == workflows.Acted && b.User != nil && !b.User.Since.Before(s.Begun.Add(-clocksDiffer)) {
				s.ReadOK, s.Unread, s.Caps.ReadUsers = true, "", workflows.Yes // nobody was there, as it was made just now
			}
			s.seen(b.User)
			s.After, s.How, s.InFlight, s.Slow, s.Checks, s.Looking = b.User, b.How, false, false, false, false
			if b.How == workflows.Attested && e.By.Kind == workflows.ByPerson {
				s.Attested = e.By.ID
			}
		}),
		evPending: with(func(s *State, e workflows.Event, b until) {
			s.enter(Pending, e)
			s.Until, s.InFlight = b.Until, false
			if s.After != nil {
				s.Mark = s.After.Mark()
			}
		}),
		evSeen: with(func(s *State, _ workflows.Event, b seen) {
			s.Mark = b.Mark
			if !s.Declined.IsZero() && workflows.ReadMark(b.Mark).Pending() { // taken back by somebody there
				s.Declined = time.Time{}
				s.Round++
			}
		}),
		evLeft: with(func(s *State, _ workflows.Event, b left) { s.Left, s.LeftBy = b.Mark, b.By }),
		evTook: with(func(s *State, _ workflows.Event, b question.Took) { s.Taking = s.Taking.Count(b) }),
		evRenamed: with(func(s *State, _ workflows.Event, b renamed) {
			s.Address = b.To
			s.Parties = slices.Clone(s.Parties)
			for i, p := range s.Parties {
				if p.Why == question.ByBeneficiary {
					s.Parties[i].Identity = p.With(b.To)
				}
			}
			s.Round++
		}),
		evWatched: with(func(s *State, _ workflows.Event, b seen) { s.Watched = b.Mark }),
		evDeclined: with(func(s *State, e workflows.Event, b seen) {
			s.Mark, s.Declined = b.Mark, e.At
			s.Round++
		}),
		evResending: with(func(s *State, e workflows.Event, _ none) {
			s.Resending, s.ResentBy, s.ResentAt, s.Unsent = true, e.By.ID, e.At, ""
			s.call(e)
			s.Round++
		}),
		evResent: with(func(s *State, _ workflows.Event, b seen) {
			s.Resending, s.InFlight, s.Slow, s.Declined, s.Mark = false, false, false, time.Time{}, b.Mark
			s.Round++
		}),
		evUnsent: with(func(s *State, _ workflows.Event, b refusal) {
			s.Resending, s.InFlight, s.Slow, s.Unsent = false, false, false, b.Code
			s.Round++
		}),
		evActive: with(func(s *State, e workflows.Event, b written) {
			s.enter(Active, e)
			s.Back = nil
			s.BoxFrom, s.Until, s.InFlight, s.Manual, s.EndWhy, s.Code, s.Message = e.At, b.Until, false, false, "", "", ""
			s.Resending, s.Declined = false, time.Time{}
			if s.StopWhy == "" {
				s.EndBy = ""
			}
			s.seen(b.User)
			if b.User != nil {
				s.After = b.User
			}
		}),
		evNoticed: with(func(s *State, _ workflows.Event, b Notice) {
			s.Notices = b.N
			s.Noticed = append(s.Noticed, b)
		}),
		evReminded:  with(func(s *State, _ workflows.Event, b Notice) { s.Reminded = append(s.Reminded, b) }),
		evEscalated: with(func(s *State, _ workflows.Event, b Notice) { s.Escalation = &b }),
		evLate: with(func(s *State, _ workflows.Event, b Notice) {
			s.Late = &b
			s.Round++
		}),
		evExtending: with(func(s *State, _ workflows.Event, b Extension) {
			s.Extend, s.NoMore, s.NoMoreLeft, s.WaitFor, s.StandIns = &b, "", "", b.Asked, b.Again
			s.Round++
		}),
		evExtended: with(func(s *State, _ workflows.Event, b until) {
			s.asked()
			s.Until, s.Notices = b.Until, 0
			s.Round++
		}),
		evNotExtended: with(func(s *State, _ workflows.Event, b reason) {
			s.asked()
			s.NoMore, s.NoMoreLeft = b.Reason, b.Left
			s.Round++
		}),
		evStopping: with(func(s *State, e workflows.Event, b reason) {
			s.StopWhy, s.EndBy = b.Reason, e.By.ID
			s.Round++
		}),
		evRestoring: with(func(s *State, e workflows.Event, b restoring) {
			if b.Effect != "" {
				s.Answered = b.Effect
			}
			s.enter(Restoring, e)
			s.EndWhy, s.EndBy, s.Until, s.Manual, s.Drifted, s.Extend, s.Code, s.Message = b.Why, b.By, b.Until, b.Manual, false, nil, "", ""
			s.Resending, s.Watched, s.There, s.Back = false, "", nil, b.Back
			if !b.Manual {
				s.call(e)
			}
		}),
		evLooking: with(func(s *State, e workflows.Event, b looking) {
			s.Answered, s.Looking, s.Mark, s.Locked = b.Effect, true, b.Message, s.Locked || b.Locked
			s.call(e)
		}),
		evDrifted: with(func(s *State, e workflows.Event, b drifted) {
			if s.Phase == Reading {
				s.enter(Doing, e)
			}
			s.Drifted, s.InFlight, s.Slow, s.Checks, s.Looking, s.Mark = true, false, false, false, false, b.Mark
			s.There = &there{User: b.User, OK: b.OK}
			s.Taking = s.takingBallot()
			s.Round++
		}),
		evEnded: with(func(s *State, e workflows.Event, b Finished) {
			s.enter(b.Outcome, e)
			s.End, s.InFlight, s.Checks, s.Looking, s.Resending = &b, false, false, false, false
		}),
	}
}

// clocksDiffer is how far integrator.io's clock may be from ours where a record's age tells who made it.
const clocksDiffer = 10 * time.Minute

// with decodes an event's body for its fold.
func with[S, B any](fold func(*S, workflows.Event, B)) func(*S, workflows.Event) error {
	return func(s *S, e workflows.Event) error {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("decode body: %w", err)
		}
		fold(s, e, b)
		return nil
	}
}

// asked ends the question for more time; its votes stay on the card.
func (s *State) asked() {
	if s.Extend != nil {
		s.Past = append(s.Past, s.Extend.Ballot.Votes...)
	}
	s.Extend = nil
}

// seen notes who the user is at integrator.io.
func (s *State) seen(u *workflows.User) {
	if ref := u.Ref(); !ref.IsZero() {
		s.Who = ref
	}
}

// bar keeps those from deciding who turned out to be a party.
func (s *State) bar(bars []approvals.Bar) {
	s.Bars = approvals.Ballot{Bars: s.Bars}.Barring(bars).Bars
	s.Ballot = s.Ballot.Barring(bars)
	if s.Extend != nil {
		s.Extend.Ballot = s.Extend.Ballot.Barring(bars)
	}
}

// enter begins a stage: a new question, so a new round.
func (s *State) enter(stage string, e workflows.Event) {
	s.Phase, s.Since = stage, e.At
	s.Round++
}

// call notes that something was asked of integrator.io.
func (s *State) call(e workflows.Event) { s.InFlight, s.CalledAt, s.Slow = true, e.At, false }
