package offboard

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

// steps are what is to be done.
var steps = step.Of[State]{
	Machine: "offboard", Form: ActDone,
	At: (*State).step,
	Begun: func(s *State, _ workflows.Event, st step.Step) {
		if s.step(st.Name) == nil {
			s.Steps = append(s.Steps, step.Step{Name: st.Name})
			slices.SortStableFunc(s.Steps, func(a, b step.Step) int {
				return slices.Index(Kinds, kindOf(a.Name)) - slices.Index(Kinds, kindOf(b.Name))
			})
		}
	},
	What:  func(s State, st step.Step) string { return s.what(st.Name) },
	Title: func(s State) string { return workflows.Esc(s.Title()) },
}

// Bodies of events.
type (
	opening struct {
		workflows.Opening
		Frozen
		Day  Day   `json:"day"`
		Envs []Env `json:"envs"`
	}
	// listed is what an environment's users say of the person, or why they cannot be read.
	listed struct {
		Env   string `json:"env,omitempty"`
		Users []User `json:"users,omitempty"`
		Code  string `json:"code,omitempty"`
	}
	tokensListed struct {
		Env    string  `json:"env,omitempty"`
		Tokens []Token `json:"tokens,omitempty"`
		Code   string  `json:"code,omitempty"`
	}
	// of is about one access; How is who saw it.
	of struct {
		Env     string `json:"env,omitempty"`
		Email   string `json:"email"`
		Request string `json:"request,omitempty"`
	}
	ending struct {
		From []string `json:"from"` // who gave them
	}
	fulfilled struct {
		Step string `json:"step"`
		Text string `json:"text"` // what was seen
	}
	moved struct {
		Day       Day    `json:"day"`
		Reason    string `json:"reason,omitempty"`
		Withdrawn bool   `json:"withdrawn,omitempty"` // requests that were open are withdrawn
	}
)

type kind[B any] = workflows.Kind[State, B]

var (
	evRequested = kind[opening]{
		Type: "offboard.requested",
		Fold: func(s *State, e workflows.Event, b opening) {
			s.Open(b.Opening, Reading, e)
			s.Frozen, s.Day, s.Envs = b.Frozen, b.Day, b.Envs
		},
		Tell: func(_ workflows.Event, b opening) string {
			return workflows.Say("%m asked that %m leave %s, last day %s. %q", b.Requester, b.Person, b.AccountName,
				b.Day.Date, b.Reason)
		},
	}
	evListed = kind[listed]{
		Type: "offboard.listed",
		Fold: func(s *State, _ workflows.Event, b listed) {
			at := s.env(b.Env)
			if at == nil {
				return
			}
			at.Pending, at.Code = max(at.Pending-1, 0), b.Code
			if b.Code == "" {
				at.Users = listedAgain(at.Users, b.Users)
			}
		},
		Tell: func(_ workflows.Event, b listed) string {
			if b.Code != "" {
				return workflows.Say("The users of %s cannot be read (%s).", titleOf(b.Env), b.Code)
			}
			return workflows.Say("The users of %s were read: %n of theirs.", titleOf(b.Env), len(b.Users), "record")
		},
	}
	evTokens = kind[tokensListed]{
		Type: "offboard.tokens_listed",
		Fold: func(s *State, _ workflows.Event, b tokensListed) {
			if at := s.env(b.Env); at != nil {
				at.Pending, at.Tokens, at.TokensCode = max(at.Pending-1, 0), b.Tokens, b.Code
			}
		},
		Tell: func(_ workflows.Event, b tokensListed) string {
			if b.Code != "" {
				return workflows.Say("The API tokens of %s cannot be read (%s).", titleOf(b.Env), b.Code)
			}
			return workflows.Say("The API tokens of %s were read: %n.", titleOf(b.Env), len(b.Tokens), "token")
		},
	}
	evPlanned = kind[workflows.None]{
		Type: "offboard.planned",
		Fold: func(s *State, e workflows.Event, _ workflows.None) { s.Enter(Working, e, time.Time{}) },
		Tell: workflows.Told[workflows.None]("What rests on them became steps."),
	}
	evDay = kind[ending]{
		Type: "offboard.day",
		Fold: func(s *State, e workflows.Event, b ending) {
			s.Came, s.Ending = e.At, b.From
			for i := range s.Envs {
				if s.wants(Access) && s.Envs[i].Token {
					s.Envs[i].Pending++
				}
			}
		},
		Tell: workflows.Told[ending]("The last day began."),
	}
	evReread = kind[listed]{
		Type: "offboard.reread",
		Fold: func(s *State, _ workflows.Event, b listed) {
			if at := s.env(b.Env); at != nil {
				at.Pending++
			}
		},
		Tell: func(_ workflows.Event, b listed) string {
			return workflows.Say("The users of %s are read again.", titleOf(b.Env))
		},
	}
	evAsked = kind[of]{
		Type: "offboard.asked",
		Fold: func(s *State, e workflows.Event, b of) {
			s.user(b, func(u *User) { u.Request, u.Asked, u.Ended = b.Request, e.At, false })
		},
		Tell: func(_ workflows.Event, b of) string {
			return workflows.Say("The removal of %s from %s was asked for: %s.", b.Email, titleOf(b.Env), b.Request)
		},
	}
	evGone = kind[of]{
		Type: "offboard.gone",
		Fold: func(s *State, e workflows.Event, b of) { s.user(b, func(u *User) { u.Gone, u.Ended = e.At, false }) },
		Tell: func(_ workflows.Event, b of) string {
			return workflows.Say("%s has no access to %s any more.", b.Email, titleOf(b.Env))
		},
	}
	evNotGone = kind[of]{
		Type: "offboard.not_gone",
		Fold: func(s *State, _ workflows.Event, b of) { s.user(b, func(u *User) { u.Ended = true }) },
		Tell: func(_ workflows.Event, b of) string {
			return workflows.Say("The request %s has ended, and %s still has access to %s.", b.Request, b.Email,
				titleOf(b.Env))
		},
	}
	evUndelegated = kind[ending]{
		Type: "offboard.undelegated",
		Fold: func(s *State, _ workflows.Event, b ending) {
			s.Ending = slices.DeleteFunc(slices.Clone(s.Ending), func(who string) bool {
				return slices.Contains(b.From, who)
			})
		},
		Tell: func(_ workflows.Event, b ending) string {
			return workflows.Say("The delegation of %m has ended.", b.From)
		},
	}
	evFulfilled = kind[fulfilled]{
		Type: "offboard.fulfilled",
		Fold: func(s *State, e workflows.Event, b fulfilled) {
			if at := s.step(b.Step); at != nil {
				at.Blocked, at.Seen = nil, &step.Word{Text: b.Text, At: e.At}
			}
		},
		Tell: func(_ workflows.Event, b fulfilled) string { return workflows.Say("Seen: %s.", b.Text) },
	}
	evMoved = kind[moved]{
		Type: "offboard.moved",
		Fold: func(s *State, e workflows.Event, b moved) {
			s.Day, s.Reminders = b.Day, nil
			if b.Day.At.After(e.At) {
				s.Came = time.Time{}
				s.withdraw()
			}
		},
		Tell: func(e workflows.Event, b moved) string {
			text := workflows.Say("%m moved the last day to %s.", e.By.ID, b.Day.Date)
			if b.Reason != "" {
				text += workflows.Say(" %q", b.Reason)
			}
			if b.Withdrawn {
				text += " What was asked for and not carried out is withdrawn."
			}
			return text
		},
	}
	evReminded = kind[step.Notice]{
		Type: "offboard.reminded",
		Fold: func(s *State, _ workflows.Event, b step.Notice) { s.Reminders = append(slices.Clip(s.Reminders), b) },
		Tell: func(_ workflows.Event, b step.Notice) string { return workflows.Say("Reminded: %m.", b.To) },
	}
)

// user changes one access.
func (s *State) user(b of, change func(*User)) {
	at := s.env(b.Env)
	if at == nil {
		return
	}
	i := slices.IndexFunc(at.Users, func(u User) bool { return workflows.SameEmail(u.Email, b.Email) })
	if i < 0 {
		at.Users, i = append(at.Users, User{Email: b.Email}), len(at.Users)
	}
	change(&at.Users[i])
}

// withdraw forgets requests that were not carried out.
func (s *State) withdraw() {
	for i := range s.Envs {
		for j := range s.Envs[i].Users {
			if u := &s.Envs[i].Users[j]; u.Gone.IsZero() {
				u.Request, u.Asked, u.Ended = "", time.Time{}, false
			}
		}
	}
}

// listedAgain takes a newer list over: what was asked for stays, what is not listed any more and
// was never asked for is dropped, what is listed again after it was gone is there anew.
func listedAgain(before, now []User) []User {
	var out []User
	for _, u := range now {
		i := slices.IndexFunc(before, func(b User) bool { return workflows.SameEmail(b.Email, u.Email) })
		if i >= 0 && before[i].Gone.IsZero() {
			u.Request, u.Asked, u.Ended = before[i].Request, before[i].Asked, before[i].Ended
		}
		out = append(out, u)
	}
	for _, b := range before {
		listed := slices.ContainsFunc(now, func(u User) bool { return workflows.SameEmail(b.Email, u.Email) })
		if !listed && b.Request != "" {
			out = append(out, b)
		}
	}
	return out
}

// ended makes the kind of one end.
func ended(outcome string, tell func(b Ended) string) kind[Ended] {
	return kind[Ended]{
		Type: "offboard." + outcome,
		Fold: func(s *State, e workflows.Event, b Ended) {
			s.Head.End(outcome, e)
			s.End = &b
		},
		Tell: func(_ workflows.Event, b Ended) string { return tell(b) },
	}
}

var (
	evDone    = ended(Done, func(Ended) string { return "It is over: everything is done." })
	evSettled = ended(Settled, func(b Ended) string {
		return workflows.Say("%m ended it with something open: %s.", b.By.ID, b.Open)
	})
	evCancelled = ended(Cancelled, func(b Ended) string {
		text := workflows.Say("%m cancelled it.", b.By.ID)
		if b.Reason != "" {
			text += workflows.Say(" %q", b.Reason)
		}
		if len(b.Gone) > 0 {
			text += workflows.Say(" Removed by then: %s.", b.Gone)
		}
		return text
	})
)

// kinds are all events of the machine.
var kinds = workflows.NewKinds(clone, func(s *State) { s.Told = workflows.Union(s.Told, s.audience()) },
	append(steps.Kinds(), evRequested, evListed, evTokens, evPlanned, evDay, evReread, evAsked, evGone, evNotGone,
		evUndelegated, evFulfilled, evMoved,
		evReminded, evDone, evSettled, evCancelled)...)

func titleOf(env string) string { return Env{Name: env}.title() }
