package key

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// Stages of a use of the key; the last seven are its ends.
const (
	UseAsking     = "asking"
	UseOut        = "out"
	UseExplaining = "explaining"

	UsePlanned     = "planned"
	UseEmergency   = "emergency"
	UseMisuse      = "misuse"
	UseUnexplained = "unexplained"
	UseRefused     = "refused"
	UseExpired     = "expired"
	UseCancelled   = "cancelled"
)

// UsePlan is what the opening event of a use fixes.
type UsePlan struct {
	AccountName string        `json:"account_name"`
	Owner       string        `json:"owner"`
	Vault       string        `json:"vault,omitempty"`
	Person      string        `json:"person"` // who takes it
	PersonName  string        `json:"person_name,omitempty"`
	Reason      string        `json:"reason"`
	For         string        `json:"for,omitempty"`
	Length      time.Duration `json:"length"`
	Circle
	Channel string        `json:"channel,omitempty"`
	Quorum  int           `json:"quorum"`
	Approve time.Duration `json:"approve_within"`
	Explain time.Duration `json:"explain_within"`
	UIHost  string        `json:"ui_host,omitempty"`
	// Unwatched says that no token reads the owner's sign-ins, so that none seen means nothing.
	Unwatched bool `json:"unwatched,omitempty"`
	Ways
	// Retro is the sign-in that this use explains afterwards, SignIn its workflow.
	Retro  *workflows.SignIn `json:"retro,omitempty"`
	SignIn string            `json:"sign_in,omitempty"`
}

// UseState is all that a use knows, the fold of its events. It is the evidence of one use of a
// shared account: why, for how long, approved by whom, used by whom, what was seen, found by whom,
// and what was changed afterwards. Source: PCI DSS v4, 8.2.2.
type UseState struct {
	workflows.Head
	UsePlan
	Asked   question.Question  `json:"asked,omitzero"`
	Out     time.Time          `json:"out,omitzero"`
	Ends    time.Time          `json:"ends,omitzero"` // of its time
	Late    time.Time          `json:"late,omitzero"` // when it was found overdue
	Back    time.Time          `json:"back,omitzero"`
	Done    string             `json:"done,omitempty"` // what was done, in the words of who did it
	Rotated string             `json:"rotated,omitempty"`
	Seen    []workflows.SignIn `json:"seen,omitempty"`
	FoundBy string             `json:"found_by,omitempty"`
	Why     string             `json:"why,omitempty"` // of a refusal or cancellation
	EndedIn string             `json:"ended_in,omitempty"`
	EndedBy workflows.Actor    `json:"ended_by,omitzero"`
}

// AskedBy implements [workflows.Requested].
func (s UseState) AskedBy() string { return s.Person }

// Title implements workflows.State.
func (s UseState) Title() string { return "Use of the key of " + s.AccountName }

// explainers are who may say what it was: holders and administrators, never who took it, nor,
// where somebody else is left, who approved.
func (s UseState) explainers(now Circle) []string {
	all := without(workflows.Union(now.Lookers()), s.Person)
	all = slices.DeleteFunc(all, func(who string) bool { return !workflows.Among(who, s.Lookers()) })
	if others := without(all, s.approvers()...); len(others) > 0 {
		return others
	}
	return all
}

// explainable reports whether it can be said now what the use was.
func (s UseState) explainable() bool {
	return s.Stage == UseExplaining || s.Stage == UseOut && !s.Late.IsZero()
}

// explainBy is until when it must be said.
func (s UseState) explainBy() time.Time {
	if !s.Back.IsZero() {
		return s.Back.Add(s.Explain)
	}
	return s.Ends.Add(s.Explain)
}

// Bodies of the events of a use.
type (
	useOpened struct {
		workflows.Opening
		UsePlan
	}
	useBack struct {
		Done    string `json:"done"`
		Rotated string `json:"rotated"` // yes or no
	}
	useFound struct {
		Found string `json:"found"`
	}
	useEnded struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason,omitempty"`
	}
)

type useKind[B any] = workflows.Kind[UseState, B]

var (
	evUseOpened = useKind[useOpened]{
		Type: "key.opened",
		Fold: func(s *UseState, e workflows.Event, b useOpened) {
			s.UsePlan = b.UsePlan
			if b.Retro == nil {
				s.Open(b.Opening, UseAsking, e)
				s.Until = e.At.Add(b.Approve)
				return
			}
			s.Open(b.Opening, UseExplaining, e)
			s.Out, s.Ends, s.Back, s.Done, s.Seen = b.Retro.At, b.Retro.At, e.At, b.Reason, []workflows.SignIn{*b.Retro}
			s.Until = s.explainBy()
		},
		Tell: func(_ workflows.Event, b useOpened) string {
			if b.Retro != nil {
				return workflows.Mention(b.Person) + " recorded a use afterwards, of " + workflows.When(b.Retro.At) +
					": " + workflows.Quote(b.Reason)
			}
			return workflows.Mention(b.Person) + " asked for the key of " + workflows.Esc(b.AccountName) + " for " +
				workflows.Span(b.Length) + ": " + workflows.Quote(b.Reason)
		},
	}
	evUseOut = useKind[workflows.None]{
		Type: "key.out",
		Fold: func(s *UseState, e workflows.Event, _ workflows.None) {
			s.Enter(UseOut, e, time.Time{})
			s.Out, s.Ends = e.At, e.At.Add(s.Length)
			s.Until = s.Ends
		},
		Tell: workflows.Told[workflows.None]("The key is out."),
	}
	evUseLate = useKind[workflows.None]{
		Type: "key.late",
		Fold: func(s *UseState, e workflows.Event, _ workflows.None) {
			s.Late, s.Until = e.At, s.explainBy()
			s.Ask()
		},
		Tell: workflows.Told[workflows.None]("Its time is over, and the key is not back."),
	}
	evUseBack = useKind[useBack]{
		Type: "key.back",
		Fold: func(s *UseState, e workflows.Event, b useBack) {
			s.Enter(UseExplaining, e, time.Time{})
			s.Back, s.Done, s.Rotated = e.At, b.Done, b.Rotated
			s.Until = s.explainBy()
		},
		Tell: func(e workflows.Event, b useBack) string {
			rotated := "the password was not changed"
			if b.Rotated == rotatedYes {
				rotated = "the password was changed"
			}
			return workflows.Mention(e.By.ID) + " brought it back (" + rotated + "): " + workflows.Quote(b.Done)
		},
	}
	evUseSeen = useKind[Seen]{
		Type: "key.seen",
		Fold: func(s *UseState, _ workflows.Event, b Seen) { s.Seen = append(slices.Clip(s.Seen), b.SignIn) },
		Tell: func(_ workflows.Event, b Seen) string {
			return "The audit log shows a sign-in as the owner " + workflows.When(b.At) + ", which belongs to this use."
		},
	}
	evUseFound = useKind[useFound]{
		Type: "key.found",
		Fold: func(s *UseState, e workflows.Event, b useFound) {
			s.FoundBy, s.EndedIn, s.EndedBy = e.By.ID, s.Stage, e.By
			s.End(b.Found, e)
		},
		Tell: func(e workflows.Event, b useFound) string {
			return workflows.Mention(e.By.ID) + " found: " + foundWords[b.Found] + "."
		},
	}
	evUseEnded = useKind[useEnded]{
		Type: "key.ended",
		Fold: func(s *UseState, e workflows.Event, b useEnded) {
			s.Why, s.EndedIn, s.EndedBy = b.Reason, s.Stage, e.By
			s.End(b.Outcome, e)
		},
		Tell: func(e workflows.Event, b useEnded) string {
			why := ""
			if b.Reason != "" {
				why = ": " + workflows.Quote(b.Reason)
			}
			switch b.Outcome {
			case UseRefused:
				return workflows.Mention(e.By.ID) + " refused it" + why
			case UseCancelled:
				return workflows.Mention(e.By.ID) + " took the question back" + why
			case UseUnexplained:
				return "Nobody said in time what the use was: it stands as unexplained, and everybody was alarmed."
			}
			return "Nobody decided in time."
		},
	}
)

// foundWords say what somebody found.
var foundWords = map[string]string{UsePlanned: "planned", UseEmergency: "an emergency", UseMisuse: "misuse"}

var useKinds = workflows.NewKinds(nil, nil, append(asks.Kinds(), evUseOpened, evUseOut, evUseLate, evUseBack, evUseSeen,
	evUseFound, evUseEnded)...)
