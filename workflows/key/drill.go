package key

import (
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Stages of a drill; the last three are its ends.
const (
	DrillRunning   = "running"
	DrillPassed    = "passed"
	DrillGaps      = "gaps"
	DrillCancelled = "cancelled"
)

// How somebody answered, beside [workflows.Verified] and [workflows.Attested].
const (
	Cannot  = "cannot"  // they say that they cannot
	Guessed = "guessed" // three wrong words
)

// wordTries is how often a holder may type a word; then it counts as not proven.
const wordTries = 3

// DrillPlan is what the opening event of a drill fixes.
type DrillPlan struct {
	AccountName string `json:"account_name"`
	Owner       string `json:"owner"`        // the address that owns the account: an alias
	By          string `json:"by,omitempty"` // who asked for it; empty: the calendar
	Circle
	// Names are those of the holders, for the letter.
	Names   map[string]string `json:"names,omitempty"`
	Channel string            `json:"channel,omitempty"`
	Mail    bool              `json:"mail,omitempty"` // words are sent; else holders attest
	Within  time.Duration     `json:"within"`
	Turn    time.Duration     `json:"turn"`
	Remind  []time.Time       `json:"remind,omitempty"`
	UIHost  string            `json:"ui_host,omitempty"`
	Watch   string            `json:"watch,omitempty"` // the workflow that reads sign-ins and opens drills
}

// Answer is what one person showed about one part.
type Answer struct {
	How string    `json:"how"`
	At  time.Time `json:"at"`
}

// Proven reports whether the answer shows that the part can be used.
func (a Answer) Proven() bool { return a.How == workflows.Verified || a.How == workflows.Attested }

// TurnNote is one turn of a keeper that began, kept because its message stays.
type TurnNote struct {
	Person string    `json:"person"`
	At     time.Time `json:"at"`
	To     time.Time `json:"to,omitzero"`
}

// DrillReminder is one round of reminding.
type DrillReminder struct {
	At time.Time `json:"at"`
	To []string  `json:"to"`
}

// DrillState is all that a drill knows, the fold of its events.
type DrillState struct {
	workflows.Head
	DrillPlan
	// Mailbox and Keeper hold the answers, by person.
	Mailbox map[string]Answer `json:"mailbox,omitempty"`
	Keeper  map[string]Answer `json:"keeper,omitempty"`
	// Words is what a typed word is compared with, Tries the wrong ones so far.
	Words      map[string]workflows.WordHash `json:"words,omitempty"`
	Tries      map[string]int                `json:"tries,omitempty"`
	LetterAt   time.Time                     `json:"letter_at,omitzero"`
	LetterCode string                        `json:"letter_code,omitempty"` // why no letter could be sent
	// Queue are the keepers whose turn is still to come, the next first; Turns those that began, the
	// last one runs while its To is zero.
	Queue     []string           `json:"queue,omitempty"`
	Turns     []TurnNote         `json:"turns,omitempty"`
	Seen      []workflows.SignIn `json:"seen,omitempty"`
	Reminders []DrillReminder    `json:"reminders,omitempty"` // those that were sent; their messages stay
	Gaps      []string           `json:"gaps,omitempty"`
	EndedBy   workflows.Actor    `json:"ended_by,omitzero"`
	Remaining []string           `json:"remaining,omitempty"` // who was still asked when it ended
}

// Title implements workflows.State.
func (s DrillState) Title() string { return "Drill: who can still sign in as " + s.Owner }

// turn is the keeper whose turn it is, and since when; "" for nobody's.
func (s DrillState) turn() (who string, since time.Time) {
	if n := len(s.Turns); n > 0 && s.Turns[n-1].To.IsZero() {
		return s.Turns[n-1].Person, s.Turns[n-1].At
	}
	return "", time.Time{}
}

// owes says what a person is still asked: their mailbox, and, when it is their turn, the sign-in.
func (s DrillState) owes(who string) (mailbox, turn bool) {
	if s.Closed() {
		return false, false
	}
	_, answered := s.Mailbox[who]
	now, _ := s.turn()
	return slices.Contains(s.Holders, who) && !answered, now == who && who != ""
}

// open lists everybody who has not answered all they are asked.
func (s DrillState) open() []string {
	var out []string
	for _, who := range workflows.Union(s.Holders, s.Keepers()) {
		_, mailbox := s.Mailbox[who]
		_, keeper := s.Keeper[who]
		if slices.Contains(s.Holders, who) && !mailbox || slices.Contains(s.Keepers(), who) && !keeper {
			out = append(out, who)
		}
	}
	return out
}

// askedNow lists those of them who can answer now: a keeper before their turn has nothing to do.
func (s DrillState) askedNow() []string {
	return slices.DeleteFunc(s.open(), func(who string) bool {
		mailbox, turn := s.owes(who)
		return !mailbox && !turn
	})
}

// proven counts who has shown a part.
func (s DrillState) proven(what string) int {
	n := 0
	of, answers := s.Holders, s.Mailbox
	switch what {
	case workflows.KeyPassword:
		of, answers = s.Password, s.Keeper
	case workflows.KeySecondFactor:
		of, answers = s.SecondFactor, s.Keeper
	}
	for _, who := range of {
		if answers[who].Proven() {
			n++
		}
	}
	return n
}

// parts are what a keeper's sign-in shows.
func (s DrillState) parts(who string) []string {
	var out []string
	if slices.Contains(s.Password, who) {
		out = append(out, workflows.KeyPassword)
	}
	if slices.Contains(s.SecondFactor, who) {
		out = append(out, workflows.KeySecondFactor)
	}
	return out
}

// pass ends the running turn and begins the next one that is due; whoever has not answered has
// another turn behind the others.
func (s *DrillState) pass(e workflows.Event) {
	if who := s.endTurn(e); who != "" {
		if _, answered := s.Keeper[who]; !answered {
			s.Queue = append(slices.Clip(s.Queue), who)
		}
	}
	for len(s.Queue) > 0 {
		next := s.Queue[0]
		s.Queue = s.Queue[1:]
		if _, answered := s.Keeper[next]; !answered {
			s.Turns = append(slices.Clip(s.Turns), TurnNote{Person: next, At: e.At})
			return
		}
	}
}

// endTurn ends the running turn and answers whose it was.
func (s *DrillState) endTurn(e workflows.Event) string {
	who, _ := s.turn()
	if who != "" {
		s.Turns = slices.Clone(s.Turns)
		s.Turns[len(s.Turns)-1].To = e.At
	}
	return who
}

// answer keeps what somebody showed; what was seen is never replaced by what was said.
func answer(all map[string]Answer, who string, a Answer) map[string]Answer {
	if was := all[who]; was.How == workflows.Verified || was.How == a.How {
		return all
	}
	all = maps.Clone(all)
	if all == nil {
		all = map[string]Answer{}
	}
	all[who] = a
	return all
}

// Bodies of a drill's events.
type (
	drillOpened struct {
		workflows.Opening
		DrillPlan
	}
	letterSent struct {
		Words map[string]workflows.WordHash `json:"words"`
	}
	notSent struct {
		Code    string `json:"code"`
		Message string `json:"message,omitempty"`
	}
	wordTyped struct {
		Right bool `json:"right"`
	}
	said struct { // of the event's actor
		Mailbox bool `json:"mailbox,omitempty"`
		Turn    bool `json:"turn,omitempty"`
	}
	turnPassed struct {
		Person string `json:"person"`
	}
	// Seen is a sign-in of the owner that belongs to a use or to a keeper's turn.
	Seen struct {
		workflows.SignIn
		Person string `json:"person"`
	}
	drillReminded struct {
		To []string `json:"to"`
	}
	drillEnd struct {
		Outcome string   `json:"outcome"`
		Gaps    []string `json:"gaps,omitempty"`
		Open    []string `json:"open,omitempty"`
	}
)

type drillKind[B any] = workflows.Kind[DrillState, B]

var (
	evDrillOpened = drillKind[drillOpened]{
		Type: "drill.opened",
		Fold: func(s *DrillState, e workflows.Event, b drillOpened) {
			s.DrillPlan = b.DrillPlan
			s.Open(b.Opening, DrillRunning, e)
			s.Until = e.At.Add(b.Within)
			s.Queue = b.Keepers()
			s.pass(e)
		},
		Tell: func(e workflows.Event, b drillOpened) string {
			who := "Keyholder opened the drill, for its time had come"
			if b.By != "" {
				who = workflows.Mention(b.By) + " asked for a drill"
			}
			return who + ": " + workflows.Plural(len(b.Holders), "holder") + " and " +
				workflows.Plural(len(b.Keepers()), "keeper") + " of " + workflows.Esc(b.Owner) + " are asked."
		},
	}
	evLetter = drillKind[letterSent]{
		Type: "drill.letter",
		Fold: func(s *DrillState, e workflows.Event, b letterSent) {
			s.LetterAt, s.Words, s.LetterCode = e.At, b.Words, ""
		},
		Tell: workflows.Told[letterSent]("The letter with a word for each holder was sent to the mailbox."),
	}
	evNoLetter = drillKind[notSent]{
		Type: "drill.unsent",
		Fold: func(s *DrillState, _ workflows.Event, b notSent) {
			s.LetterCode, s.Mail = b.Code, false
			s.Ask()
		},
		Tell: func(_ workflows.Event, b notSent) string {
			return "The letter could not be sent (" + workflows.Esc(b.Code) + "), so the holders attest."
		},
	}
	evWord = drillKind[wordTyped]{
		Type: "drill.word",
		Fold: func(s *DrillState, e workflows.Event, b wordTyped) {
			who := e.By.ID
			if b.Right {
				s.Mailbox = answer(s.Mailbox, who, Answer{workflows.Verified, e.At})
				return
			}
			s.Tries = maps.Clone(s.Tries)
			if s.Tries == nil {
				s.Tries = map[string]int{}
			}
			if s.Tries[who]++; s.Tries[who] >= wordTries {
				s.Mailbox = answer(s.Mailbox, who, Answer{Guessed, e.At})
			}
		},
		Tell: func(e workflows.Event, b wordTyped) string {
			if b.Right {
				return workflows.Mention(e.By.ID) + " typed the word of the letter."
			}
			return workflows.Mention(e.By.ID) + " typed a wrong word."
		},
	}
	evAttested = drillKind[said]{
		Type: "drill.attested",
		Fold: func(s *DrillState, e workflows.Event, b said) { s.take(e, b, workflows.Attested) },
		Tell: func(e workflows.Event, b said) string {
			return workflows.Mention(e.By.ID) + " says: " + b.words("I can read the mailbox",
				"I signed in as the owner") + "."
		},
	}
	evCannot = drillKind[said]{
		Type: "drill.cannot",
		Fold: func(s *DrillState, e workflows.Event, b said) { s.take(e, b, Cannot) },
		Tell: func(e workflows.Event, b said) string {
			return workflows.Mention(e.By.ID) + " says: " +
				b.words("I cannot read the mailbox", "I cannot sign in as the owner") + "."
		},
	}
	evTurnPassed = drillKind[turnPassed]{
		Type: "drill.passed",
		Fold: func(s *DrillState, e workflows.Event, _ turnPassed) { s.pass(e) },
		Tell: func(_ workflows.Event, b turnPassed) string {
			return "The turn of " + workflows.Mention(b.Person) + " was over, so that the others have theirs."
		},
	}
	evDrillSeen = drillKind[Seen]{
		Type: "drill.seen",
		Fold: func(s *DrillState, e workflows.Event, b Seen) {
			s.Seen = append(slices.Clip(s.Seen), b.SignIn)
			s.Keeper = answer(s.Keeper, b.Person, Answer{workflows.Verified, b.At})
			if who, _ := s.turn(); who == b.Person {
				s.pass(e)
			}
		},
		Tell: func(_ workflows.Event, b Seen) string {
			return "The audit log shows a sign-in as the owner " + workflows.When(b.At) + ", in the turn of " +
				workflows.Mention(b.Person) + "."
		},
	}
	evDrillReminded = drillKind[drillReminded]{
		Type: "drill.reminded",
		Fold: func(s *DrillState, e workflows.Event, b drillReminded) {
			s.Reminders = append(slices.Clip(s.Reminders), DrillReminder{e.At, b.To})
		},
		Tell: func(_ workflows.Event, b drillReminded) string {
			return "Keyholder reminded " + workflows.Mentions(b.To) + "."
		},
	}
	evDrillEnded = drillKind[drillEnd]{
		Type: "drill.ended",
		Fold: func(s *DrillState, e workflows.Event, b drillEnd) {
			s.endTurn(e)
			s.Queue, s.Gaps, s.Remaining, s.EndedBy = nil, b.Gaps, b.Open, e.By
			s.Words = nil // of no use any more
			s.End(b.Outcome, e)
		},
		Tell: func(e workflows.Event, b drillEnd) string {
			switch b.Outcome {
			case DrillCancelled:
				return workflows.Mention(e.By.ID) + " ended the drill early."
			case DrillPassed:
				return "The drill is over: everything was shown by two people or more."
			}
			return "The drill is over, with " + workflows.Plural(len(b.Gaps), "gap") + "."
		},
	}
)

var drillKinds = workflows.NewKinds(nil, nil,
	evDrillOpened, evLetter, evNoLetter, evWord, evAttested, evCannot, evTurnPassed, evDrillSeen,
	evDrillReminded, evDrillEnded)

// take keeps what the event's actor says.
func (s *DrillState) take(e workflows.Event, b said, how string) {
	if b.Mailbox {
		s.Mailbox = answer(s.Mailbox, e.By.ID, Answer{how, e.At})
	}
	if b.Turn {
		s.Keeper = answer(s.Keeper, e.By.ID, Answer{how, e.At})
		s.pass(e)
	}
}

func (b said) words(mailbox, turn string) string {
	var out []string
	if b.Mailbox {
		out = append(out, mailbox)
	}
	if b.Turn {
		out = append(out, turn)
	}
	return workflows.List(out, "and")
}
