package workflows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// epoch is when the tests begin.
var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// book is a machine made of the kit alone: people sign it until it is closed.
type bookState struct {
	workflows.Head
	Names []string `json:"names,omitempty"`
	Seen  int      `json:"seen,omitempty"`
}

func (s bookState) Title() string { return "Sign the book" }

type signed struct {
	Name string `json:"name"`
}

var (
	bookOpened = workflows.Kind[bookState, workflows.Opening]{Type: "book.opened",
		Fold: func(s *bookState, e workflows.Event, b workflows.Opening) { s.Open(b, "open", e) },
		Tell: workflows.Told[workflows.Opening]("opened")}
	bookSigned = workflows.Kind[bookState, signed]{Type: "book.signed",
		Fold: func(s *bookState, e workflows.Event, b signed) {
			s.Names[0] = b.Name // in place: what clone is for
			s.Ask()
		},
		Tell: func(e workflows.Event, b signed) string { return workflows.Esc(b.Name) + " signed" }}
	bookClosed = workflows.Kind[bookState, workflows.None]{Type: "book.closed",
		Fold: func(s *bookState, e workflows.Event, _ workflows.None) { s.End("full", e) },
		Tell: workflows.Told[workflows.None]("closed")}
)

var bookKinds = workflows.NewKinds(
	func(s bookState) bookState {
		s.Names = append(slices.Clone(s.Names), "")[:1]
		return s
	},
	func(s *bookState) { s.Seen++ }, bookOpened, bookSigned, bookClosed)

var bookGate = workflows.Gate[bookState]{Noun: "book",
	Clicks: map[string]workflows.Handler[bookState]{
		"book.sign": func(_ bookState, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
			return bookSigned.One(cmd, signed{cmd.Actor.ID}), nil
		},
	},
	Outcome: func(s bookState) string { return "It is " + s.Stage + "." },
	Now:     func(bookState) string { return "It wants another name." },
	Mine: func(s bookState, who, _ string) string {
		if slices.Contains(s.Names, who) {
			return "Your name stands."
		}
		return ""
	}}

func bookMachine() workflows.Machine {
	return workflows.Rules[bookState]{Name: "book", Letter: 'b', Schema: 3, Kinds: bookKinds, Decide: bookGate.Decide,
		View: func(s bookState) workflows.View { return workflows.View{Waiting: s.Names} }}.Machine()
}

func bookEvent(e workflows.Event) workflows.Event {
	e.At = epoch
	return e
}

func openBook(t *testing.T) bookState {
	t.Helper()
	cmd := workflows.Command{Workflow: "b01-00000001", At: epoch}
	s, err := bookKinds.Apply(bookState{}, bookOpened.Of(cmd, workflows.Opening{ID: cmd.Workflow, AccountID: "acme"}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAMachineIsDefinedOnceByItsRules(t *testing.T) {
	m, s := bookMachine(), workflows.State(openBook(t))
	if m.Name() != "book" || m.Letter() != 'b' || m.Schema() != 3 || m.New().Opened() {
		t.Errorf("%s %c %d", m.Name(), m.Letter(), m.Schema())
	}
	if v := m.View(m.New()); len(v.Waiting) > 0 {
		t.Errorf("what was not opened shows %+v", v)
	}
	if s.Account() != "acme" || s.StageName() != "open" || !s.Began().Equal(epoch) || s.Closed() || !s.Opened() {
		t.Errorf("the head answers %+v", s)
	}
	s, err := m.Apply(s, bookEvent(bookClosed.Of(workflows.Command{At: epoch}, workflows.None{})))
	if err != nil || !s.Closed() || s.StageName() != "full" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := m.Decode([]byte(`{"names":3}`)); err == nil || !strings.Contains(err.Error(), "book") {
		t.Errorf("a state that is none: %v", err)
	}
}

func TestFoldingLeavesTheStateItWasGivenAsItWas(t *testing.T) {
	s := openBook(t)
	sign := func(name string) workflows.Event { return bookSigned.Of(workflows.Command{At: epoch}, signed{name}) }
	one, err := bookKinds.Apply(s, sign("Ana"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := bookKinds.Apply(one, sign("Ben"))
	if err != nil || one.Names[0] != "Ana" || two.Names[0] != "Ben" || two.Seen != 3 || two.Round != 3 {
		t.Errorf("%+v, then %+v, %v", one, two, err)
	}
	unread := sign("Cat")
	unread.Body = []byte(`{"name":1}`)
	for name, e := range map[string]workflows.Event{"unknown": {Type: "book.eaten", Body: []byte("{}")},
		"unreadable": unread} {
		after, err := bookKinds.Apply(one, sign("Dee"), e)
		if err == nil || after.Names[0] != "Ana" {
			t.Errorf("%s: %+v, %v", name, after, err)
		}
		if told := bookKinds.Tell(e); strings.Contains(told, "{") || told == "" {
			t.Errorf("%s is told as %q", name, told)
		}
	}
	if _, err := bookKinds.Apply(one, workflows.Event{Type: "book.eaten"}); !errors.Is(err, workflows.ErrUnknownEvent) {
		t.Errorf("%v", err)
	}
}

func TestAKindThatIsNotWholeIsFoundAtOnce(t *testing.T) {
	for name, kinds := range map[string][]workflows.AnyKind[bookState]{
		"twice":    {bookClosed, bookClosed},
		"untold":   {workflows.Kind[bookState, signed]{Type: "book.x"}},
		"nameless": {workflows.Kind[bookState, signed]{Tell: workflows.Told[signed]("x")}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			workflows.NewKinds(nil, nil, kinds...)
		}()
	}
	if got := bookKinds.Types(); !slices.Equal(got, []string{"book.closed", "book.opened", "book.signed"}) {
		t.Errorf("%q", got)
	}
}

func TestAClickPassesTheGateOrIsToldWhyNot(t *testing.T) {
	open := openBook(t)
	over := open
	over.End("full", bookEvent(workflows.Event{}))
	mine := open
	mine.Names = []string{"UANA"}
	member := workflows.Facts{
		People: map[string]workflows.Person{
			"UANA": {ID: "UANA"},
			"UGUS": {ID: "UGUS", Standing: workflows.StandingGuest},
		},
	}
	for name, c := range map[string]struct {
		s         bookState
		who, what string
		round     int
		code      string
		says      []string
		refresh   bool
	}{
		"passes":         {open, "UANA", "book.sign", 1, "", nil, false},
		"without a card": {open, "UANA", "book.sign", workflows.NoRound, "", nil, false},
		"unknown button": {open, "UANA", "book.burn", 1, "unknown_action",
			[]string{"this book's", "Nothing was recorded"}, false},
		"not opened":       {bookState{}, "UANA", "book.sign", 0, "unknown_action", nil, false},
		"a guest":          {open, "UGUS", "book.sign", 1, "standing_guest", nil, false},
		"nobody looked up": {open, "UZOE", "book.sign", 1, "standing_unknown", nil, false},
		"over": {over, "UANA", "book.sign", over.Round, "closed",
			[]string{"This book is over: It is full. Nothing was recorded."}, true},
		"old card": {open, "UANA", "book.sign", 0, "old_round", []string{"It wants another name.",
			"Nothing was recorded"}, true},
		"old card and mine": {mine, "UANA", "book.sign", 0, "old_round",
			[]string{"Your name stands. This card has changed"}, true},
	} {
		d, err := bookGate.Decide(
			c.s,
			workflows.Command{
				Name:  c.what,
				Round: c.round,
				At:    epoch,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: c.who},
			},
			member,
		)
		var r *workflows.Refusal
		if c.code == "" {
			if err != nil || len(d.Events) != 1 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &r) || r.Code != c.code || r.Refresh != c.refresh || len(d.Events) > 0 {
			t.Errorf("%s: %v, events %v", name, err, d.Events)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(r.Text, want) {
				t.Errorf("%s says %q", name, r.Text)
			}
		}
	}
}

func TestOnlyKeyholderTells(t *testing.T) {
	message := workflows.Message[signed]{Command: "book.told"}
	call := message.To("acme", "b01-00000001", signed{"Ana, \"the\" first"})
	cmd := workflows.Command{Name: call.Command, Input: call.Input, Actor: workflows.Actor{Kind: workflows.ByKeyholder}}
	b, err := message.Body(cmd)
	if err != nil || b.Name != "Ana, \"the\" first" || !message.Given(cmd) || call.Op != workflows.OpTell ||
		call.ID != "b01-00000001" {
		t.Errorf("%+v, %v", b, err)
	}
	cmd.Actor = workflows.Actor{Kind: workflows.ByPerson, ID: "UANA"}
	if message.Given(cmd) {
		t.Error("a person tells")
	}
	cmd.Input = nil
	if _, err := message.Body(cmd); err == nil {
		t.Error("an empty message is read")
	}
}

func TestMachinesAreToldApartByTheirLetters(t *testing.T) {
	seen := map[byte]bool{workflows.LedgerLetter: true}
	for _, l := range []byte{workflows.LetterTransfer, workflows.LetterAccess, workflows.LetterDrift,
		workflows.LetterFinding, workflows.LetterCampaign,
		workflows.LetterPacket, workflows.LetterCalendar, workflows.LetterGovernance} {
		if seen[l] {
			t.Errorf("%c stands for two machines", l)
		}
		seen[l] = true
	}
	id := workflows.NewID(workflows.LetterTransfer, "acme", 4, "x")
	if !workflows.HasLetter(id, workflows.LetterTransfer) || workflows.HasLetter(id, workflows.LetterAccess) ||
		workflows.HasLetter("t", 't') {
		t.Error(id)
	}
}
